"""A deployment replaces all four tasks, and the addresses of the old ones vanish with their network interfaces.

A caller that keeps an answer for its TTL is not refused by an old task, which would let it try another one at once:
each of its calls waits for the time-out.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, experiment, gone, no_ghost, no_traffic_to_the_dead

TTL = 20


@experiment(
    "A rolling deployment of four tasks, whose addresses vanish.",
    faults=(
        "address.vanish",
        "service.deploy",
    ),
    setup=ServiceSetup(count=4, ttl=TTL),
    checks=(gone(within=30), no_ghost(after=15), no_traffic_to_the_dead(after=TTL + 15), *BY_DNS),
)
def test_vanished_at_a_deployment(experiment_run: ExperimentRun) -> None:
    """Deploy while the addresses of stopped tasks vanish, and wait until no client calls an old task."""
    with experiment_run.fault("address.vanish"):
        with experiment_run.fault("service.deploy"):
            experiment_run.wait(10)
        experiment_run.until_steady()
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
