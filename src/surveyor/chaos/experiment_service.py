"""Create the service of an experiment as its setup describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor import timeouts
from surveyor.chaos.connected_service import container_of, create_connected_service, drain_of
from surveyor.chaos.experiment import ServiceSetup
from surveyor.fixtures.tasks import TASK_PORT, TASK_TOKEN
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest, parse_task
from surveyor.targets.running import RunningTarget

__all__ = ["create_service"]


def create_service(
    fixture: Callable[[str], Any], running: RunningTarget, account: str, setup: ServiceSetup
) -> ServiceUnderTest:
    """Return a new service, with all its tasks running and healthy.

    `fixture` returns the value of a fixture of surveyor.fixtures by its name; those fixtures delete what they created.
    """
    if setup.shifts_traffic:
        return create_connected_service(fixture, running, account, setup)
    vpc: str = fixture("task_vpc")
    has_names = "dns" in running.features
    namespace: Mapping[str, Any] = (
        fixture("make_namespace")("private", Vpc=vpc) if has_names else fixture("http_namespace")
    )
    types = ("A", "SRV") if setup.gateway else ("A",)
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": kind, "TTL": setup.ttl} for kind in types]}
    registry = fixture("make_service")(
        namespace,
        HealthCheckCustomConfig={"FailureThreshold": 1},
        **({"DnsConfig": records} if has_names else {}),
    )
    container = container_of(setup)
    params: dict[str, Any] = {}
    has_proxies = "service-connect" in running.features
    connected, balanced = has_proxies and setup.calls_by_connect, has_proxies and setup.calls_by_balancer
    alias = fixture("unique_name")("backend")
    if setup.service_connect or connected:
        container["portMappings"] = [{"containerPort": TASK_PORT, "name": "web", "appProtocol": "http"}]
        endpoint = {
            "portName": "web",
            "discoveryName": alias,
            "clientAliases": [{"port": TASK_PORT, "dnsName": alias}],
        }
        params["serviceConnectConfiguration"] = {
            "enabled": True,
            "namespace": namespace["Arn"],
            "services": [endpoint],
        }
    balancer = None
    if balanced:
        balancer = fixture("make_load_balancer")(vpc, fixture("network")["awsvpcConfiguration"]["subnets"])
        group = {"targetGroupArn": balancer.group, "containerName": "app", "containerPort": TASK_PORT}
        params["loadBalancers"] = [group]
    enabled = {"enableFaultInjection": True} if setup.fault_injection else {}
    definition = fixture("make_task_definition")("serve", *drain_of(setup), container=container, **enabled)
    ports = {"registryArn": registry["Arn"], "port": TASK_PORT} if setup.gateway else registry
    service = fixture("make_ecs_service")(definition, ports, count=setup.count, **params)
    fixture("wait_until_steady")(service)
    host = _start_host(fixture, definition) if setup.host else None
    cloudmap, names = fixture("cloudmap"), {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}

    def all_are_healthy() -> bool:
        response = cloudmap.discover_instances(**names, HealthStatus="HEALTHY", MaxResults=1000)
        return len(response["Instances"]) == setup.count

    fixture("clock").eventually(all_are_healthy, within=timeouts.TASK)
    # A task's proxy listens at loopback addresses of the task, which are those of this machine where tasks are local.
    caller = fixture("make_connect_client")(namespace, alias, setup.clients) if connected else None
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
        port=TASK_PORT,
        token=TASK_TOKEN,
        path=f"/?after={setup.response_seconds:g}" if setup.response_seconds else "/",
        share=fixture("share_namespace")(namespace) if setup.shared else "",
        namespace_arn=namespace["Arn"],
        load_balancer=(balancer.name, balancer.port) if balancer else ("", 0),
        proxy=caller.proxy if caller is not None and running.target.is_local else ("", 0),
        client_task=caller.task if caller is not None else None,
        client_zone=caller.zone if caller is not None else "",
        host=host,
        settings=setup.settings(),
    )


def _start_host(fixture: Callable[[str], Any], definition: Mapping[str, Any]) -> ServiceTask:
    """Return a running task of no service, which ECS does not register."""
    started = fixture("run_task")(definition)

    def running() -> ServiceTask | None:
        task = parse_task(fixture("describe_task")(started))
        return task if task.status == "RUNNING" and task.address else None

    found: ServiceTask = fixture("clock").eventually(running, within=timeouts.TASK)
    return found
