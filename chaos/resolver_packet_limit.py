"""Other programs of the same network interface use up the packets that the VPC's resolver takes in a second.

Callers whose records have a short TTL ask often, and many of their questions are dropped: not refused, so that each
costs a time-out. Those with an answer in their cache notice nothing until it expires.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, experiment, no_ghost

TTL = 2


@experiment(
    "The resolver answers one question in a second, and drops the others.",
    faults=("dns.packet-limit",),
    setup=ServiceSetup(count=3, ttl=TTL),
    checks=(no_ghost(after=15), *BY_DNS),
)
def test_resolver_packet_limit(experiment_run: ExperimentRun) -> None:
    """Leave one packet a second for a while."""
    with experiment_run.fault("dns.packet-limit", rate=1):
        experiment_run.wait(30)
    experiment_run.rest(75)
