"""A new deployment replaces both tasks of a service while clients call by DNS.

With the usual default settings (a TTL of 60 s, a process that ends at SIGTERM, a container check) there are two windows
in which calls fail. Old tasks are called for up to their TTL after their end (aws/containers-roadmap 343); and for some
time the registry has no healthy instance, since ECS trusts its check at once and Cloud Map half a minute later
(aws/containers-roadmap 830). Both are measured. `surveyor advise` recommends settings that close them; with `--ttl`,
`--stop-timeout`, `--drain` and `--no-check` this experiment shows that they do.
"""

from __future__ import annotations

from surveyor.chaos import (
    BY_DNS,
    ExperimentRun,
    ServiceSetup,
    experiment,
    gone,
    no_ghost,
    no_traffic_to_the_dead,
    visible,
)


@experiment(
    "A rolling deployment of two tasks while clients call by DNS.",
    faults=("service.deploy",),
    setup=ServiceSetup(count=2, ttl=60, check=True),
    checks=(
        gone(within=30),
        visible(within=30),
        visible(within=75, view="healthy"),
        no_ghost(after=15),
        no_traffic_to_the_dead(after=60 + 15),
        *BY_DNS,
    ),
)
def test_deploy_under_traffic(experiment_run: ExperimentRun) -> None:
    """Deploy, and wait until no old task can be called any more."""
    with experiment_run.fault("service.deploy"):
        experiment_run.wait(10)
        experiment_run.until_steady()
        experiment_run.wait(experiment_run.experiment.setup.ttl + 10)
    experiment_run.rest(75)
