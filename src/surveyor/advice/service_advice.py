"""Recommend settings of a service that close the windows of its deployments, with the arithmetic.

A separate container, which sleeps when it gets SIGTERM and depends on the program, delays the SIGTERM of any program:
for shutdown, dependencies are reversed (ecs/ContainerDefinition.dependsOn).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from surveyor.advice.recommendations import HEALTH_DELAY, HEALTHY_AFTER, MAX_STOP_TIMEOUT
from surveyor.advice.service_figures import ServiceFigures
from surveyor.advice.settings import IN_FLIGHT, MARGIN

__all__ = ["LONGEST_DRAIN", "NAME_SERVERS", "ServiceAdvice", "ServiceChange", "ServiceSettings", "advise_service"]

NAME_SERVERS = 60
"""Seconds until name servers answer with a change (route53/ChangeResourceRecordSets: "generally within 60")."""

LONGEST_DRAIN = MAX_STOP_TIMEOUT - IN_FLIGHT
"""Seconds for which a container can sleep after SIGTERM, on Fargate."""


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of a service that matter: `ttl` of its records, 0 without records; `has_check`: of its container.

    `drain`: seconds for which such a container sleeps already. `in_account`: Route 53 answers for its names.
    `minimum_percent`: of healthy tasks that a deployment keeps.
    """

    ttl: int
    has_check: bool
    drain: int = 0
    minimum_percent: int = 100
    in_account: bool = True


@dataclass(frozen=True)
class ServiceChange:
    """One way to close the windows: new values, None for what stays, and the reason with its arithmetic."""

    reason: str
    ttl: int | None = None
    drain: int | None = None
    without_check: bool = False
    minimum_percent: int | None = None


@dataclass(frozen=True)
class ServiceAdvice:
    """`lines` say what was measured, and what follows; `changes` close the windows, the best first."""

    lines: tuple[str, ...]
    changes: tuple[ServiceChange, ...]

    @property
    def is_closed(self) -> bool:
        """Return whether nothing needs to change."""
        return not self.changes


def advise_service(figures: ServiceFigures, settings: ServiceSettings) -> ServiceAdvice:
    """Return advice for the figures of a watched deployment."""
    named, listened = math.ceil(figures.named.high), math.floor(figures.listened.low)
    slowest = max(named, NAME_SERVERS) if settings.in_account and settings.ttl else named
    called, window = named + settings.ttl, named + settings.ttl - listened
    lines = [
        (
            f"A task was named for up to {named} s after ECS began to stop it, and may be cached for the TTL of "
            f"{settings.ttl} s: it is called for up to {named} + {settings.ttl} = {called} s. It answered for at "
            f"least {listened} s."
        ),
        f"Window: {called} - {listened} = {window} s in which clients call a task that does not answer"
        if window > 0
        else "No window: every task answered for longer than it was called.",
    ]
    if figures.danger.high > 0:
        lines.append(f"Clients did so until {figures.danger.low:.1f} to {figures.danger.high:.1f} s after its end.")
    drains = _drains(slowest, listened, settings) if window > 0 else ()
    if window > 0 and not drains:
        lines.append(
            f"No setting closes it: {slowest} s (until no answer names the task) + {MARGIN} exceed the "
            f"{LONGEST_DRAIN} s for which a task can answer after it left the registry."
        )
    gap_lines, gap = _gap(figures, settings)
    lines += gap_lines
    changes = tuple(_with_gap(drain, gap) for drain in drains) or ((gap,) if gap is not None else ())
    return ServiceAdvice(tuple(lines), changes)


def _drains(slowest: int, listened: int, settings: ServiceSettings) -> tuple[ServiceChange, ...]:
    """Return the change that keeps the TTL, if it is possible, and the one with the shortest delay of deployments."""
    own = max(0, listened - settings.drain)  # for which a task answers by itself
    because = f"{slowest} (until no answer names it{', as Route 53 documents' if slowest == NAME_SERVERS else ''})"
    found: list[ServiceChange] = []
    for ttl in dict.fromkeys((settings.ttl, min(settings.ttl, 10), min(settings.ttl, 1))):
        drain = slowest + ttl + MARGIN - own
        if drain > LONGEST_DRAIN or len(found) == 2:
            continue
        kept = f"keep the TTL of {ttl} s" if ttl == settings.ttl else f"a TTL of {ttl} s"
        own_text = f" - {own} (which it does)" if own else ""
        found.append(
            ServiceChange(
                f"{kept}; answer for {because} + {ttl} (TTL) + {MARGIN}{own_text} = {drain} s longer: each task takes "
                "that much longer to stop",
                ttl=None if ttl == settings.ttl else ttl,
                drain=drain,
            )
        )
    return tuple(found)


def _gap(figures: ServiceFigures, settings: ServiceSettings) -> tuple[list[str], ServiceChange | None]:
    gap = figures.gap
    if gap.low <= 0:
        return ["The registry always had a healthy instance."], None
    lines = [f"The registry had no healthy instance for {gap.low:.1f} to {gap.high:.1f} s."]
    if settings.minimum_percent < 100:
        reason = (
            f"a minimumHealthyPercent of 100 in place of {settings.minimum_percent}: a deployment starts new tasks "
            "before it stops old ones"
        )
        return lines, ServiceChange(reason, minimum_percent=100)
    if settings.has_check:
        reason = (
            f"no check of the container: then ECS counts a new task {HEALTHY_AFTER} s after RUNNING, {HEALTHY_AFTER} - "
            f"{HEALTH_DELAY} = {HEALTHY_AFTER - HEALTH_DELAY} s after Cloud Map shows it as healthy; with the check it "
            f"stops old tasks up to {HEALTH_DELAY} s before (or keep it, and let clients discover with "
            "HealthStatus=HEALTHY_OR_ELSE_ALL)"
        )
        return lines, ServiceChange(reason, without_check=True)
    lines.append("There is no setting to change: let clients discover with HealthStatus=HEALTHY_OR_ELSE_ALL.")
    return lines, None


def _with_gap(change: ServiceChange, gap: ServiceChange | None) -> ServiceChange:
    if gap is None:
        return change
    return ServiceChange(
        f"{change.reason}; and {gap.reason}", change.ttl, change.drain, gap.without_check, gap.minimum_percent
    )
