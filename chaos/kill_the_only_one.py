"""The only task is killed: no task answers until another one is running and callers have resolved it.

How long that takes is the figure of interest. Callers by DNS keep calling the dead address until its TTL expires, and
then may get an empty answer, which they must not cache for long.
"""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    ServiceSetup,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)

TTL = 20


@experiment(
    "The only task is killed while clients call by DNS.",
    faults=("task.kill",),
    setup=ServiceSetup(count=1, ttl=TTL),
    checks=(
        gone(within=15),
        visible(within=30),
        visible(within=60, view="healthy"),
        no_ghost(after=15),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_kill_the_only_one(experiment_run: ExperimentRun) -> None:
    """Kill the task, and wait until the service has recovered."""
    with experiment_run.fault("task.kill", experiment_run.pick(1)):
        experiment_run.wait(TTL + 40)
    experiment_run.rest(75)
