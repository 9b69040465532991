"""Names that the tasks of a client resolve, and their addresses."""

import ipaddress

import pytest

from surveyor.testing import proves, timeouts


@pytest.fixture
def resolve_in_task(call_task):
    """Return `resolve_in_task(task, name)`: the addresses that programs in a task get for a name."""

    def resolve(task, name):
        return call_task(task, f"/names?name={name}")["addresses"]

    return resolve


@proves("service-connect.discovery-name.is-a-cloud-map-service")
@pytest.mark.parametrize("named", [True, False])
def test_a_discovery_name_becomes_a_service(
    cloudmap, make_connect_service, wait_until_steady, tasks_of, eventually, http_namespace, named
):
    """The service has type HTTP, the discovery name or else the port name, and an instance for each task."""
    server = make_connect_service("backend", count=2, endpoint={} if named else {"discoveryName": None})
    wait_until_steady(server.service)
    name = server.alias if named else "web"
    filters = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    [service] = [found for found in cloudmap.list_services(Filters=filters)["Services"] if found["Name"] == name]
    assert service.get("Type") == "HTTP"
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": name}

    def two_instances():
        instances = [dict(instance) for instance in cloudmap.discover_instances(**names)["Instances"]]
        return instances if len(instances) == 2 else []

    discovered = eventually(two_instances, within=timeouts.DISCOVERY)
    tasks = {task["attachments"][0]["details"][-1]["value"] for task in tasks_of(server.service)}
    assert len(tasks) == len({instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in discovered}) == 2


@proves("service-connect.namespace.of-any-type")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_any_type_of_namespace_works(
    make_namespace, make_connect_service, wait_for_task, call_from_task, task_vpc, kind
):
    """A client reaches an endpoint in a namespace of each type."""
    namespace = make_namespace(kind, **({"Vpc": task_vpc} if kind == "private" else {}))
    configuration = {"namespace": namespace["Arn"]}
    server = make_connect_service("backend", configuration=configuration)
    wait_for_task(server)
    assert [
        call.status
        for call in call_from_task(wait_for_task(make_connect_service(configuration=configuration)), server.url)
    ] == [200]


@proves("service-connect.names.no-zone-no-record")
def test_names_are_in_no_zone(
    route53, make_namespace, make_connect_service, wait_for_task, call_from_task, query_dns, task_vpc, resolve_in_task
):
    """The zone has only SOA and NS records and the resolver no answer, but a task of the client resolves the name."""
    namespace = make_namespace("private", Vpc=task_vpc)
    zones = {zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
    configuration, alias = {"namespace": namespace["Arn"]}, {"dnsName": f"backend.{namespace['Name']}"}
    server = make_connect_service("backend", configuration=configuration, alias=alias)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(configuration=configuration))
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    zone_id = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    assert {record["Type"] for record in records} == {"SOA", "NS"}
    assert query_dns(server.alias, "A", namespace=namespace).rcode().name == "NXDOMAIN"
    assert {zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]} == zones
    assert resolve_in_task(client, server.alias)


@proves("service-connect.names.lead-to-loopback")
def test_an_alias_leads_to_loopback(make_connect_service, wait_for_task, resolve_in_task):
    """Programs in the task get an address in 127.0.0.0/8, or also the IPv6 address that ECS uses with it."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    addresses = [ipaddress.ip_address(address) for address in resolve_in_task(client, server.alias)]
    assert any(address.is_loopback for address in addresses), addresses


@proves("service-connect.alias.by-default-discovery-name-and-namespace")
def test_the_default_alias(make_connect_service, wait_for_task, call_from_task, resolve_in_task, http_namespace):
    """Without a dnsName the alias is <discovery name>.<namespace>; the discovery name alone does not resolve."""
    server = make_connect_service("backend", alias={"dnsName": None})
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.configuration["services"][0]["discoveryName"]
    [call] = call_from_task(client, f"http://{name}.{http_namespace['Name']}:8080")
    assert call.status == 200
    assert resolve_in_task(client, name) == []


@proves("service-connect.names.discovery-names-are-not-resolved")
def test_a_discovery_name_is_not_resolved(make_connect_service, wait_for_task, resolve_in_task):
    """If the alias differs from the discovery name, only the alias resolves."""
    server = make_connect_service("backend", alias={"dnsName": "shop"})
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert resolve_in_task(client, "shop")
    assert resolve_in_task(client, server.configuration["services"][0]["discoveryName"]) == []


@proves("service-connect.deployment.sees-what-was-there-before")
def test_later_endpoints_wait_for_a_deployment(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, cluster, resolve_in_task
):
    """The present task and its replacement cannot resolve a new endpoint; tasks after forceNewDeployment can."""
    client = make_connect_service()
    first = wait_for_task(client)
    server = make_connect_service("backend")
    wait_for_task(server)
    assert resolve_in_task(first, server.alias) == []
    ecs.stop_task(cluster=cluster, task=first["taskArn"])

    def replaced():
        tasks = tasks_of(client.service)
        return [task["lastStatus"] for task in tasks] == ["RUNNING"] and tasks[0]["taskArn"] != first["taskArn"]

    eventually(replaced, within=timeouts.TASK)
    assert resolve_in_task(wait_for_task(client), server.alias) == []
    ecs.update_service(cluster=cluster, service=client.service["serviceName"], forceNewDeployment=True)
    newest = wait_for_task(client)
    assert resolve_in_task(newest, server.alias)
    assert [call.status for call in call_from_task(newest, server.url)] == [200]


@proves("service-connect.deployment.new-tasks-of-a-known-endpoint-are-used")
def test_new_tasks_of_a_known_endpoint_are_used(
    ecs, make_connect_service, wait_for_task, wait_until_steady, call_from_task, eventually, cluster
):
    """After the server is scaled out, the client's calls reach the new task."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert len({call.address for call in call_from_task(client, server.url, times=4)}) == 1
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=2)
    wait_until_steady(server.service)
    eventually(
        lambda: len({call.address for call in call_from_task(client, server.url, times=4)}) == 2,
        within=timeouts.DISCOVERY,
    )


@proves("service-connect.network.other-vpcs-need-a-path")
def test_another_vpc_is_resolved_and_not_reached(
    ec2, second_vpc, make_connect_service, wait_for_task, call_from_task, network, resolve_in_task
):
    """Without a path between the VPCs of client and server the name resolves, but no call succeeds."""
    subnet = ec2.create_subnet(VpcId=second_vpc, CidrBlock="10.2.77.0/24")["Subnet"]["SubnetId"]
    remote = {**network["awsvpcConfiguration"], "subnets": [subnet], "securityGroups": []}
    server = make_connect_service("backend", networkConfiguration={"awsvpcConfiguration": remote})
    wait_for_task(server)
    client, near = wait_for_task(make_connect_service()), make_connect_service("nearby")
    wait_for_task(near)
    assert resolve_in_task(client, server.alias)
    assert 200 not in {call.status for call in call_from_task(client, server.url, within=30, times=2)}
    later = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(later, near.url)] == [200]
