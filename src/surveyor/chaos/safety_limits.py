"""What keeps an experiment from doing more than was allowed: who opted in, how many must survive, when to stop.

On a service that was made for the experiment nothing is anybody's loss, so only the kill file and the locks count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.chaos.actions import ActionContext, ApiStep, perform
from surveyor.chaos.service_under_test import ServiceUnderTest, Task
from surveyor.chaos.undo_log import UndoLog
from surveyor.errors import Inconclusive, UsageError

__all__ = ["ALLOWED", "BUSY", "SafetyLimits", "Stopped", "check_opt_in", "one_at_a_time"]

ALLOWED = "surveyor:chaos"
"""The tag, with the value `allowed`, that opts a cluster and a service in."""

BUSY = "surveyor:experiment"
"""The tag that says which run has an experiment going on with a service, and since when."""

STALE = 7_200.0
"""Wall seconds after which such a tag is one that somebody who was killed has left."""


class Stopped(Inconclusive):
    """An experiment ended itself before its time; the text says which brake did that."""


@dataclass(frozen=True)
class SafetyLimits:
    """`share`: of the tasks that may be taken at most; `survivors`: that have to be left at least; `errors`: the share
    of the last hundred calls that may fail; `kill_file`: stop when it is there.
    """

    share: float = 0.5
    survivors: int = 1
    errors: float = 0.9
    kill_file: Path | None = None

    def victims(self, wanted: Sequence[Task], running: Sequence[Task], *, own: bool) -> None:
        """Refuse to take these of those. Raises UsageError."""
        if not wanted:
            raise UsageError("no victim: the service has no running task to choose from")
        if own:
            return
        left = len(running) - len(wanted)
        most = math.floor(self.share * len(running))
        if len(wanted) > most:
            raise UsageError(
                f"{len(wanted)} of {len(running)} tasks are more than the share of {self.share:.0%} that may be taken "
                f"({most}): take fewer, or say --most-share"
            )
        if left < self.survivors:
            raise UsageError(f"{left} of {len(running)} tasks would survive, at least {self.survivors} have to")

    def look(self, errors: float, *, own: bool) -> None:
        """Stop if it is time to. Raises Stopped."""
        if self.kill_file is not None and self.kill_file.exists():
            raise Stopped(f"stopped by the kill file {self.kill_file}")
        if not own and errors > self.errors:
            raise Stopped(f"stopped, since {errors:.0%} of the last calls failed, more than {self.errors:.0%}")


def check_opt_in(ecs: Any, scene: ServiceUnderTest) -> None:
    """Refuse a cluster or service that is not tagged. Raises UsageError."""
    cluster = ecs.describe_clusters(clusters=[scene.cluster], include=["TAGS"])["clusters"]
    service = ecs.describe_services(cluster=scene.cluster, services=[scene.service], include=["TAGS"])["services"]
    for what, name, found in (("cluster", scene.cluster, cluster), ("service", scene.service, service)):
        if not found:
            raise UsageError(f"there is no {what} {name}")
        if _tags(found[0]).get(ALLOWED) != "allowed":
            raise UsageError(
                f"the {what} {name} has not opted in: tag it {ALLOWED}=allowed, if chaos is really meant for it"
            )


@contextmanager
def one_at_a_time(
    ecs: Any, scene: ServiceUnderTest, run: str, journal: UndoLog, now: Callable[[], float] = time.time
) -> Iterator[None]:
    """Hold a service for one experiment, by a tag. Raises UsageError while another one has it."""
    found = ecs.describe_services(cluster=scene.cluster, services=[scene.service], include=["TAGS"])["services"]
    if not found:
        raise UsageError(f"there is no service {scene.service} in {scene.cluster}")
    arn = found[0]["serviceArn"]
    _refuse(_tags(found[0]).get(BUSY, ""), run, now())
    gone = ("ServiceNotFoundException", "ClusterNotFoundException", "InvalidParameterException")
    untag = ApiStep("ecs", "untag_resource", {"resourceArn": arn, "tagKeys": [BUSY]}, gone)
    number = journal.begins("the tag of an experiment", (untag,))
    ecs.tag_resource(resourceArn=arn, tags=[{"key": BUSY, "value": f"{run} {now():.0f}"}])
    try:
        # Who wrote last has it: the other one sees that here, before it does anything.
        told = {one["key"]: one["value"] for one in ecs.list_tags_for_resource(resourceArn=arn)["tags"]}
        _refuse(told.get(BUSY, ""), run, now())
    except UsageError:
        journal.undone(number)  # the tag is the other one's
        raise
    try:
        yield
    finally:
        perform(untag, ActionContext(lambda service: ecs, None), again=True)
        journal.undone(number)


def _refuse(tag: str, run: str, now: float) -> None:
    other, _, since = tag.partition(" ")
    if tag and other != run and now - float(since or 0) < STALE:
        raise UsageError(f"run {other} has an experiment going on with this service: one at a time")


def _tags(of: Mapping[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in of.get("tags") or ()}
