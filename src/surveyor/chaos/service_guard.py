"""The guard of a service of others: each step of an experiment is checked against what is there at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from surveyor.chaos.safety_limits import ExperimentStopped, LimitExceeded, SafetyLimits, TaskChange
from surveyor.chaos.service_counts import ScalingRange, ServiceCounts, primary_deployment, read_counts
from surveyor.chaos.stop_alarms import StopAlarms
from surveyor.errors import UsageError
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["ServiceGuard"]


@dataclass
class ServiceGuard:
    """`limits` for the tasks of a service, and the changes of this experiment that are in effect.

    A service that was created for the experiment may lose all its tasks: only that there are victims is checked.
    """

    limits: SafetyLimits
    service: ServiceUnderTest
    client: Callable[[str], Any]
    alarms: StopAlarms | None = None
    _disturbed: dict[int, frozenset[str]] = field(default_factory=dict)
    _added: dict[int, int] = field(default_factory=dict)
    _desired: int = 0
    _begun: bool = False
    _known: set[str] = field(default_factory=set)
    """The ids of deployments that this experiment has begun, or that were complete when it checked."""

    _scaling: str = ""

    def scaling(self) -> ScalingRange:
        """Return the range of the service's autoscaling; what cannot be read is not asked for again."""
        found = self._read().scaling
        self._scaling = found.unknown
        return found

    def largest_count(self) -> int:
        """Return to how many tasks the service may be scaled out. Raises LimitExceeded if to no more than it has."""
        counts = self._read()
        largest = self.limits.largest_count(counts)
        if largest == counts.desired:
            bound = counts.scaling.largest
            at_most = f"the maximum capacity of its autoscaling is {bound}" if bound == largest else "--max-task-share"
            self.refuse(f"no task may be added to the {counts.desired} of the service: {at_most}")
        return largest

    def check(self, change: TaskChange) -> None:
        """Raise LimitExceeded if a change would exceed the limits now, ExperimentStopped after an earlier change."""
        if not change or self.service.temporary:
            return
        counts = self._read()
        if counts.deploying and counts.primary not in self._known:
            self.refuse("a deployment of another user is in progress: start again when it is complete")
        self._known.add(counts.primary)  # ECS may return to it when it rolls a later one back
        disturbed = frozenset[str]().union(*self._disturbed.values())
        if reason := self.limits.refusal(change, counts, disturbed, sum(self._added.values())):
            self.refuse(reason)
        self._desired = counts.desired

    def refuse(self, reason: str) -> NoReturn:
        """Raise what ends an experiment that may not do its next step."""
        if self.service.temporary:
            raise UsageError(reason)
        raise ExperimentStopped(f"stopped: {reason}") if self._begun else LimitExceeded(reason)

    def check_progress(self, error_rate: float, now: float) -> None:
        """Raise ExperimentStopped if the experiment must stop now (`now`: service seconds)."""
        self.limits.check_progress(error_rate, temporary=self.service.temporary)
        if self.alarms is not None:
            self.alarms.check(now)

    def lift(self) -> None:
        """Let a stopped experiment wait for the service to recover: nothing stops that."""
        self.limits, self.alarms = replace(self.limits, kill_file=None, max_error_rate=1.0), None

    def begin(self, number: int, change: TaskChange) -> None:
        """Count a change that was checked as in effect."""
        self._begun = True
        self._disturbed[number] = change.victims
        if change.count is not None:
            self._added[number] = max(0, change.count - self._desired)

    def deployed(self, answer: Mapping[str, Any]) -> None:
        """Take note of the deployment that an action of this experiment has begun: the answer of UpdateService."""
        self._known.add(primary_deployment(answer.get("service") or {}))

    def end(self, number: int, *, lasting: bool) -> None:
        """Count a fault as undone. Victims of others count until they do not run any more."""
        self._added.pop(number, None)
        if lasting:
            self._disturbed.pop(number, None)

    def _read(self) -> ServiceCounts:
        if self._scaling:  # it was asked for at the beginning, and could not be read
            counts = read_counts(self.client, self.service, with_scaling=False)
            return replace(counts, scaling=ScalingRange(unknown=self._scaling))
        return read_counts(self.client, self.service)
