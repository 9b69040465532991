"""The goals for speed, as ratios between figures of one run."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import attempts, ceiling, conformance, door, recovery, sidecars, tasks
from bench.registry import Measurement

__all__ = ["Goal", "check_goals"]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal, its limit, and the measured figure."""

    name: str
    limit: str
    measured: float
    reached: bool


def check_goals(measurements: Sequence[Measurement]) -> list[Goal]:
    """Return each goal whose figures were measured."""
    value = {(measurement.figure, measurement.server): measurement.value for measurement in measurements}
    goals: list[Goal] = []
    ratio = functools.partial(_ratio_goal, value)

    start = "start to first answered call"
    goals += ratio("start-up / ministack's", (start, "embedded"), (start, "ministack"), maximum=0.6)
    memory = value.get(("memory after the first call", "embedded"))
    if memory is not None:
        goals.append(Goal("memory after the first call, MB", "at most 60", memory, memory <= 60))
    goals += ratio(
        "DiscoverInstances / canned answer, calls per second",
        (ceiling.RATE, "embedded"), (ceiling.RATE, ceiling.CANNED), minimum=0.25,
    )  # fmt: skip
    goals += ratio(
        "DiscoverInstances / canned answer, calls per second of processor time",
        (ceiling.COST, ceiling.CANNED), (ceiling.COST, "embedded"), minimum=0.25,
    )  # fmt: skip
    goals += ratio(
        "DiscoverInstances with the checks of hosts and pages / without, processor time",
        (door.COST, door.ALL_CHECKS), (door.COST, door.ONLY_SIGNATURES), maximum=1.03,
    )  # fmt: skip
    for size, minimum in ((10, 2.0), (1000, 10.0)):
        for connections in (1, 8, 32):
            figure = f"DiscoverInstances, {size} instances, {connections} connections"
            goals += ratio(f"{figure} / ministack's", (figure, "embedded"), (figure, "ministack"), minimum=minimum)
    for size in (10, 100, 1000):
        figure = f"RegisterInstance, {size} instances, 8 connections"
        goals += ratio(f"{figure} / ministack's", (figure, "embedded"), (figure, "ministack"), minimum=1.0)
    for call in ("DiscoverInstances", "RegisterInstance"):
        small, large = (f"{call}, {size} instances, 8 connections" for size in (100, 1000))
        goals += ratio(f"cost of {call}, 1,000 / 100 instances", (small, "embedded"), (large, "embedded"), maximum=1.3)
    goals += ratio(
        "attempts / FastHttpUser's", (attempts.RATE, attempts.SURVEYOR), (attempts.RATE, attempts.LOCUST), minimum=0.6
    )
    label = "DiscoverInstances by the {}"
    keys = [(label.format(caller), "embedded") for caller in ("owner", "owner again")]
    by_owner = [value[key] for key in keys if key in value]
    by_user = value.get((label.format("user with policies"), "embedded"))
    if by_owner and by_user is not None:
        share = by_user / (sum(by_owner) / len(by_owner))
        goals.append(Goal("DiscoverInstances with policies / without", "at least 0.8", share, share >= 0.8))
    maxima = (
        (tasks.READY, 1.0, "s"),
        (tasks.MEMORY, 5.0, "MiB"),
        (sidecars.READY, 3.0, "s"),
        (sidecars.MEMORY, 25.0, "MiB"),
        (recovery.UNDONE, 10.0, "s"),
        (recovery.CLEANED_UP, 10.0, "s"),
        (conformance.TIME, 0.2, "s"),
    )
    for figure, maximum, unit in maxima:
        measured = value.get((figure, "embedded"))
        if measured is not None:
            goals.append(Goal(f"{figure}, {unit}", f"at most {maximum:g}", measured, measured <= maximum))
    cost = "DNS processor time per answer"
    goals += ratio("DNS processor time / nsd's", (cost, "embedded"), (cost, "nsd"), maximum=1.6)
    return goals


def _ratio_goal(
    value: Mapping[tuple[str, str], float],
    name: str,
    numerator: tuple[str, str],
    denominator: tuple[str, str],
    *,
    minimum: float | None = None,
    maximum: float | None = None,
) -> list[Goal]:
    """Return the goal for a ratio of two figures, none if one of them was not measured."""
    if numerator not in value or not value.get(denominator):
        return []
    measured = value[numerator] / value[denominator]
    if minimum is not None:
        return [Goal(name, f"at least {minimum:g}", measured, measured >= minimum)]
    assert maximum is not None
    return [Goal(name, f"at most {maximum:g}", measured, measured <= maximum)]
