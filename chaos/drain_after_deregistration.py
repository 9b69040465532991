"""A task stays up after the registry has dropped it: drain as a scenario by itself.

The task is deregistered and keeps running for longer than the records' TTL, as a task that drains does on SIGTERM.
Every call is answered: by the old address until cached answers expire, and then by others.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost, no_resurrection

TTL = 15


@experiment(
    "One of three tasks is deregistered, and keeps answering for three TTLs.",
    faults=("registry.deregister-live",),
    setup=ServiceSetup(count=3, ttl=TTL),
    checks=(
        answered(at_least=0.98),
        no_ghost(after=15),
        # The task is registered again in the end, so that it appears in each view for a second time.
        *(check for check in BY_DNS if check != no_resurrection()),
    ),
)
def test_drain_after_deregistration(experiment_run: ExperimentRun) -> None:
    """Deregister, wait until no cache has the address any more, and register it again."""
    with experiment_run.fault("registry.deregister-live", experiment_run.pick(1)):
        experiment_run.wait(3 * TTL)
    experiment_run.rest(75)
