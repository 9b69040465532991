"""The header of a watch's history: what is called, how often, and what is polled and checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from surveyor.callers import format_statuses
from surveyor.history import Header
from surveyor.observers.polls import Poll
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.targets.running import RunningTarget
from surveyor.watch.checks import checks_of
from surveyor.watch.clients import WatchedClients
from surveyor.watch.settings import WatchSettings

__all__ = ["header_of"]


def header_of(
    target: RunningTarget,
    service: ServiceUnderTest,
    settings: WatchSettings,
    clients: WatchedClients,
    polls: Mapping[str, Poll],
    period: float,
    scale: float,
    seconds: float,
) -> Header:
    """Return it. `period`: of the polls; `seconds`: how long the watch will last, 0 until a deployment is over."""
    request, name = settings.request, f"{service.cluster}/{service.service}"
    calls = {
        "calls": f"{request.method} {request.path} at port {settings.port or service.port}"
        f"{' with TLS' if request.tls else ''}, expected {format_statuses(request.expected)}",
        "clients": ", ".join(clients.by_model),
        "calls per wall second": f"{settings.rate:g} of each client model",
        "polls": f"each {period:.1f} s",
    }
    return Header(
        experiment="watch",
        title=f"{name} while it {'lives' if seconds else 'deploys'}.",
        target=f"{target.target.name} {target.target.version()}".strip(),
        seed=settings.seed,
        scale=scale,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service={**service.settings, **calls},
        machines={},
        views={name: poll.view for name, poll in polls.items() if poll.view is not None},
        checks=checks_of(service, settings, clients.by_model, seconds),
    )
