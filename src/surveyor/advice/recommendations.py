"""What would close the window in which clients call a task that is gone, with the arithmetic shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from surveyor.advice.figures import Figures, TaskSettings
from surveyor.history.observations import Interval

__all__ = ["Advice", "advise"]

LONGEST_STOP = 120
"""Seconds that Fargate lets a container take (ecs/ContainerDefinition.stopTimeout)."""

IN_FLIGHT = 5
"""Seconds left for requests that came last, between the end of the drain and SIGKILL."""

COUNTS_AFTER = 40
"""Seconds after RUNNING from which a task without a check counts as healthy
(ecs/DeploymentConfiguration.minimumHealthyPercent)."""

HEALTH_TOLD = 30
"""Seconds until a custom health status is told (servicediscovery/HealthCheckCustomConfig)."""

MARGIN = 5
"""Seconds on top of what was measured, since it was measured once, and the next answer may take longer."""


@dataclass(frozen=True)
class Advice:
    """`lines` tell how it stands; `ways` are settings that would close the window, the best first, each with why."""

    lines: tuple[str, ...]
    ways: tuple[tuple[TaskSettings, str], ...]

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing to change."""
        return not self.ways


def advise(measured: Figures) -> Advice:
    """What follows from the figures of one task."""
    now, lag = measured.tuning, math.ceil(measured.lag.high)
    named = (
        f"The last answer that named the task came up to {measured.lag.high:.1f} s after SIGTERM, and may be kept for "
        f"the TTL of {now.ttl} s: it is called for up to {measured.lag.high + now.ttl:.1f} s after SIGTERM."
    )
    lines, ways = _window(measured, named, lag)
    if measured.gap is None:
        return Advice(lines, ways)
    return _with_gap(measured, measured.gap, lines, ways)


def _with_gap(
    measured: Figures, gap: Interval, lines: tuple[str, ...], ways: tuple[tuple[TaskSettings, str], ...]
) -> Advice:
    """The gap closes when ECS trusts a new task no sooner than Cloud Map does."""
    if gap.low <= 0:
        return Advice((*lines, "During a deployment there was always somebody healthy."), ways)
    told = (
        f"During a deployment the registry knew nobody healthy for {gap.low:.1f} to {gap.high:.1f} s: ECS stops the "
        f"old task as soon as the new one's check passes, and Cloud Map tells of its health {HEALTH_TOLD} s later."
    )
    if not measured.tuning.check:
        more = "There is no check to leave out: have clients ask with HealthStatus=HEALTHY_OR_ELSE_ALL."
        return Advice((*lines, told, more), ways)
    why = (
        f"leave the container's check out: then ECS counts a new task only {COUNTS_AFTER} s after RUNNING, "
        f"{COUNTS_AFTER} - {HEALTH_TOLD} = {COUNTS_AFTER - HEALTH_TOLD} s after Cloud Map tells of it (or keep it, and "
        "have clients ask with HealthStatus=HEALTHY_OR_ELSE_ALL)"
    )
    both = tuple((replace(tuning, check=False), f"{reason}; and {why}") for tuning, reason in ways)
    return Advice((*lines, told), both or ((replace(measured.tuning, check=False), why),))


def _window(measured: Figures, named: str, lag: int) -> tuple[tuple[str, ...], tuple[tuple[TaskSettings, str], ...]]:
    now = measured.tuning
    arithmetic = (named, f"Nobody listened any more from {measured.listened.low:.1f} s after SIGTERM on.")
    if measured.danger.high <= 0:
        return (*arithmetic, "The window is closed: change nothing."), ()
    window = (
        f"Window: {measured.lag.high:.1f} + {now.ttl} - {measured.listened.low:.1f} = up to "
        f"{measured.danger.high:.1f} s in which clients call an address where nobody listens."
    )
    ways = tuple(way for way in (_shorter_ttl(now, lag), _longer_stop(now, lag)) if way is not None)
    if not ways:
        window += (
            f" No TTL goes with a stopTimeout of {now.stop_timeout} s: leaving the registry alone takes {lag} s. "
            f"Raise stopTimeout to at least {lag + MARGIN + IN_FLIGHT + 1} s first."
        )
    return (*arithmetic, window), ways


def _shorter_ttl(now: TaskSettings, lag: int) -> tuple[TaskSettings, str] | None:
    """With the stopTimeout as it is."""
    room = now.stop_timeout - IN_FLIGHT - MARGIN - lag
    ttl = min(room, now.ttl)
    if ttl < 1:
        return None
    ttl = ttl // 5 * 5 or ttl  # round figures are easier to keep in mind
    drain = lag + ttl + MARGIN
    why = (
        f"keep stopTimeout at {now.stop_timeout} s: answer for {lag} (until the last answer) + {ttl} (TTL) + {MARGIN} "
        f"= {drain} s after SIGTERM, which leaves {now.stop_timeout - drain} s for requests in flight"
    )
    return replace(now, ttl=ttl, drain=drain), why


def _longer_stop(now: TaskSettings, lag: int) -> tuple[TaskSettings, str] | None:
    """With the TTL as it is."""
    drain = lag + now.ttl + MARGIN
    stop = max(now.stop_timeout, drain + IN_FLIGHT)
    if stop > LONGEST_STOP:
        return None
    why = (
        f"keep the TTL at {now.ttl} s: answer for {lag} + {now.ttl} + {MARGIN} = {drain} s after SIGTERM, and set "
        f"stopTimeout to {drain} + {IN_FLIGHT} (requests in flight) = {stop} s; each deployment takes that much longer"
    )
    return replace(now, stop_timeout=stop, drain=drain), why
