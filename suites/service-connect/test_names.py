"""Names that the tasks of a client resolve, and their addresses."""

import ipaddress

import pytest

from surveyor.testing import TASK_PORT, address_of, for_each, proves, timeouts

OF_CLIENTS = "aws-ecs-sc.client."
"""Prefix of the Cloud Map services that ECS keeps for services without endpoints; no document mentions them."""

IPV6_OF_ALIASES = ipaddress.ip_network("2600:f0f0::/32")


@pytest.fixture
def resolve_in_task(call_task):
    """Return `resolve_in_task(task, name)`: the addresses that programs in a task get for a name."""

    def resolve(task, name):
        return call_task(task, f"/names?name={name}")["addresses"]

    return resolve


@pytest.fixture
def names_in(cloudmap):
    """Return `names_in(namespace)`: the names of its Cloud Map services, without those that ECS keeps for clients."""

    def names(namespace):
        filters = [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}]
        pages = cloudmap.get_paginator("list_services").paginate(Filters=filters)
        names = {service["Name"] for page in pages for service in page["Services"]}
        return {name for name in names if not name.startswith(OF_CLIENTS)}

    return names


@proves("service-connect.config.enabled-is-enough")
def test_a_client_needs_only_enabled(
    ecs, make_connect_service, wait_for_task, call_from_task, own_cluster, make_namespace, names_in
):
    """With its own or its cluster's namespace a client reaches an endpoint, and offers none."""
    # ecs/ServiceConnectConfiguration.services: "This field is not required for a "client" Amazon ECS service"
    namespace = make_namespace("http")
    server = make_connect_service("backend", configuration={"namespace": namespace["Arn"]})
    wait_for_task(server)
    ecs.update_cluster(cluster=own_cluster, serviceConnectDefaults={"namespace": namespace["Arn"]})
    clients = [make_connect_service(configuration={"namespace": reference}) for reference in (namespace["Name"], None)]
    for client in clients:
        assert [call.status for call in call_from_task(wait_for_task(client), server.url)] == [200]
    assert names_in(namespace) == {server.alias}


@proves("service-connect.config.only-if-enabled")
def test_others_do_not_use_service_connect(
    ecs, make_connect_service, wait_for_task, wait_until_steady, tasks_of, resolve_in_task, own_cluster, make_namespace,
    names_in, network, eventually,
):  # fmt: skip
    """A service without `enabled` and a standalone task resolve no endpoint, whatever the cluster's default is."""
    # ecs/ClusterServiceConnectDefaults: "This setting only applies to new services that set the enabled parameter to
    # true in the ServiceConnectConfiguration."
    namespace = make_namespace("http")
    ecs.update_cluster(cluster=own_cluster, serviceConnectDefaults={"namespace": namespace["Arn"]})
    server = make_connect_service("backend", configuration={"namespace": None})
    off = make_connect_service("off", configuration={"enabled": False, "namespace": None})
    client = make_connect_service(configuration={"namespace": None})
    definition = server.definition["taskDefinitionArn"]
    [standalone] = ecs.run_task(
        cluster=own_cluster, taskDefinition=definition, networkConfiguration=network, launchType="FARGATE"
    )["tasks"]
    assert resolve_in_task(wait_for_task(client), server.alias)
    assert resolve_in_task(wait_for_task(off), server.alias) == []

    def running():
        [task] = ecs.describe_tasks(cluster=own_cluster, tasks=[standalone["taskArn"]])["tasks"]
        return task if task["lastStatus"] == "RUNNING" else None

    assert resolve_in_task(eventually(running, within=timeouts.TASK), server.alias) == []
    assert names_in(namespace) == {server.alias}


@proves("service-connect.discovery-name.is-a-cloud-map-service")
@for_each("named", [True, False])
def test_a_discovery_name_becomes_a_service(
    ecs, cloudmap, make_connect_service, wait_until_steady, tasks_of, eventually, http_namespace, unique_name, cluster,
    named,
):  # fmt: skip
    """The service has type HTTP, the discovery name or else the port name, and an instance for each task."""
    # ecs/ServiceConnectService.discoveryName: "If the discoveryName isn't specified, the port mapping name from the
    # task definition is used"
    port_name = unique_name("port")
    container = {"portMappings": [{"containerPort": TASK_PORT, "name": port_name, "appProtocol": "http"}]}
    endpoint = {"portName": port_name} if named else {"portName": port_name, "discoveryName": None}
    server = make_connect_service("backend", count=3, container=container, endpoint=endpoint)
    name = server.alias if named else port_name
    wait_until_steady(server.service)
    filters = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    pages = cloudmap.get_paginator("list_services").paginate(Filters=filters)
    services = [service for page in pages for service in page["Services"]]
    assert [found.get("Type") for found in services if found["Name"] == name] == ["HTTP"]
    assert (port_name if named else server.alias) not in {found["Name"] for found in services}

    def addresses():
        found = cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=name)["Instances"]
        return sorted(instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in found)

    def are_those_of_tasks():
        return addresses() == sorted(address_of(task) for task in tasks_of(server.service))

    eventually(are_those_of_tasks, within=timeouts.DISCOVERY)
    assert len(addresses()) == 3
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=1)
    wait_until_steady(server.service)
    eventually(lambda: len(addresses()) == 1 and are_those_of_tasks(), within=timeouts.TASK)


