"""Which names a client's tasks know, and where they lead."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    CallFromTask,
    CallTask,
    Eventually,
    MakeConnectService,
    MakeNamespace,
    QueryDns,
    TasksOf,
    WaitForTask,
    WaitUntilSteady,
    proves,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@pytest.fixture
def known(call_task: CallTask) -> Any:
    """`known(task, name)`: the addresses that any program of a task finds under a name."""

    def look(task: dict[str, Any], name: str) -> list[str]:
        found: list[str] = call_task(task, f"/names?name={name}")["addresses"]
        return found

    return look


@proves("service-connect.discovery-name.is-a-cloud-map-service")
@pytest.mark.parametrize("named", [True, False])
def test_a_discovery_name_becomes_a_service(
    cloudmap: ServiceDiscoveryClient,
    make_connect_service: MakeConnectService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    named: bool,
) -> None:
    """Of the type HTTP, named as told or after the port, with an instance for each task."""
    made = make_connect_service("backend", count=2, endpoint={} if named else {"discoveryName": None})
    wait_until_steady(made.service)
    name = made.alias if named else "web"
    filters: Any = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    [service] = [one for one in cloudmap.list_services(Filters=filters)["Services"] if one["Name"] == name]
    assert service.get("Type") == "HTTP"
    of: Any = {"NamespaceName": http_namespace["Name"], "ServiceName": name}

    def both() -> list[dict[str, Any]]:
        there = [dict(one) for one in cloudmap.discover_instances(**of)["Instances"]]
        return there if len(there) == 2 else []

    found = eventually(both, within=timeouts.DISCOVERY)
    tasks = {one["attachments"][0]["details"][-1]["value"] for one in tasks_of(made.service)}
    assert len(tasks) == len({one["Attributes"]["AWS_INSTANCE_IPV4"] for one in found}) == 2


@proves("service-connect.namespace.of-any-type")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_any_type_of_namespace_will_do(
    make_namespace: MakeNamespace,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    task_vpc: str,
    kind: Any,
) -> None:
    """A client reaches the endpoint in it."""
    namespace = make_namespace(kind, **({"Vpc": task_vpc} if kind == "private" else {}))
    within = {"namespace": namespace["Arn"]}
    server = make_connect_service("backend", configuration=within)
    wait_for_task(server)
    assert [
        one.status for one in call_from_task(wait_for_task(make_connect_service(configuration=within)), server.url)
    ] == [200]


@proves("service-connect.names.no-zone-no-record")
def test_names_are_in_no_zone(
    route53: Route53Client,
    make_namespace: MakeNamespace,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    query_dns: QueryDns,
    task_vpc: str,
    known: Any,
) -> None:
    """The private zone has no more than SOA and NS, the resolver knows nothing, and yet the client's task resolves."""
    namespace = make_namespace("private", Vpc=task_vpc)
    zones = {one["Id"] for one in route53.list_hosted_zones()["HostedZones"]}
    within, alias = {"namespace": namespace["Arn"]}, {"dnsName": f"backend.{namespace['Name']}"}
    server = make_connect_service("backend", configuration=within, alias=alias)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(configuration=within))
    assert [one.status for one in call_from_task(client, server.url)] == [200]
    zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert {one["Type"] for one in records} == {"SOA", "NS"}
    assert query_dns(server.alias, "A", namespace=namespace).rcode().name == "NXDOMAIN"
    assert {one["Id"] for one in route53.list_hosted_zones()["HostedZones"]} == zones
    assert known(client, server.alias)


@proves("service-connect.names.lead-to-loopback")
def test_an_alias_leads_to_loopback(
    make_connect_service: MakeConnectService, wait_for_task: WaitForTask, known: Any
) -> None:
    """What any program of the task finds is an address of 127.0.0.0/8, or the IPv6 one that ECS uses beside it."""
    server = make_connect_service("backend")
    wait_for_task(server)
    found = [ipaddress.ip_address(one) for one in known(wait_for_task(make_connect_service()), server.alias)]
    assert any(one.is_loopback for one in found), found


