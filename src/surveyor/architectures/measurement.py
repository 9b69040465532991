"""The experiment: each architecture called at the same rate for as long, one of its three tasks killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from surveyor.architectures.attempts import Attempt, drive
from surveyor.architectures.resolvers import finder
from surveyor.architectures.setup import ACCOUNT, PORT, ComparisonSetup, build
from surveyor.callers import ARCHITECTURES
from surveyor.errors import UsageError
from surveyor.fixtures.tasks import address_of
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget, run_target

__all__ = ["KINDS", "Experiment", "Measured", "measure"]

KINDS = tuple(one.name for one in ARCHITECTURES)
SHARE_BEFORE = 0.2
"""Of the time of each, how much passes before the kill."""


@dataclass(frozen=True)
class Experiment:
    """Calls a wall second; service seconds for each architecture, of the records' TTL, and a call's limit.

    ``scale``: service seconds in a wall second.
    """

    rate: float = 300.0
    seconds: float = 120.0
    ttl: int = 60
    within: float = 5.0
    scale: float = 5.0
    seed: int = 7

    @property
    def killed_at(self) -> float:
        """Wall seconds from the start of an architecture's calls."""
        return self.seconds * SHARE_BEFORE / self.scale


@dataclass(frozen=True)
class Measured:
    """All attempts by architecture."""

    experiment: Experiment
    attempts: Mapping[str, Sequence[Attempt]]


def measure(target: Target, experiment: Experiment, tell: Callable[[str], object] = lambda line: None) -> Measured:
    """Start the embedded target with a clock that flows, build all four, and call them one after another.

    Raises UsageError for a target that Surveyor does not start, SurveyorError where something does not come up.
    """
    if target.start is None or "--clock" not in target.start.argv:
        raise UsageError("the architectures are compared on the embedded target")
    flowing = replace(
        target, start=replace(target.start, argv=_flowing(target.start.argv, experiment.scale)), clock="wall"
    )
    chance = random.Random(experiment.seed)
    found: dict[str, Sequence[Attempt]] = {}
    with run_target(flowing, experiment.seed) as running:
        town = build(running, experiment.ttl, tell)
        for kind in KINDS:
            tell(f"{kind}: {experiment.rate:g} calls a second for {experiment.seconds:g} service seconds")
            where = finder(kind, running, town, experiment.scale, chance)
            where()  # what it needs to know first is no part of the first call
            found[kind] = asyncio.run(
                drive(
                    where,
                    experiment.rate,
                    experiment.seconds / experiment.scale,
                    experiment.within / experiment.scale,
                    experiment.killed_at,
                    lambda kind=kind: _kill(running, town, kind),  # type: ignore[misc]  # bound at once
                )
            )
    return Measured(experiment, found)


def _flowing(argv: Sequence[str], scale: float) -> tuple[str, ...]:
    at = list(argv).index("--clock")
    return (*argv[:at], "--clock", "flow", "--scale", f"{scale:g}", *argv[at + 2 :])


def _kill(running: RunningTarget, town: ComparisonSetup, kind: str) -> None:
    """End one task's process without a word to anybody."""
    ecs = running.clients.client("ecs", ACCOUNT)
    [arn, *_] = ecs.list_tasks(cluster=town.cluster, serviceName=town.services[kind])["taskArns"]
    [task] = ecs.describe_tasks(cluster=town.cluster, tasks=[arn])["tasks"]
    request = urllib.request.Request(f"http://{address_of(dict(task))}:{PORT}/exit?code=137", method="PUT")
    with contextlib.suppress(OSError):  # who ends does not answer
        urllib.request.urlopen(request, timeout=2).close()
