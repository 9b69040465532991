"""Half of six tasks are killed at once: half of all calls fail until callers resolve again and new tasks run."""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    ServiceSetup,
    answered,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)

TTL = 20


@experiment(
    "Three of six tasks are killed at once while clients call by DNS.",
    faults=("task.kill",),
    setup=ServiceSetup(count=6, ttl=TTL),
    checks=(
        gone(within=15),
        visible(within=30),
        visible(within=60, view="healthy"),
        no_ghost(after=15),
        answered(at_least=0.2),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_kill_half(experiment_run: ExperimentRun) -> None:
    """Kill the tasks, and wait until the service has recovered."""
    with experiment_run.fault("task.kill", experiment_run.pick_share(0.5)):
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
