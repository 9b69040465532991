"""What is promised about speed, as ratios between figures of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import attempts, sidecars, tasks, undoing
from bench.registry import Row

__all__ = ["Goal", "goals"]


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise and what was measured of it."""

    what: str
    wanted: str
    measured: float
    reached: bool


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Each promise whose figures are there."""
    value = {(row.figure, row.server): row.value for row in rows}
    found: list[Goal] = []

    def ratio(what: str, over: tuple[str, str], under: tuple[str, str], bound: float, *, least: bool) -> None:
        if over in value and under in value and value[under]:
            measured = value[over] / value[under]
            wanted = f"at {'least' if least else 'most'} {bound:g}"
            found.append(Goal(what, wanted, measured, measured >= bound if least else measured <= bound))

    start = "start to first answered call"
    ratio("start-up / ministack's", (start, "embedded"), (start, "ministack"), 1.0, least=False)
    memory = value.get(("memory after the first call", "embedded"))
    if memory is not None:
        found.append(Goal("memory after the first call, MB", "at most 60", memory, memory <= 60))
    for size, least in ((10, 2.0), (1000, 10.0)):
        for connections in (1, 8, 32):
            figure = f"DiscoverInstances, {size} instances, {connections} connections"
            ratio(f"{figure} / ministack's", (figure, "embedded"), (figure, "ministack"), least, least=True)
    for size in (10, 100, 1000):
        figure = f"RegisterInstance, {size} instances, 8 connections"
        ratio(f"{figure} / ministack's", (figure, "embedded"), (figure, "ministack"), 1.0, least=True)
    for call in ("DiscoverInstances", "RegisterInstance"):
        small, large = (f"{call}, {size} instances, 8 connections" for size in (100, 1000))
        ratio(f"cost of {call}, 1,000 / 100", (small, "embedded"), (large, "embedded"), 1.3, least=False)
    ratio(
        "attempts / FastHttpUser's", (attempts.RATE, attempts.HONEST), (attempts.RATE, attempts.LOCUST), 0.6, least=True
    )
    by = "DiscoverInstances by the {}"
    owner = [value[who] for label in ("owner", "owner again") if (who := (by.format(label), "embedded")) in value]
    enforced = value.get((by.format("user with policies"), "embedded"))
    if owner and enforced is not None:
        share = enforced / (sum(owner) / len(owner))
        found.append(Goal("DiscoverInstances with policies / without", "at least 0.8", share, share >= 0.8))
    promised = (
        (tasks.READY, 1.0, "s"),
        (tasks.MEMORY, 5.0, "MiB"),
        (sidecars.READY, 3.0, "s"),
        (sidecars.MEMORY, 25.0, "MiB"),
        (undoing.UNDONE, 10.0, "s"),
        (undoing.LEFT, 10.0, "s"),
    )
    for figure, most, unit in promised:
        measured = value.get((figure, "embedded"))
        if measured is not None:
            found.append(Goal(f"{figure}, {unit}", f"at most {most:g}", measured, measured <= most))
    cost = "DNS processor time for an answer"
    ratio("DNS processor time / nsd's", (cost, "embedded"), (cost, "nsd"), 1.6, least=False)
    return found
