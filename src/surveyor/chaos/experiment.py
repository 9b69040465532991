"""The definition of an experiment: the service that it needs, how the service is called, and the checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from surveyor.chaos.caching_resolver import CacheProgram
from surveyor.history import Check
from surveyor.pytest_plugin.task_settings import TaskSettings

__all__ = ["EXPERIMENT_MARK", "Experiment", "ServiceSetup", "experiment"]

EXPERIMENT_MARK = "experiment"
"""The name of the pytest marker that carries an experiment's definition."""


@dataclass(frozen=True)
class ServiceSetup:
    """The service of an experiment, and how it is called and observed (service seconds).

    `count`: number of tasks. `ttl`, `stop_timeout`, `drain`: as for `surveyor advise`, whose options change them.
    `check`: the container has a health check, run each `check_interval` seconds, and is unhealthy after
    `check_retries` failures. `rate`: calls per wall second, each answered after `response_seconds`. `resolve_by`: how
    callers find tasks, `dns`, `api`, or `connect`: by the Service Connect proxy of a client's task. `shared`: callers
    belong to another account, with which the namespace is shared. `service_connect`: each task has a Service Connect
    proxy, through which it is called. If the target supports them: `balancer`: a load balancer is before the service;
    `connect_client`: a client with a Service Connect proxy calls it, which then has proxies, too; `entry_points`: both;
    `clients`: tasks of that client's service, one of which calls: proxies route by zone only as far as their own tasks
    are spread as those that they call. `gateway`: a stand-in for API Gateway calls it, if its
    tasks are on this machine; the registry has SRV records, too, since it reads ports. `host`: a task of no service
    stands in for a host on premises, which faults register beside the tasks.
    `deployment`: deploymentConfiguration (ecs/DeploymentConfiguration); with a strategy that shifts traffic the service
    has an endpoint of Service Connect and no registry, which ECS does not allow with it.
    `fault_injection`: tasks may inject faults into their own network. `cache`: callers ask a caching resolver on this
    machine, `dnsmasq`, or `unbound`, which serves expired answers; only callers of experiments do.
    `poll_period`: between two polls of an observer. `warm_up`: how long the service is observed before a fault.
    """

    count: int = 3
    ttl: int = 20
    stop_timeout: int = 30
    drain: int = 0
    check: bool = False
    check_interval: int = 5
    check_retries: int = 2
    rate: float = 25.0
    response_seconds: float = 0.0
    poll_period: float = 1.0
    resolve_by: str = "dns"
    shared: bool = False
    service_connect: bool = False
    entry_points: bool = False
    balancer: bool = False
    connect_client: bool = False
    clients: int = 1
    gateway: bool = False
    host: bool = False
    warm_up: float = 15.0
    fault_injection: bool = False
    cache: CacheProgram = ""
    deployment: Mapping[str, Any] = field(default_factory=dict)

    def with_task_settings(self, task_settings: TaskSettings | None) -> ServiceSetup:
        """Return this setup with the task settings of the command line, if there are any."""
        if task_settings is None:
            return self
        return replace(
            self,
            ttl=task_settings.ttl,
            stop_timeout=task_settings.stop_timeout,
            drain=task_settings.drain,
            check=self.check and task_settings.check,
        )

    @property
    def calls_by_balancer(self) -> bool:
        """Return whether clients of a load balancer call the service."""
        return self.entry_points or self.balancer

    @property
    def calls_by_connect(self) -> bool:
        """Return whether clients of Service Connect call the service."""
        return self.entry_points or self.connect_client or self.resolve_by == "connect"

    @property
    def shifts_traffic(self) -> bool:
        """Return whether its deployments shift traffic, which needs a service without a registry."""
        return bool(self.deployment.get("strategy", "ROLLING") != "ROLLING")

    def settings(self) -> dict[str, str]:
        """Return the settings of the service by name, as text for people."""
        return {
            "tasks": str(self.count),
            **({"deployments": str(self.deployment["strategy"]).lower()} if self.shifts_traffic else {}),
            **({} if self.shifts_traffic else {"TTL": f"{self.ttl} s"}),
            "stopTimeout": f"{self.stop_timeout} s",
            "drain": f"{self.drain} s",
            "container check": f"each {self.check_interval} s" if self.check else "none",
            **({"callers resolve through": self.cache} if self.cache else {}),
        }


@dataclass(frozen=True)
class Experiment:
    """One experiment: its name, a sentence that says what happens, its service, its checks, its faults, and its steps.

    `steps`: what happens, a function of the running experiment (an ExperimentRun); by default the service is only
    observed for as long as the setup's warm-up. `file`: where it is defined, if it is known.
    """

    name: str
    title: str
    setup: ServiceSetup
    checks: tuple[Check, ...]
    faults: tuple[str, ...]
    steps: Callable[[Any], object] = lambda run: None
    file: Path | None = None


def experiment(
    title: str,
    *,
    faults: tuple[str, ...],
    checks: tuple[Check, ...],
    setup: ServiceSetup | None = None,
    name: str = "",
) -> pytest.MarkDecorator:
    """Mark a test of chaos/ as an experiment, named after its file unless a name is given.

    `title` says in one sentence what happens; `faults` names all faults that it uses, () for those that `--fault`
    selects.
    """
    return pytest.mark.experiment(title, setup or ServiceSetup(), checks, faults, name)
