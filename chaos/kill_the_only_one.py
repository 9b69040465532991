"""The only task is killed: nobody is left to answer until another one runs and callers have heard of it.

How long that takes is the figure to look at. Callers by DNS go on calling the dead address until its TTL is over, and
then may learn that there is nobody, which they must not keep for long.
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
    """Kill, and wait until all is well again."""
    with experiment_run.fault("task.kill", experiment_run.pick(1)):
        experiment_run.wait(TTL + 40)
    experiment_run.rest(75)
