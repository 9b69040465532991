"""Safety limits of an experiment: opt-in tags, healthy tasks to keep, when to stop, one experiment at a time.

A service that was created for the experiment can be disrupted freely: only the kill file and the run tag count there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor import timeouts
from surveyor.chaos.actions import ActionContext, ApiAction, perform
from surveyor.chaos.production_signs import production_signs
from surveyor.chaos.service_counts import ServiceCounts
from surveyor.chaos.undo_log import UndoLog
from surveyor.clock import WallClock
from surveyor.errors import FeatureLacking, Inconclusive, UsageError, WrongAnswer
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.targets.clients import Clients

__all__ = [
    "OPT_IN_TAG",
    "RUN_TAG",
    "ExperimentStopped",
    "LimitExceeded",
    "SafetyLimits",
    "TaskChange",
    "check_opt_in",
    "exclusive_run",
    "permit_faults",
]

OPT_IN_TAG = "surveyor:chaos"
"""The tag that opts a cluster and a service in, with the value `allowed`."""

RUN_TAG = "surveyor:experiment"
"""The tag that names the run whose experiment is using a service, and since when."""

STALE_AFTER = 7_200.0
"""Wall seconds after which such a tag is taken for one that a killed run has left."""


class ExperimentStopped(Inconclusive):
    """An experiment was stopped before its end; the text names the safety limit."""


class LimitExceeded(FeatureLacking):
    """A safety limit forbids the first fault of an experiment: nothing was done."""


@dataclass(frozen=True)
class TaskChange:
    """What a fault does to the tasks of a service: `victims`, their ids; `count`, the desired count that it sets;
    `deploys`: a deployment replaces all tasks.
    """

    victims: frozenset[str] = frozenset()
    count: int | None = None
    deploys: bool = False

    def __bool__(self) -> bool:
        return bool(self.victims) or self.count is not None or self.deploys


@dataclass(frozen=True)
class SafetyLimits:
    """`max_task_share`: share of the desired tasks that may be disrupted at a time; `max_tasks`: their number, None
    for any; `min_healthy`: number of healthy tasks to keep; `max_error_rate`: share of the last hundred calls that may
    fail; `kill_file`: stop when this file exists.
    """

    max_task_share: float = 0.5
    max_tasks: int | None = None
    min_healthy: int = 1
    max_error_rate: float = 0.2
    kill_file: Path | None = None

    def allowed(self, desired: int) -> int:
        """Return how many of that many tasks may be disrupted at a time, or added."""
        share = math.floor(self.max_task_share * desired + 1e-9)  # 0.29 * 100 is a little less than 29
        return share if self.max_tasks is None else min(share, self.max_tasks)

    def largest_count(self, counts: ServiceCounts) -> int:
        """Return the largest desired count to which the service may be scaled, at most twice the present one."""
        largest = counts.desired + min(counts.desired, self.allowed(counts.desired))
        return largest if counts.scaling.largest is None else max(counts.desired, min(largest, counts.scaling.largest))

    def refusal(self, change: TaskChange, counts: ServiceCounts, disturbed: frozenset[str], added: int) -> str:
        """Return why a change would exceed the limits, "" if it does not.

        `disturbed`: tasks that are victims already; `added`: by how much faults in effect have raised the desired
        count. Tasks that are missing count as disrupted, for whatever reason they are.
        """
        base = counts.desired - added
        if change.count is not None and (reason := self._refused_count(change.count, counts, base)):
            return reason
        healthy_victims = (disturbed | change.victims) & counts.healthy
        removed = max(0, counts.desired - change.count) if change.count is not None else 0
        replaced = counts.deployed_at_once if change.deploys else 0
        if not change.victims and not removed and not change.deploys:
            return ""
        lost = counts.missing + len(healthy_victims) + removed + replaced
        allowed = self.allowed(base)
        if lost > allowed:
            already = lost - len(change.victims - disturbed) - removed - replaced
            and_now = f", {already} of them already are" if already > 0 else ""
            return (
                f"{lost} of {base} tasks would be disrupted at a time{and_now}, at most {allowed} may be "
                f"({self._option(base)}): choose fewer tasks, or raise the limit"
            )
        if change.deploys and self.max_tasks is not None and base > self.max_tasks:
            return f"a deployment replaces all {base} tasks, at most {self.max_tasks} may be disrupted (--max-tasks)"
        remaining = max(0, len(counts.healthy) - len(healthy_victims) - removed - replaced)
        if remaining < self.min_healthy:
            return f"{remaining} of {base} tasks would remain, at least {self.min_healthy} must (--min-healthy)"
        return ""

    def _refused_count(self, count: int, counts: ServiceCounts, base: int) -> str:
        scaling = counts.scaling
        if scaling.smallest is not None and count < scaling.smallest:
            return f"{count} tasks are less than the minimum capacity of the service's autoscaling, {scaling.smallest}"
        if scaling.largest is not None and count > scaling.largest:
            return f"{count} tasks are more than the maximum capacity of the service's autoscaling, {scaling.largest}"
        if count < self.min_healthy:
            return f"{count} tasks would remain, at least {self.min_healthy} must (--min-healthy)"
        allowed = self.allowed(base)
        if count - base > allowed:
            return (
                f"{count - base} tasks would be added to {base}, at most {allowed} may be ({self._option(base)}): "
                "choose a smaller count, or raise the limit"
            )
        return ""

    def _option(self, desired: int) -> str:
        """Return the option whose limit applies, with its value."""
        is_absolute = self.max_tasks is not None and self.max_tasks < math.floor(self.max_task_share * desired + 1e-9)
        return f"--max-tasks {self.max_tasks}" if is_absolute else f"--max-task-share {self.max_task_share:g}"

    def check_progress(self, error_rate: float, *, temporary: bool) -> None:
        """Raise ExperimentStopped if the experiment must stop now."""
        if self.kill_file is not None and self.kill_file.exists():
            raise ExperimentStopped(f"stopped by the kill file {self.kill_file}")
        if not temporary and error_rate > self.max_error_rate:
            raise ExperimentStopped(
                f"stopped, since {error_rate:.0%} of the last calls failed, more than {self.max_error_rate:.0%}"
            )


def check_opt_in(ecs: Any, service: ServiceUnderTest, *, yes_production: bool = False) -> None:
    """Raise UsageError if the cluster or the service does not carry the opt-in tag, or seems to be production."""
    clusters = ecs.describe_clusters(clusters=[service.cluster], include=["TAGS"])["clusters"]
    services = ecs.describe_services(cluster=service.cluster, services=[service.service], include=["TAGS"])["services"]
    missing: list[str] = []
    signs: list[str] = []
    for kind, name, described in (("cluster", service.cluster, clusters), ("service", service.service, services)):
        if not described:
            raise UsageError(f"there is no {kind} {name}")
        tags = _tags(described[0])
        signs += production_signs(kind, name, tags)
        if tags.get(OPT_IN_TAG) != "allowed":
            missing.append(f"the {kind} {name}")
    if missing:
        subject = f"{' and '.join(missing)} {'has' if len(missing) == 1 else 'have'} not opted in to chaos"
        it = "it" if len(missing) == 1 else "both"
        may = "it may" if len(missing) == 1 else "they may"
        raise UsageError(f"{subject}: tag {it} {OPT_IN_TAG}=allowed if {may} be disrupted")
    if signs and not yes_production:
        raise UsageError(f"{' and '.join(signs[:3])} may say production: add --yes-production if it may be disrupted")


def permit_faults(clients: Clients, service: ServiceUnderTest) -> None:
    """Let an experiment change a service that has opted in, its tasks and its registry, which are not the run's."""
    changes = (
        "ecs:UpdateService", "ecs:StopServiceDeployment", "ecs:StopTask", "ecs:TagResource", "ecs:UntagResource"
    )  # fmt: skip
    clients.permit(changes, f"{service.cluster}/{service.service}")
    clients.permit(("ecs:RegisterTaskDefinition",), service.family)
    of_instances = ("RegisterInstance", "DeregisterInstance", "UpdateService")
    clients.permit((f"servicediscovery:{operation}" for operation in of_instances), service.registry)
    of_shares = ("ram:AssociateResourceShare", "ram:DisassociateResourceShare")
    clients.permit(of_shares, service.share, service.namespace_arn)


