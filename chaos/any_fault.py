"""One of three tasks is paused for half a minute, or the faults of `--fault` last for `--duration` seconds.

A paused task accepts connections and never answers: for callers that is worse than a dead task, since each call takes
its whole timeout. Without a health check ECS does not notice. With `--fault`, which may be repeated, this is the
experiment for every fault that has no separate one.
"""

from __future__ import annotations

from contextlib import ExitStack

from surveyor.chaos import ALWAYS, ExperimentRun, ServiceSetup, experiment


@experiment(
    "One of three tasks is paused, or the faults of --fault are injected, while clients call.",
    faults=(),
    setup=ServiceSetup(count=3, ttl=20),
    checks=ALWAYS,
)
def test_any_fault(experiment_run: ExperimentRun) -> None:
    """Inject all faults at once, for the given duration."""
    with ExitStack() as stack:
        for name in experiment_run.experiment.faults:
            stack.enter_context(experiment_run.fault(name, experiment_run.victims(name)))
        experiment_run.wait(experiment_run.duration)
    experiment_run.rest(75)
