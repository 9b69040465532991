"""All tasks of one availability zone are stopped; the other tasks serve all calls until ECS has replaced them.

The tasks drain: they keep answering for ten seconds after SIGTERM, so that no call in progress is lost.
"""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    ServiceSetup,
    answered,
    drained,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)

TTL = 20


@experiment(
    "All tasks of one zone, among nine tasks, are stopped while clients call by DNS.",
    faults=("az.lose",),
    setup=ServiceSetup(count=9, ttl=TTL, drain=10, response_seconds=1.0),
    checks=(
        gone(within=30),
        visible(within=30),
        visible(within=60, view="healthy"),
        no_ghost(after=15),
        answered(at_least=0.3),
        no_traffic_to_the_dead(after=TTL + 15),
        drained(drain=8),
        *BY_DNS,
    ),
)
def test_lose_a_zone(experiment_run: ExperimentRun) -> None:
    """Stop the tasks, and wait until the service has recovered."""
    with experiment_run.fault("az.lose", experiment_run.pick_zone()):
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
