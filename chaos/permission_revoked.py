"""During a deployment callers lose the permission to discover instances, and get it back.

Callers that keep old addresses call the old tasks, which stop one after another: the longer it lasts, the more calls go
to dead tasks. With the permission back they find the new tasks at once.
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
    "Callers by API have no permission to discover for a minute during a deployment.",
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
    """Deploy, and revoke the permission for a minute meanwhile."""
    with experiment_run.fault("service.deploy"):
        experiment_run.wait(20)
        with experiment_run.fault("permission.revoke"):
            experiment_run.wait(60)
        experiment_run.until_steady()
    experiment_run.rest(75)
