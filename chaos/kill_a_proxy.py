"""The Service Connect proxy of one of three tasks is killed until it stays dead; the task itself keeps running.

All calls go through the proxy. The agent in its container starts it again three times, which few calls notice. Then the
container ends, which is essential: ECS stops the task and starts another, and callers by DNS fail as if the task itself
had been killed.
"""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    ServiceSetup,
    answered,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)

TTL = 20
RESTARTS = 3


@experiment(
    "The proxy of one of three tasks is killed four times while clients call by DNS.",
    faults=("proxy.kill",),
    setup=ServiceSetup(count=3, ttl=TTL),
    checks=(
        gone(within=15),
        visible(within=30),
        no_ghost(after=15),
        answered(at_least=0.4),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_kill_a_proxy(experiment_run: ExperimentRun) -> None:
    """Kill the proxy once more than it is started again, and wait until the service has recovered."""
    victim = experiment_run.pick(1)
    for _ in range(RESTARTS):
        with experiment_run.fault("proxy.kill", victim):
            experiment_run.wait(5)
    with experiment_run.fault("proxy.kill", victim):
        experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
