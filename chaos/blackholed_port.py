"""Nothing reaches the port of one of four tasks for a while, as by a security group that was changed by mistake.

ECS and the registry see a healthy task. Callers that have its address wait for their time-out at one call in four; they
recover when the black hole ends, and not before.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost

SECONDS = 40


@experiment(
    "A black hole is at the port of one of four tasks.",
    faults=("net.blackhole-port",),
    setup=ServiceSetup(count=4, ttl=20),
    checks=(answered(at_least=0.5), no_ghost(after=15), *BY_DNS),
)
def test_blackholed_port(experiment_run: ExperimentRun) -> None:
    """Start the black hole, and wait until it has ended itself."""
    with experiment_run.fault("net.blackhole-port", experiment_run.pick(1), seconds=SECONDS):
        experiment_run.wait(SECONDS)
    experiment_run.rest(75)
