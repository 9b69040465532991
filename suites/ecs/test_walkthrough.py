"""A task's way through service discovery, step by step, as articles tell it, each step as the documents have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    CallTask,
    Eventually,
    MakeEcsService,
    MakeNamespace,
    MakeService,
    MakeTaskDefinition,
    QueryDns,
    TasksOf,
    WaitUntilSteady,
    address_of,
    id_of,
    proves,
    record_values,
    timeouts,
    workload,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
CUSTOM: Any = {"FailureThreshold": 1}


@proves("ecs.dns.tasks-resolve-each-other", "ecs.health.unhealthy-until-the-check-passes")
def test_the_way_of_a_task(
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    call_task: CallTask,
    query_dns: QueryDns,
    eventually: Eventually,
    task_vpc: str,
    cluster: str,
) -> None:
    """Task definition, launch, registration, health, discovery by DNS and by API, a call, and deregistration."""
    # 1. A namespace that the VPC can ask, and in it a service whose health its users report.
    namespace = make_namespace("private", Vpc=task_vpc)
    registry = make_service(namespace, DnsConfig=A, HealthCheckCustomConfig=CUSTOM)

    # 2. A task definition says nothing of service discovery: it names an image, a port and a health check.
    check: Any = {"command": ["CMD", *workload.command("check")], "interval": 5}
    definition = make_task_definition(container={"healthCheck": check})

    # 3. The ECS service names the registry.
    service = make_ecs_service(definition, registry)

    # 4. ECS registers the task under its own account, unhealthy at first, since nobody has checked it yet.
    instance = eventually(lambda: cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)[
        0
    ]

    def health() -> str:
        return cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"][instance["Id"]]

    assert health() == "UNHEALTHY"

    # 5. Its container check passes, and Cloud Map hears of it.
    wait_until_steady(service)
    eventually(lambda: health() == "HEALTHY", within=timeouts.TASK)

    # 6. Clients find it: by name in the VPC, and by API anywhere.
    (task,) = tasks_of(service)
    assert instance["Id"] == id_of(task)
    name = f"{registry['Name']}.{namespace['Name']}"
    address = address_of(task)
    eventually(
        lambda: record_values(query_dns(name, "A", namespace), name, "A") == [address], within=timeouts.DNS_CHANGE
    )
    names: Any = {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}
    found = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert [one["Attributes"]["AWS_INSTANCE_IPV4"] for one in found] == [address]
    assert call_task(address)["address"] == address

    # 7. The service is scaled to zero: the instance leaves Cloud Map, and the name has no address any more.
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    eventually(lambda: not cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)
    eventually(lambda: not record_values(query_dns(name, "A", namespace), name, "A"), within=timeouts.DNS_CHANGE)

    # 8. What was made by hand stays until it is deleted by hand.
    assert cloudmap.get_service(Id=registry["Id"])["Service"]["Name"] == registry["Name"]
