"""The owner of a namespace takes it out of the share by which another account's callers see it, and puts it back.

For those callers it is as if the registry were gone; those who keep what they knew go on calling the tasks, which are
well all the time.
"""

from __future__ import annotations

from surveyor.chaos import ALWAYS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost


@experiment(
    "A namespace that callers of another account use is withdrawn from them for a while.",
    faults=("share.withdraw",),
    setup=ServiceSetup(count=3, resolve_by="api", shared=True),
    checks=(
        no_ghost(after=15),
        answered(at_least=0.95),
        *ALWAYS,
    ),
)
def test_share_withdrawn(experiment_run: ExperimentRun) -> None:
    """Withdraw it for half a minute."""
    with experiment_run.fault("share.withdraw"):
        experiment_run.wait(30)
    experiment_run.rest(75)
