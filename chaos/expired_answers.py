"""The resolver of the VPC answers nothing for a while, and an unbound between serves answers that have expired.

Most calls are answered through the failure; without the cache none would be. A task that stops meanwhile keeps being
called, for as long as the failure lasts and for the 30 s that a client may keep an expired answer: it names the task,
and nothing else says that it is gone.
"""

from __future__ import annotations

from surveyor.chaos import BY_DNS, ExperimentRun, ServiceSetup, answered, experiment, gone, no_ghost

TTL = 20


@experiment(
    "The resolver is silent for three TTLs; unbound serves expired answers, one of them of a stopped task.",
    faults=(
        "dns.timeout",
        "task.stop",
    ),
    setup=ServiceSetup(count=4, ttl=TTL, cache="unbound"),
    checks=(gone(within=15), no_ghost(after=3 * TTL + 15), answered(at_least=0.2), *BY_DNS),
)
def test_expired_answers(experiment_run: ExperimentRun) -> None:
    """Silence the resolver, stop a task meanwhile, and let both recover."""
    with experiment_run.fault("dns.timeout"):
        experiment_run.wait(TTL)
        with experiment_run.fault("task.stop", experiment_run.pick(1)):
            experiment_run.wait(2 * TTL)
    experiment_run.rest(75)