@proves("service-connect.alias.by-default-discovery-name-and-namespace")
def test_the_default_alias(
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    known: Any,
    http_namespace: dict[str, Any],
) -> None:
    """Without a dnsName it is the discovery name, a dot and the namespace; the first alone is not known."""
    server = make_connect_service("backend", alias={"dnsName": None})
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.configuration["services"][0]["discoveryName"]
    [call] = call_from_task(client, f"http://{name}.{http_namespace['Name']}:8080")
    assert call.status == 200
    assert known(client, name) == []


@proves("service-connect.names.discovery-names-are-not-resolved")
def test_a_discovery_name_is_not_resolved(
    make_connect_service: MakeConnectService, wait_for_task: WaitForTask, known: Any
) -> None:
    """Where the alias is another one, it alone is known."""
    server = make_connect_service("backend", alias={"dnsName": "shop"})
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert known(client, "shop")
    assert known(client, server.configuration["services"][0]["discoveryName"]) == []


@proves("service-connect.deployment.sees-what-was-there-before")
def test_later_endpoints_wait_for_a_deployment(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    tasks_of: TasksOf,
    call_from_task: CallFromTask,
    eventually: Eventually,
    cluster: str,
    known: Any,
) -> None:
    """Unknown to the task there is, unknown to its replacement, known after forceNewDeployment."""
    client = make_connect_service()
    first = wait_for_task(client)
    server = make_connect_service("backend")
    wait_for_task(server)
    assert known(first, server.alias) == []
    ecs.stop_task(cluster=cluster, task=first["taskArn"])

    def replaced() -> bool:
        there = tasks_of(client.service)
        return [one["lastStatus"] for one in there] == ["RUNNING"] and there[0]["taskArn"] != first["taskArn"]

    eventually(replaced, within=timeouts.TASK)
    assert known(wait_for_task(client), server.alias) == []
    ecs.update_service(cluster=cluster, service=client.service["serviceName"], forceNewDeployment=True)
    newest = wait_for_task(client)
    assert known(newest, server.alias)
    assert [one.status for one in call_from_task(newest, server.url)] == [200]


@proves("service-connect.deployment.new-tasks-of-a-known-endpoint-are-used")
def test_new_tasks_of_a_known_endpoint_are_used(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    wait_until_steady: WaitUntilSteady,
    call_from_task: CallFromTask,
    eventually: Eventually,
    cluster: str,
) -> None:
    """Scale the server out: the client's calls reach the task that has come."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert len({one.address for one in call_from_task(client, server.url, times=4)}) == 1
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=2)
    wait_until_steady(server.service)
    eventually(
        lambda: len({one.address for one in call_from_task(client, server.url, times=4)}) == 2,
        within=timeouts.DISCOVERY,
    )


@proves("service-connect.network.other-vpcs-need-a-path")
def test_another_vpc_is_resolved_and_not_reached(
    ec2: EC2Client,
    second_vpc: str,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    network: dict[str, Any],
    known: Any,
) -> None:
    """Without a path between the VPCs of client and server: the name is known, and no call succeeds."""
    subnet = ec2.create_subnet(VpcId=second_vpc, CidrBlock="10.2.77.0/24")["Subnet"]["SubnetId"]
    own = {**network["awsvpcConfiguration"], "subnets": [subnet], "securityGroups": []}
    server = make_connect_service("backend", networkConfiguration={"awsvpcConfiguration": own})
    wait_for_task(server)
    client, near = wait_for_task(make_connect_service()), make_connect_service("nearby")
    wait_for_task(near)
    assert known(client, server.alias)
    assert 200 not in {one.status for one in call_from_task(client, server.url, within=30, times=2)}
    later = wait_for_task(make_connect_service())
    assert [one.status for one in call_from_task(later, near.url)] == [200]
