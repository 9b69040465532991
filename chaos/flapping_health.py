"""A task's health check fails now and then, never often enough in a row to count, and finally for good.

As long as it recovers in time it is not replaced, and must stay in the registry. When it does not recover, ECS replaces
it; few calls fail, since it keeps answering until it is stopped.
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

TTL = 10


@experiment(
    "One of three tasks is unhealthy four times for a short time, and then for good.",
    faults=("task.unhealthy",),
    setup=ServiceSetup(count=3, ttl=TTL, check=True, check_interval=5, check_retries=3),
    checks=(
        gone(within=30),
        visible(within=30),
        no_ghost(after=15),
        answered(at_least=0.5),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_flapping_health(experiment_run: ExperimentRun) -> None:
    """Fail four times too briefly to count, then for good."""
    victim = experiment_run.pick(1)
    for _ in range(4):
        with experiment_run.fault("task.unhealthy", victim):
            experiment_run.wait(8)
        experiment_run.wait(8)
    assert victim[0].id in [task.id for task in experiment_run.tasks()], (
        "it was replaced before its check failed for good"
    )
    with experiment_run.fault("task.unhealthy", victim):
        experiment_run.until(
            lambda: victim[0].id not in [task.id for task in experiment_run.tasks()], 120, "the unhealthy task to go"
        )
    experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
