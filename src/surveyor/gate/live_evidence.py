"""The evidence of a watch while it grows: which thresholds can be judged now, and the figures so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.rules import CLIENT_FIGURES, SCENARIO, Rules, Threshold
from surveyor.load.attempt_figures import AttemptFigures
from surveyor.report.experiments import WHOLE
from surveyor.watch.running import RunningWatch
from surveyor.watch.summary import refused_share

__all__ = ["LiveEvidence"]

_BEFORE_NEW_TASKS = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP"})
"""Lifecycle stages in which no new task runs (ecs/ServiceDeployment.lifecycleStage)."""


@dataclass
class LiveEvidence:
    """What a running watch shows, beside the evidence of runs that have ended (`given`)."""

    watch: RunningWatch
    given: GateEvidence
    left_out: int = 0
    """Attempts that are not counted, because the machine did not keep up meanwhile."""

    _figures: AttemptFigures = field(default_factory=AttemptFigures)
    _cursor: int = 0

    def restart(self) -> None:
        """Count all attempts anew: it has become known which tasks are new."""
        self._figures, self._cursor, self.left_out = AttemptFigures(), 0, 0

    def read(self) -> GateEvidence:
        """Return the evidence until now; it is broken where the figures are not those of the service.

        What was attempted while the machine did not keep up is never counted.
        """
        watch = self.watch
        attempts = watch.attempts_since(self._cursor)
        self._cursor += len(attempts)
        lag = watch.recent_lag()
        in_time = [attempt for attempt in attempts if not watch.was_late(attempt)]
        self.left_out += len(attempts) - len(in_time)
        self._figures.add(in_time)
        reasons = (lag, refused_share(watch.history()))
        broken = {SCENARIO: "; ".join(filter(None, reasons))} if any(reasons) else {}
        return replace(
            self.given,
            broken={**self.given.broken, **broken},
            clients={**self.given.clients, SCENARIO: self._figures.rows()},
            sides={**self.given.sides, SCENARIO: self._figures.sides()},
            alarms={},
            metrics={},
            is_growing=True,
        )

    def judgeable(self, rules: Rules, deployment: GatedDeployment) -> Rules:
        """Return the rules without those that cannot be judged yet.

        The checks, the danger window and the zero-healthy gap of a watch need its whole history, and a phase that has
        not begun has no figures. Before new tasks run there is nothing to compare by revision.
        """
        phases = {WHOLE, *self._figures.phases}

        def can_be_judged(threshold: Threshold) -> bool:
            if threshold.scenario != SCENARIO:
                return True
            if threshold.by_revision and deployment.stage in _BEFORE_NEW_TASKS:
                return False
            return threshold.figure in CLIENT_FIGURES and threshold.phase in phases

        return replace(rules, thresholds=tuple(filter(can_be_judged, rules.thresholds)))
