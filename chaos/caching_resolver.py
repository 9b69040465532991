"""A task is killed while callers ask a dnsmasq between them and the resolver of the VPC.

Fargate has no DNS cache, so that a caching resolver beside the program is common. It keeps an answer for its TTL, and
what is left of that is the TTL that callers see: the address of a dead task is not called for longer than without it.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, experiment, gone, no_ghost, no_traffic_to_the_dead

TTL = 20


@experiment(
    "One of four tasks is killed while callers resolve through dnsmasq.",
    faults=("task.kill",),
    setup=ServiceSetup(count=4, ttl=TTL, cache="dnsmasq"),
    checks=(gone(within=15), no_ghost(after=2 * TTL + 15), no_traffic_to_the_dead(after=2 * TTL + 15), *BY_DNS),
)
def test_caching_resolver(experiment_run: ExperimentRun) -> None:
    """Kill the task, and wait until no cache has its address any more."""
    with experiment_run.fault("task.kill", experiment_run.pick(1)):
        experiment_run.wait(2 * TTL + 20)
    experiment_run.rest(75)
