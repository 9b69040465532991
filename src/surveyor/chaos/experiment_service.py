"""The service of an experiment: one of its own, made as its setting says, or one that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.chaos.existing_service import find_scene
from surveyor.chaos.experiment import MARK, Experiment, Setting
from surveyor.chaos.safety_limits import check_opt_in
from surveyor.chaos.service_under_test import ServiceUnderTest
from surveyor.fixtures.account import ClientFactory
from surveyor.fixtures.tasks import PORT
from surveyor.pytest_plugin.options import SETTINGS, is_experiment
from surveyor.pytest_plugin.verdict import FEATURES
from surveyor.targets.running import RunningTarget
from surveyor_agents import workload

__all__ = ["declared_by"]

BY_API = ("registry.throttle", "registry.unavailable", "registry.stale", "permission.", "clock.")
"""Faults that only callers by API can notice."""


def declared_by(item: pytest.Item) -> Experiment:
    """What an experiment that was collected says of itself, with what the command line changes."""
    chaos, mark = item.config.stash[SETTINGS].chaos, item.get_closest_marker(MARK)
    assert mark is not None, "a test of chaos/ without the marker is refused at collection"
    title, setting, holds, faults, name = mark.args
    faults = faults or chaos.faults
    if any(one.startswith("proxy.") for one in faults):
        setting = replace(setting, connect=True)
    if any(one.startswith(BY_API) for one in faults):
        setting = replace(setting, by="api")
    return Experiment(name or item.path.stem.replace("_", "-"), title, setting.tuned(chaos.tuning), holds, faults)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record the features that an experiment needs."""
    if is_experiment(item) and item.get_closest_marker(MARK) is not None:
        proxies = {"service-connect"} if declared_by(item).setting.connect else set()
        item.stash[FEATURES] = frozenset({"cloudmap", "ecs", "ecs-processes"} | proxies)


@pytest.fixture
def declared(request: pytest.FixtureRequest) -> Experiment:
    """What the experiment says of itself."""
    return declared_by(request.node)


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, running: RunningTarget, client: ClientFactory, account: str, declared: Experiment
) -> ServiceUnderTest:
    """The service, with all its tasks running. Raises UsageError for one that did not opt in, or is not there."""
    given = request.config.stash[SETTINGS].chaos.service
    if not given:
        return _made(request, running, account, declared.setting)
    found = find_scene(client, account, running.target.region, given)
    check_opt_in(client("ecs"), found)
    return found


def _made(request: pytest.FixtureRequest, running: RunningTarget, account: str, setting: Setting) -> ServiceUnderTest:
    fixture = request.getfixturevalue
    vpc: str = fixture("task_vpc")
    has_names = "dns" in running.features
    namespace: Mapping[str, Any] = (
        fixture("make_namespace")("private", Vpc=vpc) if has_names else fixture("http_namespace")
    )
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": setting.ttl}]}
    registry = fixture("make_service")(
        namespace,
        HealthCheckCustomConfig={"FailureThreshold": 1},
        **({"DnsConfig": records} if has_names else {}),
    )
    manner = ("--on-term", "drain", "--drain", str(setting.drain)) if setting.drain else ()
    container: dict[str, Any] = {"stopTimeout": setting.stop_timeout}
    if setting.check:
        command = ["CMD", *workload.command("check")]
        container["healthCheck"] = {
            "command": command,
            "interval": setting.check_interval,
            "retries": setting.check_retries,
        }
    more: dict[str, Any] = {}
    fronts = setting.fronts and "service-connect" in running.features
    alias = fixture("unique")("backend")
    if setting.connect or fronts:
        container["portMappings"] = [{"containerPort": PORT, "name": "web", "appProtocol": "http"}]
        endpoint = {"portName": "web", "discoveryName": alias, "clientAliases": [{"port": PORT, "dnsName": alias}]}
        more = {"serviceConnectConfiguration": {"enabled": True, "namespace": namespace["Arn"], "services": [endpoint]}}
    balancer = None
    if fronts:
        subnets = fixture("network")["awsvpcConfiguration"]["subnets"]
        balancer = fixture("make_balancer")(vpc, subnets)
        group = {"targetGroupArn": balancer.group, "containerName": "app", "containerPort": PORT}
        more["loadBalancers"] = [group]
    definition = fixture("make_task_definition")("serve", *manner, container=container)
    service = fixture("make_ecs_service")(definition, registry, count=setting.count, **more)
    fixture("steady")(service)
    cloudmap, names = fixture("cloudmap"), {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}

    def all_are_healthy() -> bool:
        found = cloudmap.discover_instances(**names, HealthStatus="HEALTHY", MaxResults=1000)["Instances"]
        return len(found) == setting.count

    fixture("clock").eventually(all_are_healthy, within=timeouts.TASK)
    return ServiceUnderTest(
        account=account,
        region=running.target.region,
        cluster=fixture("cluster"),
        service=service["serviceName"],
        registry=registry["Id"],
        namespace=namespace["Name"],
        name=registry["Name"],
        alias=f"{registry['Name']}.{namespace['Name']}" if has_names else "",
        vpc=vpc,
        port=PORT,
        path=f"/?after={setting.takes:g}" if setting.takes else "/",
        share=fixture("share")(namespace) if setting.shared else "",
        namespace_arn=namespace["Arn"],
        balancer=(balancer.name, balancer.port) if balancer else ("", 0),
        proxy=fixture("make_proxy")(namespace, alias) if fronts else ("", 0),
    )