@proves("service-connect.namespace.of-any-type")
@for_each("kind", ["http", "private", "public"])
def test_any_type_of_namespace_works(
    make_namespace, make_connect_service, wait_for_task, call_from_task, task_vpc, kind
):
    """A client reaches an endpoint in a namespace of each type."""
    # ecs/ServiceConnectConfiguration.namespace: "The type of namespace doesn't affect Service Connect."
    namespace = make_namespace(kind, **({"Vpc": task_vpc} if kind == "private" else {}))
    configuration = {"namespace": namespace["Arn"]}
    server = make_connect_service("backend", configuration=configuration)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(configuration=configuration))
    assert [call.status for call in call_from_task(client, server.url)] == [200]


@proves("service-connect.names.no-zone-no-record")
@for_each("kind", ["private", "public"])
def test_names_are_in_no_zone(
    route53, make_namespace, make_connect_service, wait_for_task, query_dns, task_vpc, resolve_in_task, kind
):
    """The zone has only SOA and NS records and the resolver no answer, but a task of the client resolves the name."""
    namespace = make_namespace(kind, **({"Vpc": task_vpc} if kind == "private" else {}))
    configuration, alias = {"namespace": namespace["Arn"]}, {"dnsName": f"backend.{namespace['Name']}"}
    server = make_connect_service("backend", configuration=configuration, alias=alias)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(configuration=configuration))
    assert resolve_in_task(client, server.alias)
    zone_id = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    assert sorted(record["Type"] for record in records) == ["NS", "SOA"]
    for rdtype in ("A", "AAAA", "SRV"):
        assert query_dns(server.alias, rdtype, namespace=namespace).rcode().name == "NXDOMAIN"
    pages = route53.get_paginator("list_hosted_zones").paginate()
    zones = [zone["Id"] for page in pages for zone in page["HostedZones"] if namespace["Name"] in zone["Name"]]
    assert [zone.rpartition("/")[2] for zone in zones] == [zone_id]


