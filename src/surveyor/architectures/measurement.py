"""Measure each architecture: called at the same rate for the same time, with one of its three tasks killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from surveyor.architectures.attempts import ScheduledAttempt, drive
from surveyor.architectures.resolvers import address_source
from surveyor.architectures.setup import ACCOUNT, PORT, ComparisonSetup, create_setup
from surveyor.callers import ARCHITECTURES
from surveyor.errors import UsageError
from surveyor.fixtures.tasks import address_of
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget, run_target

__all__ = ["KINDS", "ComparisonOptions", "Measurements", "measure"]

KINDS = tuple(architecture.name for architecture in ARCHITECTURES)
SHARE_BEFORE = 0.2
"""Share of the time of each architecture that passes before the kill."""


@dataclass(frozen=True)
class ComparisonOptions:
    """`rate`: calls per wall second; `seconds`: service seconds for each architecture; `ttl`: of the records, and
    `within`: timeout of a call, in service seconds; `scale`: service seconds per wall second.
    """

    rate: float = 300.0
    seconds: float = 120.0
    ttl: int = 60
    within: float = 5.0
    scale: float = 5.0
    seed: int = 7

    @property
    def killed_at(self) -> float:
        """Return the wall seconds from the start of an architecture's calls to the kill."""
        return self.seconds * SHARE_BEFORE / self.scale


@dataclass(frozen=True)
class Measurements:
    """All attempts by architecture."""

    options: ComparisonOptions
    attempts: Mapping[str, Sequence[ScheduledAttempt]]


def measure(
    target: Target, options: ComparisonOptions, print_line: Callable[[str], object] = lambda line: None
) -> Measurements:
    """Start the embedded target with a flowing clock, create all four architectures, and call one after another.

    Raises UsageError for a target that Surveyor does not start, SurveyorError if a resource does not become ready.
    """
    if target.start is None or "--clock" not in target.start.argv:
        raise UsageError("the architectures are compared on the embedded target only")
    flowing = replace(
        target, start=replace(target.start, argv=_flowing(target.start.argv, options.scale)), clock="wall"
    )
    chance = random.Random(options.seed)
    attempts: dict[str, Sequence[ScheduledAttempt]] = {}
    with run_target(flowing, options.seed) as running:
        setup = create_setup(running, options.ttl, print_line)
        for kind in KINDS:
            print_line(f"{kind}: {options.rate:g} calls per second for {options.seconds:g} service seconds")
            next_address = address_source(kind, running, setup, options.scale, chance)
            next_address()  # so that the first call does not include the first resolution
            attempts[kind] = asyncio.run(
                drive(
                    next_address,
                    options.rate,
                    options.seconds / options.scale,
                    options.within / options.scale,
                    options.killed_at,
                    lambda kind=kind: _kill(running, setup, kind),  # type: ignore[misc]  # bound at once
                )
            )
    return Measurements(options, attempts)


def _flowing(argv: Sequence[str], scale: float) -> tuple[str, ...]:
    index = list(argv).index("--clock")
    return (*argv[:index], "--clock", "flow", "--scale", f"{scale:g}", *argv[index + 2 :])


def _kill(running: RunningTarget, setup: ComparisonSetup, kind: str) -> None:
    """Kill the process of one task."""
    ecs = running.clients.client("ecs", ACCOUNT)
    [arn, *_] = ecs.list_tasks(cluster=setup.cluster, serviceName=setup.services[kind])["taskArns"]
    [task] = ecs.describe_tasks(cluster=setup.cluster, tasks=[arn])["tasks"]
    request = urllib.request.Request(f"http://{address_of(dict(task))}:{PORT}/exit?code=137", method="PUT")
    with contextlib.suppress(OSError):  # the process ends without an answer
        urllib.request.urlopen(request, timeout=2).close()  # noqa: S310  # the address of a task
