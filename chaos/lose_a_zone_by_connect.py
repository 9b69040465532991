"""All tasks in the zone of the callers are stopped while they call by Service Connect, whose proxies prefer their zone.

With six tasks in three zones, which are enough for zone-aware routing, nearly all calls stay in the zone of the
callers. When its tasks stop, calls go to the other zones, and return once ECS has replaced the tasks.
`lose-a-zone-evenly` is the same without zone-aware routing.
"""

from __future__ import annotations

from surveyor.chaos import ExperimentRun, ServiceSetup, answered, experiment, gone, visible

TASKS = 6
NOTICED = 3
"""Service seconds after which no proxy calls a task that drains."""


@experiment(
    "All tasks in the callers' zone, two of six, are stopped while clients call by Service Connect.",
    faults=("az.lose",),
    setup=ServiceSetup(count=TASKS, resolve_by="connect", clients=3, drain=10),
    checks=(gone(within=30), visible(within=30), answered(at_least=0.7)),
)
def test_lose_a_zone_by_connect(experiment_run: ExperimentRun) -> None:
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