@proves("service-connect.names.lead-to-loopback")
def test_an_alias_leads_to_loopback(make_connect_service, wait_for_task, resolve_in_task, call_from_task):
    """Programs in the task get an address in 127.0.0.0/8, and perhaps one in IPv6 that they need not reach."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    addresses = [ipaddress.ip_address(address) for address in resolve_in_task(client, server.alias)]
    assert any(address.is_loopback for address in addresses), addresses
    assert all(address.is_loopback or address in IPV6_OF_ALIASES for address in addresses), addresses
    assert [call.status for call in call_from_task(client, server.url)] == [200]


@proves("service-connect.alias.by-default-discovery-name-and-namespace")
def test_the_default_alias(
    make_connect_service, wait_for_task, call_from_task, resolve_in_task, http_namespace, unique_name
):
    """Without a dnsName the alias is <discovery or port name>.<namespace>; the name alone does not resolve."""
    # ecs/ServiceConnectClientAlias.dnsName: "the default value of discoveryName.namespace is used. If the
    # discoveryName isn't specified, the port mapping name from the task definition is used in portName.namespace"
    port_name = unique_name("port")
    container = {"portMappings": [{"containerPort": TASK_PORT, "name": port_name, "appProtocol": "http"}]}
    named = make_connect_service("backend", alias={"dnsName": None})
    unnamed = make_connect_service(
        "backend", alias={"dnsName": None}, container=container, endpoint={"portName": port_name, "discoveryName": None}
    )
    for server in (named, unnamed):
        wait_for_task(server)
    client = wait_for_task(make_connect_service())
    for name in (named.configuration["services"][0]["discoveryName"], port_name):
        [call] = call_from_task(client, f"http://{name}.{http_namespace['Name']}:8080")
        assert call.status == 200
        assert resolve_in_task(client, name) == []


@proves("service-connect.alias.port-is-of-the-client")
def test_the_port_of_an_alias(
    cloudmap, make_connect_service, wait_for_task, call_from_task, call_task, http_namespace, eventually, unique_name
):
    """Two endpoints of one name differ in the ports that clients call; their tasks have the container port."""
    # ecs/ServiceConnectClientAlias: "Each name and port mapping must be unique within the namespace."
    name = unique_name("shop")
    servers = {port: make_connect_service("backend", alias={"dnsName": name, "port": port}) for port in (8090, 8091)}
    callees = {port: wait_for_task(server) for port, server in servers.items()}
    client = wait_for_task(make_connect_service())
    for port, callee in callees.items():
        calls = call_from_task(client, f"http://{name}:{port}", times=3)
        assert {call.address for call in calls} == {address_of(callee)}
        assert call_task(callee, "/executions")["served"] == 3
        service = servers[port].configuration["services"][0]["discoveryName"]
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": service}
        [found] = eventually(lambda names=names: cloudmap.discover_instances(**names)["Instances"], timeouts.DISCOVERY)
        assert found["Attributes"]["AWS_INSTANCE_PORT"] == str(TASK_PORT)
    assert {call.status for call in call_from_task(client, f"http://{name}:{TASK_PORT}", within=10)} == {0}


@proves("service-connect.names.discovery-names-are-not-resolved")
def test_a_discovery_name_is_not_resolved(
    make_connect_service, wait_for_task, resolve_in_task, unique_name, http_namespace
):
    """If the alias differs from the discovery name, only the alias resolves."""
    # ecs/ServiceConnectServiceResource: "However a task can't resolve the discovery names."
    server = make_connect_service("backend", alias={"dnsName": unique_name("shop")})
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert resolve_in_task(client, server.alias)
    name = server.configuration["services"][0]["discoveryName"]
    assert [resolve_in_task(client, other) for other in (name, f"{name}.{http_namespace['Name']}")] == [[], []]


@proves("service-connect.deployment.sees-what-was-there-before")
def test_later_endpoints_wait_for_a_deployment(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, cluster, resolve_in_task
):
    """Neither the present task, its replacement nor a further task resolves a new endpoint; a new deployment does."""
    # guide: "Existing tasks can't resolve and connect to the new endpoint."
    client = make_connect_service()
    first = wait_for_task(client)
    server = make_connect_service("backend")
    wait_for_task(server)
    assert resolve_in_task(first, server.alias) == []
    ecs.stop_task(cluster=cluster, task=first["taskArn"])
    ecs.update_service(cluster=cluster, service=client.service["serviceName"], desiredCount=2)

    def later_tasks():
        tasks = [task for task in tasks_of(client.service) if task["taskArn"] != first["taskArn"]]
        return tasks if [task["lastStatus"] for task in tasks] == ["RUNNING"] * 2 else None

    for task in eventually(later_tasks, within=timeouts.TASK):
        assert resolve_in_task(task, server.alias) == []
    ecs.update_service(cluster=cluster, service=client.service["serviceName"], forceNewDeployment=True, desiredCount=1)
    newest = wait_for_task(client)
    assert [call.status for call in call_from_task(newest, server.url)] == [200]


@proves("service-connect.deployment.new-tasks-of-a-known-endpoint-are-used")
def test_new_tasks_of_a_known_endpoint_are_used(
    ecs, make_connect_service, wait_for_task, wait_until_steady, tasks_of, call_from_task, eventually, cluster
):
    """After the server is scaled out, the client's calls reach both tasks; after its next deployment only new ones."""
    # guide: "If a client-server service is updated, new connections from clients will be balanced between the tasks
    # of the new version"
    server = make_connect_service("backend")
    old = wait_for_task(server)
    client = wait_for_task(make_connect_service())

    def reached():
        return {call.address for call in call_from_task(client, server.url, times=4)}

    assert reached() == {address_of(old)}
    for change in ({"desiredCount": 2}, {"forceNewDeployment": True}):
        before = {address_of(task) for task in tasks_of(server.service)}
        ecs.update_service(cluster=cluster, service=server.service["serviceName"], **change)
        wait_until_steady(server.service)
        expected = {address_of(task) for task in tasks_of(server.service)}
        assert expected - before
        eventually(lambda expected=expected: reached() == expected, within=timeouts.TASK)


@proves("service-connect.network.other-vpcs-need-a-path")
def test_another_vpc_is_resolved_and_not_reached(
    ec2, second_vpc, make_connect_service, wait_for_task, call_from_task, network_in, open_vpc, resolve_in_task
):
    """Without a path between the VPCs of client and server the name resolves, but no call succeeds."""
    subnet = ec2.create_subnet(VpcId=second_vpc, CidrBlock="10.2.77.0/24")["Subnet"]["SubnetId"]
    open_vpc(second_vpc)
    server = make_connect_service("backend", networkConfiguration=network_in(subnet))
    near = make_connect_service("nearby")
    for service in (server, near):
        wait_for_task(service)
    client = wait_for_task(make_connect_service(wall_second=0.02))
    assert resolve_in_task(client, server.alias)
    assert 200 not in {call.status for call in call_from_task(client, server.url, within=30)}
    assert [call.status for call in call_from_task(client, near.url)] == [200]