@contextmanager
def exclusive_run(
    ecs: Any, service: ServiceUnderTest, run: str, undo_log: UndoLog, now: Callable[[], float] = time.time
) -> Iterator[None]:
    """Hold a service for one experiment, by a tag, while the block runs. Raises UsageError if another run holds it."""
    services = ecs.describe_services(cluster=service.cluster, services=[service.service], include=["TAGS"])["services"]
    if not services:
        raise UsageError(f"there is no service {service.service} in {service.cluster}")
    arn = services[0]["serviceArn"]
    before = _tags(services[0]).get(RUN_TAG, "")
    _check_tag(before, run, now())
    gone = ("ServiceNotFoundException", "ClusterNotFoundException", "InvalidParameterException")
    untag = ApiAction("ecs", "untag_resource", {"resourceArn": arn, "tagKeys": [RUN_TAG]}, gone)
    number = undo_log.begin("the tag of an experiment", (untag,))
    own = f"{run} {now():.0f}"
    ecs.tag_resource(resourceArn=arn, tags=[{"key": RUN_TAG, "value": own}])
    try:
        # If two runs write the tag, the last one holds the service: the other run notices it here.
        _check_tag(_read_tag(ecs, arn, own, before), run, now())
    except UsageError:
        undo_log.mark_undone(number)  # the tag belongs to the other run
        raise
    try:
        yield
    finally:
        perform(untag, ActionContext(lambda service: ecs, None), undoing=True)
        undo_log.mark_undone(number)


def _read_tag(ecs: Any, arn: str, own: str, before: str) -> str:
    """Return the run tag after `own` was written; while reads lag it is as before. Raises Inconclusive."""

    def holder() -> str:
        value = _tags(ecs.list_tags_for_resource(resourceArn=arn)).get(RUN_TAG, "")
        return value if value == own or value != before else ""

    try:
        return WallClock().eventually(holder, within=timeouts.READS)
    except WrongAnswer:
        why = f"the tag {RUN_TAG} of {arn} was not visible {timeouts.READS:g} s after it was written"
        raise Inconclusive(why) from None


def _check_tag(value: str, run: str, now: float) -> None:
    other, _, since = value.partition(" ")
    if value and other != run and now - float(since or 0) < STALE_AFTER:
        raise UsageError(f"run {other} has an experiment in progress with this service: only one may run at a time")


def _tags(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in described.get("tags") or ()}
