"""Callers' resolver fails, then says that the name does not exist, and then names somebody else.

Tasks and registry are well all the time. Callers that keep an answer for its TTL and not longer come through short
failures, believe a lie for its TTL, and are back soon after the end of it.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, experiment, no_ghost

TTL = 10


@experiment(
    "Callers' resolver answers SERVFAIL, then NXDOMAIN, then a wrong address.",
    faults=(
        "dns.servfail",
        "dns.nxdomain",
        "dns.lie",
    ),
    setup=ServiceSetup(count=3, ttl=TTL),
    checks=(
        no_ghost(after=15 + TTL + 15),
        *BY_DNS,
    ),
)
def test_resolver_that_lies(experiment_run: ExperimentRun) -> None:
    """One after another, with time to recover between them."""
    for fault in ("dns.servfail", "dns.nxdomain", "dns.lie"):
        with experiment_run.fault(fault):
            experiment_run.wait(15)
        experiment_run.wait(TTL + 10)
    experiment_run.rest(75)
