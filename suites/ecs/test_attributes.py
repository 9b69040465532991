"""Attributes with which ECS registers a task in Cloud Map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    TASK_PORT,
    Eventually,
    MakeEcsService,
    MakeService,
    MakeTaskDefinition,
    QueryDns,
    TasksOf,
    UniqueName,
    WaitUntilSteady,
    address_of,
    proves,
    record_values,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
SRV: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "SRV", "TTL": 10}]}


def attributes(cloudmap: ServiceDiscoveryClient, service: dict[str, Any]) -> dict[str, str]:
    """Return the attributes of the only instance of a service."""
    (instance,) = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    return instance["Attributes"]


@proves("ecs.attributes.are-added")
def test_ecs_adds_its_attributes(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    eventually: Eventually,
    cluster: str,
    http_namespace: dict[str, Any],
) -> None:
    """The attributes name the location and the service of a task, and DiscoverInstances can filter by them."""
    registry, definition = make_service(http_namespace), make_task_definition()
    service = wait_until_steady(make_ecs_service(definition, registry))
    (task,) = tasks_of(service)
    actual = attributes(cloudmap, registry)
    zone = task["availabilityZone"]
    expected = {
        "AWS_INSTANCE_IPV4": address_of(task),
        "AVAILABILITY_ZONE": zone,
        "REGION": zone.rstrip("abcdef"),
        "ECS_SERVICE_NAME": service["serviceName"],
        "ECS_CLUSTER_NAME": cluster,
        "ECS_TASK_DEFINITION_FAMILY": definition["family"],
    }
    assert {key: actual.get(key) for key in expected} == expected
    assert "EC2_INSTANCE_ID" not in actual
    names: Any = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"], "HealthStatus": "ALL"}

    def count(**query: str) -> int:
        return len(cloudmap.discover_instances(QueryParameters=query, **names)["Instances"])

    eventually(
        lambda: count(ECS_CLUSTER_NAME=cluster, ECS_TASK_DEFINITION_FAMILY=definition["family"]) == 1,
        within=timeouts.DISCOVERY,
    )
    assert count(ECS_CLUSTER_NAME="another") == 0


@proves("ecs.attributes.port-as-the-registry-says")
@pytest.mark.parametrize(
    "port", [{"port": 9090}, {"containerName": "app", "containerPort": TASK_PORT}], ids=["a number", "by name"]
)
def test_registry_port_is_registered(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    query_dns: QueryDns,
    eventually: Eventually,
    private_namespace: dict[str, Any],
    port: dict[str, Any],
) -> None:
    """AWS_INSTANCE_PORT and the SRV record have the port of the registry."""
    registry = make_service(private_namespace, DnsConfig=SRV)
    wait_until_steady(make_ecs_service(make_task_definition(), {"registryArn": registry["Arn"], **port}))
    expected = str(port.get("port", TASK_PORT))
    assert attributes(cloudmap, registry).get("AWS_INSTANCE_PORT") == expected
    name = f"{registry['Name']}.{private_namespace['Name']}"

    def ports() -> list[str]:
        return [value.split()[2] for value in record_values(query_dns(name, "SRV", private_namespace), name, "SRV")]

    assert eventually(ports, within=timeouts.DNS_CHANGE) == [expected]


@proves("ecs.dns.private-address-in-public-namespaces")
def test_public_names_have_private_addresses(
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    query_dns: QueryDns,
    eventually: Eventually,
    network: Any,
    public_namespace: dict[str, Any],
) -> None:
    """DNS returns the private address of the interface even if a task has a public address."""
    registry = make_service(public_namespace, DnsConfig=A)
    public = {"awsvpcConfiguration": {**network["awsvpcConfiguration"], "assignPublicIp": "ENABLED"}}
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, networkConfiguration=public))
    name = f"{registry['Name']}.{public_namespace['Name']}"
    addresses = eventually(
        lambda: record_values(query_dns(name, "A", public_namespace), name, "A"), within=timeouts.DNS_CHANGE
    )
    assert addresses == [address_of(tasks_of(service)[0])]


@proves("ecs.attributes.task-set-external-id")
def test_external_id_of_a_task_set_is_registered(
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    eventually: Eventually,
    unique_name: UniqueName,
    cluster: str,
    network: Any,
    http_namespace: dict[str, Any],
) -> None:
    """The instance of a task in a task set with an external id and a registry has that id."""
    registry, definition, external = make_service(http_namespace), make_task_definition(), unique_name("external")
    service = make_ecs_service(
        definition,
        deploymentController={"type": "EXTERNAL"},
        taskDefinition=None,
        networkConfiguration=None,
        launchType=None,
    )
    ecs.create_task_set(
        cluster=cluster,
        service=service["serviceName"],
        externalId=external,
        taskDefinition=definition["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration=network,
        serviceRegistries=[{"registryArn": registry["Arn"]}],
        scale={"unit": "PERCENT", "value": 100},
    )
    eventually(lambda: cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)
    assert attributes(cloudmap, registry).get("ECS_TASK_SET_EXTERNAL_ID") == external
