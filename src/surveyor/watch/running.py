"""A running watch: observers and client models work in threads, and what they saw can be read at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveyor.clock import ServiceClock
from surveyor.history import GrowingHistory, History, JoinedAttempt, Outcome, Recorder, joined_attempts
from surveyor.observers.observer import Observer
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["RunningWatch"]


@dataclass
class RunningWatch:
    """What `surveyor watch` and `surveyor gate --watch` work with. All seconds are service seconds.

    `problem` returns why the watch cannot continue, "" while it can: the target does not answer, or the credentials
    have ended.
    """

    service: ServiceUnderTest
    clock: ServiceClock
    recorder: Recorder
    observers: Sequence[Observer]
    problem: Callable[[], str]
    _growing: GrowingHistory = field(init=False)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._growing = GrowingHistory(self.path)

    @property
    def path(self) -> Path:
        """Return the file of the history."""
        return self.recorder.path

    def history(self) -> History:
        """Return what has been recorded until now."""
        return self._growing.read()

    def attempts_since(self, cursor: int) -> list[JoinedAttempt]:
        """Return the attempts from number `cursor` on: pass how many were returned before, at first 0.

        An attempt is returned once the tasks were observed after its end, since only then it is known which task had
        the address. The order is that of their ends, so that no later one is inserted before.
        """
        history = self.history()
        observed = max((shot.number for shot in history.task_snapshots if shot.outcome is Outcome.OK), default=0)
        settled = [call for call in history.calls if 0 < call.end_event < observed]
        settled.sort(key=lambda call: call.end_event)
        return joined_attempts(history, settled[cursor:])

    def deployment(self) -> Mapping[str, Any] | None:
        """Return the watched deployment as DescribeServiceDeployments described it last; None before it began.

        It is a ServiceDeployment of the API: serviceDeploymentArn, status, lifecycleStage, lifecycleHookDetails …
        """
        raise NotImplementedError

    def pin(self, arn: str) -> None:
        """Watch the deployment with this ARN."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Return when `seconds` have passed. Raises TargetUnavailable if the watch cannot continue."""
        raise NotImplementedError
