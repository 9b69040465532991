"""An instance that is no task is registered, as a deployment script that ended half-way may leave it behind.

Nothing checks it, so every caller calls it as often as any other instance while it is registered. Once deregistered it
is out of all views, and out of callers' caches a TTL later.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost

TTL = 15


@experiment(
    "An instance that is no task is registered beside three tasks, and deregistered again.",
    faults=("registry.ghost",),
    setup=ServiceSetup(count=3, ttl=TTL),
    checks=(
        no_ghost(after=30 + 2 * TTL + 15),
        answered(at_least=0.4),
        *BY_DNS,
    ),
)
def test_ghost_registered(experiment_run: ExperimentRun) -> None:
    """Register it for half a minute."""
    with experiment_run.fault("registry.ghost"):
        experiment_run.wait(30)
    experiment_run.rest(TTL + 75)
