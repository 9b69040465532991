"""In the middle of a deployment callers lose the permission to discover instances, and get it back.

Callers that keep what they knew call the old tasks, one after another of which goes: the longer it lasts, the more of
their calls go to the dead. When they may ask again they find the new tasks at once.
"""

from __future__ import annotations

from surveyor.chaos import (
    ALWAYS,
    ExperimentRun,
    ServiceSetup,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)


@experiment(
    "Callers by API may not ask for a minute in mid-deployment.",
    faults=(
        "service.deploy",
        "permission.revoke",
    ),
    setup=ServiceSetup(count=3, resolve_by="api"),
    checks=(
        gone(within=30),
        visible(within=30),
        no_ghost(after=90),
        no_traffic_to_the_dead(after=75),
        *ALWAYS,
    ),
)
def test_permission_revoked(experiment_run: ExperimentRun) -> None:
    """Deploy; revoke for a minute meanwhile."""
    with experiment_run.fault("service.deploy"):
        experiment_run.wait(20)
        with experiment_run.fault("permission.revoke"):
            experiment_run.wait(60)
        experiment_run.until_steady()
    experiment_run.rest(75)
