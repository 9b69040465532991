"""A canary deployment of a revision that listens at a wrong port: a tenth of the calls fail, until it is undone.

Calls go by Service Connect. ECS shifts ten percent of them to the new tasks, which are RUNNING and have no container
check: nothing that ECS sees is wrong with them. The deployment is then stopped with a rollback, as an alarm or
`surveyor gate` would do it, and all calls are answered again. The figures of the phases say what clients lost.
"""

from __future__ import annotations

from surveyor.chaos import ExperimentRun, ServiceSetup, answered, experiment, gone, visible

PERCENT = 10.0
CANARY = {
    "strategy": "CANARY",
    "canaryConfiguration": {"canaryPercent": PERCENT, "canaryBakeTimeInMinutes": 10},
    "bakeTimeInMinutes": 0,
}


@experiment(
    "A canary of ten percent, whose tasks listen at a wrong port, while clients call by Service Connect.",
    faults=("service.deploy-broken",),
    setup=ServiceSetup(count=2, resolve_by="connect", deployment=CANARY),
    checks=(answered(at_least=0.7, over=30), visible(within=30, view="connect"), gone(within=30, view="connect")),
)
def test_canary_with_a_bad_revision(experiment_run: ExperimentRun) -> None:
    """Deploy, wait a minute after the first shift, and roll back."""
    with experiment_run.phase("before"):
        experiment_run.wait(30)
    with experiment_run.fault("service.deploy-broken"):
        experiment_run.until(
            lambda: experiment_run.shifted_percent() > 0, 600, "ten percent of the calls to be shifted"
        )
        with experiment_run.phase("canary"):
            experiment_run.wait(60)
    with experiment_run.phase("after the rollback"):
        experiment_run.wait(30)
    experiment_run.rest(30)
