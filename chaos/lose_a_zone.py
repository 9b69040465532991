"""All tasks of one availability zone are stopped; those of the others have to do until ECS has replaced them.

Their tasks drain: for ten seconds after SIGTERM they go on answering, so that no call is lost that was under way.
"""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    Setting,
    answered,
    dead_are_not_called,
    drained,
    experiment,
    gone,
    no_ghost,
    visible,
)

TTL = 20


@experiment(
    "All tasks of one of the zones of nine tasks are stopped while clients call by DNS.",
    faults=("az.lose",),
    setting=Setting(count=9, ttl=TTL, drain=10, takes=1.0),
    holds=(
        gone(within=30),
        visible(within=30),
        visible(within=60, view="healthy"),
        no_ghost(after=15),
        answered(always=0.3),
        dead_are_not_called(after=TTL + 15),
        drained(drain=8),
        *BY_DNS,
    ),
)
def test_lose_a_zone(experiment_run: ExperimentRun) -> None:
    """Stop them, and wait until all is well again."""
    with experiment_run.fault("az.lose", experiment_run.pick_zone()):
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
