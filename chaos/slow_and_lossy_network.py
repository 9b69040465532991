"""The network of one of three tasks is slow, and then loses packets.

Calls to it take seconds, or wait until lost packets are sent again. No call is refused, and no check of ECS notices.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, answered, experiment, no_ghost

SECONDS = 20


@experiment(
    "The network of one of three tasks delays packets, and then loses some.",
    faults=(
        "net.latency",
        "net.packet-loss",
    ),
    setup=ServiceSetup(count=3, ttl=20),
    checks=(answered(at_least=0.5), no_ghost(after=15), *BY_DNS),
)
def test_slow_and_lossy_network(experiment_run: ExperimentRun) -> None:
    """Delay for a while, then lose packets of the same task."""
    victims = experiment_run.pick(1)
    with experiment_run.fault("net.latency", victims, delay=500, jitter=100, seconds=SECONDS):
        experiment_run.wait(SECONDS)
    experiment_run.wait(10)
    with experiment_run.fault("net.packet-loss", victims, percent=30, seconds=SECONDS):
        experiment_run.wait(SECONDS)
    experiment_run.rest(75)
