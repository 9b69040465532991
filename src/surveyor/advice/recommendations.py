"""Recommend settings that close the window in which clients call a task that has ended, with the arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from surveyor.advice.figures import TaskFigures
from surveyor.advice.settings import IN_FLIGHT, MARGIN, drain_for, longest_ttl
from surveyor.observations import Interval
from surveyor.pytest_plugin.task_settings import TaskSettings

__all__ = ["Advice", "Recommendation", "advise"]

MAX_STOP_TIMEOUT = 120
"""Seconds that Fargate allows for a container's stopTimeout (ecs/ContainerDefinition.stopTimeout)."""

HEALTHY_AFTER = 40
"""Seconds after RUNNING from which a task without a check counts as healthy
(ecs/DeploymentConfiguration.minimumHealthyPercent)."""

HEALTH_DELAY = 30
"""Seconds until a custom health status takes effect (servicediscovery/HealthCheckCustomConfig)."""


@dataclass(frozen=True)
class Recommendation:
    """Settings that close the window, and the reason."""

    settings: TaskSettings
    reason: str


@dataclass(frozen=True)
class Advice:
    """`lines` describe the present state; `recommendations` close the window, the best first."""

    lines: tuple[str, ...]
    recommendations: tuple[Recommendation, ...]

    @property
    def is_closed(self) -> bool:
        """Return whether nothing needs to change."""
        return not self.recommendations


def advise(measured: TaskFigures) -> Advice:
    """Return advice for the figures of one task."""
    advice = _close_window(measured, math.ceil(measured.lag.high))
    return advice if measured.gap is None else _close_gap(measured, measured.gap, advice)


def _close_gap(measured: TaskFigures, gap: Interval, advice: Advice) -> Advice:
    """Add what closes the gap: ECS must not trust a new task sooner than Cloud Map does."""
    if gap.low <= 0:
        line = "During a deployment there was always a healthy instance."
        return Advice((*advice.lines, line), advice.recommendations)
    line = (
        f"During a deployment the registry had no healthy instance for {gap.low:.1f} to {gap.high:.1f} s: ECS stops "
        "the old task as soon as the new one passes its check, and Cloud Map reports its health "
        f"{HEALTH_DELAY} s later."
    )
    if not measured.task_settings.check:
        hint = "There is no check to remove: let clients discover with HealthStatus=HEALTHY_OR_ELSE_ALL."
        return Advice((*advice.lines, line, hint), advice.recommendations)
    reason = (
        f"remove the container's check: then ECS counts a new task only {HEALTHY_AFTER} s after RUNNING, "
        f"{HEALTHY_AFTER} - {HEALTH_DELAY} = {HEALTHY_AFTER - HEALTH_DELAY} s after Cloud Map reports its health (or "
        "keep it, and let clients discover with HealthStatus=HEALTHY_OR_ELSE_ALL)"
    )
    both = tuple(
        Recommendation(replace(recommendation.settings, check=False), f"{recommendation.reason}; and {reason}")
        for recommendation in advice.recommendations
    )
    only_gap = Recommendation(replace(measured.task_settings, check=False), reason)
    return Advice((*advice.lines, line), both or (only_gap,))


def _close_window(measured: TaskFigures, lag: int) -> Advice:
    present = measured.task_settings
    # The figures are rounded before they are added, so that the printed sums are right.
    last_named, window = round(measured.lag.high, 1), round(measured.danger.high, 1)
    called = last_named + present.ttl
    # Both ends of the window are measured from the same SIGTERM, which lies somewhere between two samples; `listened`
    # alone has the earliest end after the latest SIGTERM.
    ended = max(0.0, round(called - window, 1)) if measured.danger.high > 0 else measured.listened.low
    named = (
        f"The last answer that named the task arrived up to {last_named:.1f} s after SIGTERM, and may be cached "
        f"for the TTL of {present.ttl} s: the task is called for up to {called:.1f} s after SIGTERM."
    )
    lines = (named, f"Nothing listened from {ended:.1f} s after SIGTERM on.")
    if measured.danger.high <= 0:
        return Advice((*lines, "The window is closed: change nothing."), ())
    text = (
        f"Window: {last_named:.1f} + {present.ttl} - {ended:.1f} = up to {called - ended:.1f} s in which clients call "
        "an address where nothing listens."
    )
    possible = (_shorter_ttl(present, lag), _longer_stop_timeout(present, lag))
    recommendations = tuple(recommendation for recommendation in possible if recommendation is not None)
    if not recommendations:
        text += (
            f" No TTL works with a stopTimeout of {present.stop_timeout} s: leaving the registry alone takes {lag} s. "
            f"Raise stopTimeout to at least {lag + MARGIN + IN_FLIGHT + 1} s first."
        )
    return Advice((*lines, text), recommendations)


def _shorter_ttl(present: TaskSettings, lag: int) -> Recommendation | None:
    """Keep the stopTimeout, and shorten the TTL."""
    ttl = longest_ttl(present.stop_timeout, lag, present.ttl)
    if ttl is None:
        return None
    drain = drain_for(ttl, lag)
    reason = (
        f"keep stopTimeout at {present.stop_timeout} s: answer for {lag} (until the last answer) + {ttl} (TTL) + "
        f"{MARGIN} = {drain} s after SIGTERM, which leaves {present.stop_timeout - drain} s for requests in flight"
    )
    return Recommendation(replace(present, ttl=ttl, drain=drain), reason)


def _longer_stop_timeout(present: TaskSettings, lag: int) -> Recommendation | None:
    """Keep the TTL, and lengthen the stopTimeout."""
    drain = drain_for(present.ttl, lag)
    stop_timeout = max(present.stop_timeout, drain + IN_FLIGHT)
    if stop_timeout > MAX_STOP_TIMEOUT:
        return None
    reason = (
        f"keep the TTL at {present.ttl} s: answer for {lag} + {present.ttl} + {MARGIN} = {drain} s after SIGTERM, and "
        f"set stopTimeout to {drain} + {IN_FLIGHT} (requests in flight) = {stop_timeout} s; each deployment takes that "
        "much longer"
    )
    return Recommendation(replace(present, stop_timeout=stop_timeout, drain=drain), reason)
