"""The deployment that is watched: which one it is, its phases, and when it is over."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from surveyor.history import Outcome, Recorder
from surveyor.observers.deployments import DeploymentReader, Described, ReadDeployments, is_over

__all__ = ["AFTER", "BEFORE", "PHASES", "Choice", "WatchedDeployment", "is_phase", "phase_of"]

Choice = Literal["current", "next"]
"""`current`: the deployment in progress, or else the first that begins; `next`: the first that begins."""

BEFORE, AFTER = "before", "after"
ROLLING = "deployment"
ROLLBACK = "rollback"

STAGES = (
    *("reconcile-service", "pre-scale-up", "scale-up", "post-scale-up", "test-traffic-shift"),
    *("post-test-traffic-shift", "pre-production-traffic-shift", "production-traffic-shift"),
    *("post-production-traffic-shift", "bake-time", "clean-up"),
)
"""The lifecycle stages of a deployment that is not a rolling one (ecs/ServiceDeploymentLifecycleStage), as phases."""

PHASES = (BEFORE, ROLLING, *STAGES, ROLLBACK, AFTER)
"""All phases that a watch may have, beside those of the steps of a canary or linear deployment (see `is_phase`)."""

STEP = "shift-"
_STEP = re.compile(rf"{STEP}(0\.[1-9]|[1-9]\d?(\.[1-9])?)")

_ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "STOP_REQUESTED"})


def is_phase(name: str) -> bool:
    """Return whether a watch may have a phase of this name; `shift-5` is the step at which 5 percent have moved."""
    return name in PHASES or _STEP.fullmatch(name) is not None


def phase_of(described: Described | None) -> str:
    """Return the phase that a deployment is in: `before`, its lifecycle stage, `deployment`, `rollback` or `after`.

    A rolling deployment has no lifecycle stages (ecs/ServiceDeployment.lifecycleStage). While old and new tasks share
    the traffic, each share is a phase, whatever the stage, which alternates
    (ecs/ServiceRevisionSummary.requestedProductionTrafficWeight).
    """
    if described is None:
        return BEFORE
    if is_over(described):
        return AFTER
    if described["status"] in _ROLLING_BACK:
        return ROLLBACK
    percent = (described.get("targetServiceRevision") or {}).get("requestedProductionTrafficWeight")
    if percent is not None and 0 < percent < 100:
        return f"{STEP}{percent:g}"
    return str(described.get("lifecycleStage") or ROLLING).lower().replace("_", "-")


@dataclass
class WatchedDeployment:
    """Chooses the deployment that is watched, and records the phases that it passes through.

    Its reads come from one thread; what is known can be read from any.
    """

    reader: DeploymentReader
    recorder: Recorder
    choice: Choice
    described: Mapping[str, Any] | None = None
    _arn: str = ""
    _before: frozenset[str] | None = None
    _phase: tuple[str, int] = ("", 0)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.reader.choose = self._choose

    @property
    def phase(self) -> str:
        """Return the present phase."""
        return self._phase[0]

    @property
    def is_over(self) -> bool:
        """Return whether the deployment that is watched has begun, and has ended."""
        return self.described is not None and is_over(self.described)

    def pin(self, arn: str) -> None:
        """Watch the deployment with this ARN from now on."""
        self._arn = arn

    def forget_present(self) -> None:
        """Choose only among deployments that begin from now on: those that are known now are not meant."""
        self._before = frozenset(self.reader.read().described)

    def read(self) -> ReadDeployments:
        """Return the deployments as they are now, and record the phase if it has changed."""
        found = self.reader.read()
        with self._lock:
            self.described = found.described.get(found.watched) if found.watched else None
            self._enter(phase_of(self.described))
        return found

    def close(self) -> None:
        """End the present phase."""
        with self._lock:
            if self._phase[1]:
                self.recorder.end(self._phase[1], Outcome.OK)
            self._phase = (self._phase[0], 0)

    def _enter(self, name: str) -> None:
        if name == self._phase[0]:
            return
        if self._phase[1]:
            self.recorder.end(self._phase[1], Outcome.OK)
        self._phase = (name, self.recorder.invoke("deployment", "phase", name=name))

    def _choose(self, described: Mapping[str, Described]) -> str:
        """Return the ARN of the deployment that is watched, "" while it has not begun; it is chosen once."""
        if self._before is None:
            running = [] if self.choice == "next" else [arn for arn, one in described.items() if not is_over(one)]
            self._before = frozenset(described) - set(running)
        if not self._arn:
            candidates = [arn for arn in described if arn not in self._before]
            # The oldest of those that begin: a later one replaces it.
            self._arn = min(candidates, key=lambda arn: described[arn]["createdAt"], default="")
        return self._arn
