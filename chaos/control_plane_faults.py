"""Cloud Map throttles, fails once, answers with half of the instances, with none, and rejects the credentials.

Each fault hits DiscoverInstances, by which the callers find tasks. A caller that keeps old addresses while it is
refused survives throttling, a failure and expired credentials. An empty answer is no error: it keeps none, and its
calls fail until it asks again.
"""

from __future__ import annotations

from surveyor.chaos import ALWAYS, ExperimentRun, ServiceSetup, experiment, no_ghost


@experiment(
    "DiscoverInstances is throttled, fails once, is incomplete, is empty, and rejects credentials.",
    faults=(
        "registry.throttle",
        "registry.fail-once",
        "registry.partial",
        "registry.empty",
        "registry.expired-token",
    ),
    setup=ServiceSetup(count=4, resolve_by="api"),
    checks=(no_ghost(after=15), *ALWAYS),
)
def test_control_plane_faults(experiment_run: ExperimentRun) -> None:
    """Inject one after another, with time to recover in between."""
    for fault in experiment_run.experiment.faults:
        with experiment_run.fault(fault, operations=("DiscoverInstances",)):
            experiment_run.wait(12)
        experiment_run.wait(8)
    experiment_run.rest(75)
