"""In the middle of a deployment callers lose the permission to discover instances, and get it back.

Callers that keep what they knew call the old tasks, one after another of which goes: the longer it lasts, the more of
their calls go to the dead. When they may ask again they find the new tasks at once.
"""

from __future__ import annotations

from surveyor.chaos import ALWAYS, ExperimentRun, Setting, dead_are_not_called, experiment, gone, no_ghost, visible


@experiment(
    "Callers by API may not ask for a minute in mid-deployment.",
    faults=(
        "service.deploy",
        "permission.revoke",
    ),
    setting=Setting(count=3, by="api"),
    holds=(
        gone(within=30),
        visible(within=30),
        no_ghost(after=90),
        dead_are_not_called(after=75),
        *ALWAYS,
    ),
)
def test_permission_revoked(experiment_run: ExperimentRun) -> None:
    """Deploy; revoke for a minute meanwhile."""
    with experiment_run.fault("service.deploy"):
        experiment_run.wait(20)
        with experiment_run.fault("permission.revoke"):
            experiment_run.wait(60)
        experiment_run.until_whole()
    experiment_run.rest(75)
