"""Callers' resolver fails, then answers that the name does not exist, and then returns a wrong address.

Tasks and registry work all the time. Callers that cache an answer for its TTL and no longer survive short failures, use
a wrong address for its TTL, and recover soon after the fault ends.
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
    """Inject the faults one after another, with time to recover in between."""
    for fault in ("dns.servfail", "dns.nxdomain", "dns.lie"):
        with experiment_run.fault(fault):
            experiment_run.wait(15)
        experiment_run.wait(TTL + 10)
    experiment_run.rest(75)
