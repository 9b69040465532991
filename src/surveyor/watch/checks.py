"""The checks of a watch, from what is watched."""

from __future__ import annotations

from collections.abc import Iterable

from surveyor.checkers import make_check
from surveyor.history import Check
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.watch.clients import DIRECT
from surveyor.watch.settings import WatchSettings

__all__ = ["DEPLOYED", "checks_of"]

DEPLOYED = "deployed"
"""The check of how the deployment ended."""

REST = 180.0
"""Service seconds of a watch in which a service can be expected to be at rest for a minute after its last change."""


def checks_of(
    service: ServiceUnderTest, settings: WatchSettings, models: Iterable[str], seconds: float
) -> tuple[Check, ...]:
    """Return the checks of a watch that lasts `seconds`, or until a deployment is over if that is 0.

    Calls of DIRECT are not judged: until the next poll it calls tasks that no client calls any more.
    """
    checks = [make_check(DEPLOYED, within=settings.within)] if not seconds else []
    over = min(settings.over, seconds) if seconds else settings.over
    judged = ",".join(name for name in models if name != DIRECT.name)
    if judged:
        checks.append(make_check("answered", at_least=settings.at_least, over=over, clients=judged))
    if service.registry:
        at_rest = ("no-loss-at-rest", "views-agree-at-rest") if seconds >= REST else ()
        checks += [make_check(name) for name in ("no-resurrection", "revision-rises-with-membership", *at_rest)]
    return tuple(checks)
