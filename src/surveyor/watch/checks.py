"""The checks of a watch, from what is watched."""

from __future__ import annotations

from collections.abc import Iterable

from surveyor.checkers import make_check
from surveyor.history import Check
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.watch.clients import DIRECT
from surveyor.watch.settings import WatchSettings

__all__ = ["checks_of"]


def checks_of(
    service: ServiceUnderTest, settings: WatchSettings, models: Iterable[str], *, deployment: bool
) -> tuple[Check, ...]:
    """Return the checks of a watch; `deployment`: it waits for one.

    Calls of DIRECT are not judged: it calls tasks that no client calls any more, until the next poll.
    """
    checks = [make_check("deployed", within=settings.within)] if deployment else []
    judged = [name for name in models if name != DIRECT.name] or [DIRECT.name]
    checks.append(make_check("answered", at_least=settings.at_least, over=settings.over, clients=",".join(judged)))
    if service.registry:
        names = ("no-resurrection", "revision-rises-with-membership", "no-loss-at-rest", "views-agree-at-rest")
        checks += [make_check(name) for name in names]
    return tuple(checks)
