"""A service scales from ten tasks to a hundred, and back to ten.

Each new task must be found soon, and each stopped task must leave all views. A DNS answer has eight addresses: callers
reach the others only with later answers. Tasks drain for longer than the records' TTL, as `surveyor advise` recommends,
so that callers never call a task that has ended, though nine of ten stop at once.
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

TTL = 15


@experiment(
    "From 10 tasks to 100 and back while clients call by DNS.",
    faults=("service.scale",),
    setup=ServiceSetup(count=10, ttl=TTL, stop_timeout=40, drain=TTL + 15, poll_period=2.0),
    checks=(
        gone(within=30),
        visible(within=30),
        visible(within=75, view="healthy"),
        no_ghost(after=15),
        answered(at_least=0.95),
        no_traffic_to_the_dead(after=TTL + 15),
        *BY_DNS,
    ),
)
def test_scale_10_100_10(experiment_run: ExperimentRun) -> None:
    """Scale out, wait until all tasks have been running for a while, and scale in again."""
    with experiment_run.fault("service.scale", count=100):
        experiment_run.wait(10)
        experiment_run.until_steady()
        experiment_run.wait(50)
    experiment_run.wait(TTL + 20)
    experiment_run.rest(75)
