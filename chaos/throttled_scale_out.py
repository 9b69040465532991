"""A service scales from five tasks to twenty while Cloud Map throttles nine of ten requests of its callers.

Callers that keep old addresses are not affected, and find the new tasks when one of their requests succeeds; callers
that drop old addresses would find none.
"""

from __future__ import annotations

from surveyor.chaos import (
    ALWAYS,
    ExperimentRun,
    ServiceSetup,
    answered,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)


@experiment(
    "From 5 tasks to 20 while callers by API are throttled.",
    faults=(
        "service.scale",
        "registry.throttle",
    ),
    setup=ServiceSetup(count=5, resolve_by="api"),
    checks=(
        visible(within=30),
        visible(within=75, view="healthy"),
        gone(within=30),
        no_ghost(after=15),
        answered(at_least=0.5),
        no_traffic_to_the_dead(after=30),
        *ALWAYS,
    ),
)
def test_throttled_scale_out(experiment_run: ExperimentRun) -> None:
    """Throttle, scale out, and end both."""
    with experiment_run.fault("service.scale", count=20):
        with experiment_run.fault("registry.throttle", share=0.9):
            experiment_run.wait(40)
        experiment_run.until_steady()
        experiment_run.wait(30)
    experiment_run.rest(100)
