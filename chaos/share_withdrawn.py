"""The owner of a namespace removes it from the resource share of another account's callers, and adds it again.

For those callers the registry is gone meanwhile; callers that keep old addresses keep calling the tasks, which work all
the time.
"""

from __future__ import annotations

from surveyor.chaos import ALWAYS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost


@experiment(
    "A namespace is withdrawn for a while from the account whose callers use it.",
    faults=("share.withdraw",),
    setup=ServiceSetup(count=3, resolve_by="api", shared=True),
    checks=(
        no_ghost(after=15),
        answered(at_least=0.95),
        *ALWAYS,
    ),
)
def test_share_withdrawn(experiment_run: ExperimentRun) -> None:
    """Withdraw the namespace for half a minute."""
    with experiment_run.fault("share.withdraw"):
        experiment_run.wait(30)
    experiment_run.rest(75)
