"""One of five tasks is killed with SIGKILL while clients call.

ECS notices, removes it from the registry and starts another task. Until its cached answer expires a client keeps
calling the dead task: one call in five fails for about the records' TTL, and no longer.
"""

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
    "One of five tasks is killed while clients call by DNS.",
    faults=("task.kill",),
    setup=ServiceSetup(count=5, ttl=TTL),
    checks=(
        gone(within=15),
        visible(within=30),
        visible(within=60, view="healthy"),
        no_ghost(after=15),
        answered(at_least=0.6),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_kill_one_of_many(experiment_run: ExperimentRun) -> None:
    """Kill the task, and wait until the service has recovered."""
    with experiment_run.fault("task.kill", experiment_run.pick(1)):
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
