"""All tasks in the zone of the callers are stopped while they call by Service Connect without zone-aware routing.

Five tasks in three zones are one less than zone-aware routing needs: calls go to all tasks alike, so that a third of
them is for the tasks that stop. `lose-a-zone-by-connect` is the same with six tasks.
"""

from __future__ import annotations

from surveyor.chaos import ExperimentRun, ServiceSetup, answered, experiment, gone, visible

TASKS = 5
NOTICED = 3
"""Service seconds after which no proxy calls a task that drains."""


@experiment(
    "All tasks in the callers' zone, among five tasks, are stopped while clients call by Service Connect.",
    faults=("az.lose",),
    setup=ServiceSetup(count=TASKS, resolve_by="connect", clients=3, drain=10),
    checks=(gone(within=30), visible(within=30), answered(at_least=0.7)),
)
def test_lose_a_zone_evenly(experiment_run: ExperimentRun) -> None:
    """Stop the tasks, and wait until the service has recovered."""
    with experiment_run.phase("before"):
        experiment_run.wait(30)
    victims = experiment_run.pick_zone()
    with experiment_run.fault("az.lose", victims):
        experiment_run.wait(NOTICED)
        with experiment_run.phase("zone lost"):
            experiment_run.until(
                lambda: any(task.zone == victims[0].zone for task in experiment_run.tasks()), 120, "a task in the zone"
            )
    experiment_run.rest(30)
    with experiment_run.phase("replaced"):
        experiment_run.wait(30)
