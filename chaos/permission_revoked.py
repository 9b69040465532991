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
def test_permission_revoked(stage: ExperimentRun) -> None:
    """Deploy; revoke for a minute meanwhile."""
    with stage.fault("service.deploy"):
        stage.wait(20)
        with stage.fault("permission.revoke"):
            stage.wait(60)
        stage.until_whole()
    stage.rest(75)
