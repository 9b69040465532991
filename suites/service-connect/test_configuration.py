"""Accepted and refused Service Connect configurations."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, for_each, proves, raises

INVALID = "InvalidParameterException"


@pytest.fixture(params=["CreateService", "UpdateService"])
def configure(request, make_connect_service, update_connect_service):
    """Return `configure(**changes)`: create a service with these changes, or change a service that exists so."""
    existing = {}

    def create(protocol="http", **changes):
        return make_connect_service("backend", count=0, protocol=protocol, **changes).service

    def update(protocol="http", **changes):
        if protocol not in existing:
            existing[protocol] = make_connect_service("existing", count=0, protocol=protocol)
        return update_connect_service(existing[protocol], **changes)

    return create if request.param == "CreateService" else update


@pytest.fixture
def update_definition(ecs, make_task_definition, cluster):
    """Return `update_definition(connect_service, **params)`: UpdateService to a new task definition."""

    def update(connect_service, **params):
        definition = make_task_definition(**params)["taskDefinitionArn"]
        return ecs.update_service(
            cluster=cluster, service=connect_service.service["serviceName"], taskDefinition=definition
        )

    return update


def primary(service):
    """Return the primary deployment."""
    return next(entry for entry in service["deployments"] if entry["status"] == "PRIMARY")


def offered(service):
    """Return the only Service Connect service of the primary deployment."""
    [offer] = primary(service)["serviceConnectConfiguration"]["services"]
    return offer


@proves("service-connect.config.change-starts-a-deployment")
def test_a_changed_configuration_starts_a_deployment(
    ecs, make_connect_service, update_connect_service, make_task_definition, make_ecs_service, cluster
):
    """UpdateService with a changed or a first configuration returns a new primary deployment; desiredCount does not."""
    # ecs/UpdateServiceRequest.serviceConnectConfiguration: "This parameter triggers a new service deployment."
    server = make_connect_service("backend", count=0)
    name, first = server.service["serviceName"], primary(server.service)["id"]
    unchanged = ecs.update_service(cluster=cluster, service=name, desiredCount=0)["service"]
    assert primary(unchanged)["id"] == first
    changed = update_connect_service(server, endpoint={"timeout": {"perRequestTimeoutSeconds": 20}})
    assert primary(changed)["id"] != first
    assert offered(changed)["timeout"]["perRequestTimeoutSeconds"] == 20
    plain = make_ecs_service(make_task_definition(), count=0)
    client = {"enabled": True, "namespace": server.configuration["namespace"]}
    connected = ecs.update_service(cluster=cluster, service=plain["serviceName"], serviceConnectConfiguration=client)[
        "service"
    ]
    assert primary(connected)["id"] != primary(plain)["id"]
    assert primary(connected)["serviceConnectConfiguration"]["enabled"]


@proves("service-connect.config.is-described")
def test_a_configuration_is_described(ecs, configure, read_until, cluster):
    """DescribeServices returns each member of the configuration that CreateService or UpdateService sent."""
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "proxies", "awslogs-region": "us-east-1"}}
    access = {"format": "TEXT", "includeQueryParameters": "ENABLED"}
    level = [{"logLevel": "debug"}]
    rules = {"header": {"name": "x-canary", "value": {"exact": "yes"}}}
    service = configure(
        configuration={"logConfiguration": log, "accessLogConfiguration": access, "containerConfigurations": level},
        endpoint={"ingressPortOverride": 9090, "timeout": {"idleTimeoutSeconds": 7, "perRequestTimeoutSeconds": 8}},
        alias={"port": 80, "testTrafficRules": rules},
    )

    def shows_the_answer(services):
        return [primary(found)["id"] for found in services] == [primary(service)["id"]]

    [described] = read_until(
        lambda: ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"], shows_the_answer
    )
    configuration, offer = primary(described)["serviceConnectConfiguration"], offered(described)
    assert configuration["enabled"] is True
    assert configuration["logConfiguration"]["options"] == log["options"]
    assert configuration["accessLogConfiguration"] == access
    assert configuration["containerConfigurations"] == level
    assert (offer["portName"], offer["ingressPortOverride"]) == ("web", 9090)
    assert offer["timeout"] == {"idleTimeoutSeconds": 7, "perRequestTimeoutSeconds": 8}
    [alias] = offer["clientAliases"]
    assert (alias["port"], alias["testTrafficRules"]) == (80, rules)


@proves("service-connect.config.resources-map-names-to-services")
def test_resources_map_discovery_names_to_services(ecs, cloudmap, make_connect_service, read_until, cluster):
    """A deployment has an entry for the discovery name, with the ARN of the Cloud Map service; a client has none."""
    # ecs/Deployment.serviceConnectResources: "Each list entry maps a discovery name to a Cloud Map service name."
    server, client = make_connect_service("backend", count=0), make_connect_service(count=0)
    names = [service.service["serviceName"] for service in (server, client)]
    found = read_until(
        lambda: ecs.describe_services(cluster=cluster, services=names)["services"], lambda found: len(found) == 2
    )
    described = {service["serviceName"]: primary(service) for service in found}
    [resource] = described[names[0]]["serviceConnectResources"]
    assert resource["discoveryName"] == server.alias
    service = cloudmap.get_service(Id=resource["discoveryArn"].rpartition("/")[2])["Service"]
    assert (service["Name"], service["Arn"]) == (server.alias, resource["discoveryArn"])
    assert not described[names[1]].get("serviceConnectResources")


@proves("service-connect.namespace.by-name-or-arn")
def test_a_namespace_has_a_name_or_an_arn(ecs, cloudmap, configure, read_until, http_namespace):
    """A namespace may be named by its name or its ARN; with one that does not exist the request is refused."""
    for reference in (http_namespace["Name"], http_namespace["Arn"]):
        service = configure(configuration={"namespace": reference})
        [resource] = primary(service)["serviceConnectResources"]
        found = cloudmap.get_service(Id=resource["discoveryArn"].rpartition("/")[2])["Service"]
        assert found["NamespaceId"] == http_namespace["Id"]
        read_until(lambda reference=reference: ecs.list_services_by_namespace(namespace=reference), bool)
    unknown = http_namespace["Arn"].replace(http_namespace["Id"], "ns-0123456789abcdef")
    for reference in (f"{http_namespace['Name']}-0", unknown):
        with raises("NamespaceNotFoundException"):
            configure(configuration={"namespace": reference})
        with raises("NamespaceNotFoundException"):
            ecs.list_services_by_namespace(namespace=reference)


@proves("service-connect.namespace.by-name-or-arn")
def test_a_namespace_is_needed(ecs, make_connect_service, unique_name, http_namespace):
    """In a cluster without a default namespace a client must name one."""
    # ecs/ClusterServiceConnectDefaults: "You can set the namespace of each service individually"
    new = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    with pytest.raises(ClientError):
        make_connect_service(count=0, cluster=new, configuration={"namespace": None})
    ecs.update_cluster(cluster=new, serviceConnectDefaults={"namespace": http_namespace["Arn"]})
    service = make_connect_service(count=0, cluster=new, configuration={"namespace": None}).service
    assert primary(service)["serviceConnectConfiguration"]["enabled"]


@proves("service-connect.port-name.of-the-task-definition")
def test_a_port_name_must_be_in_the_task_definition(make_connect_service, update_definition, configure):
    """The name of a port mapping is accepted; another name, the container's and a lost name are refused."""
    # ecs/ServiceConnectService.portName: "must match the name of one of the portMappings from all the containers in
    # the task definition"
    assert offered(configure(endpoint={"portName": "web"}))["portName"] == "web"
    for refused in ("admin", "app", "web2"):
        with raises(INVALID):
            configure(endpoint={"portName": refused})
    server = make_connect_service("backend", count=0)
    with raises(INVALID):
        update_definition(server, container={"portMappings": [{"containerPort": TASK_PORT, "appProtocol": "http"}]})


@pytest.fixture
def make_service_of_two_ports(make_task_definition, make_ecs_service, http_namespace, unique_name):
    """Return `make_service_of_two_ports(**changes)`: a service that offers a port of each of two containers."""

    def make(**changes):
        names = [unique_name("first"), unique_name("second")]
        containers = [
            {
                "name": name,
                "image": "busybox",
                "command": ["true"],
                "portMappings": [{"containerPort": port, "name": name}],
            }
            for name, port in zip(names, (8080, 9090), strict=True)
        ]
        services = [{"portName": name, "clientAliases": [{"port": 80, "dnsName": name}], **changes} for name in names]
        connect = {"enabled": True, "namespace": http_namespace["Arn"], "services": services}
        definition = make_task_definition(containerDefinitions=containers)
        return names, make_ecs_service(definition, count=0, serviceConnectConfiguration=connect)

    return make


@proves("service-connect.port-name.of-the-task-definition")
def test_a_port_name_may_be_of_any_container(make_service_of_two_ports):
    """The port may be that of a second container, and one service may offer two ports."""
    names, service = make_service_of_two_ports()
    resources = primary(service)["serviceConnectResources"]
    assert {resource["discoveryName"] for resource in resources} == set(names)


@proves("service-connect.port-name.form")
def test_the_form_of_a_port_name(make_task_definition):
    """A port's name has up to 64 lowercase letters, digits, underscores and hyphens, and no hyphen at the start."""

    def register(name):
        definition = make_task_definition(container={"portMappings": [{"containerPort": TASK_PORT, "name": name}]})
        return definition["containerDefinitions"][0]["portMappings"][0]["name"]

    for accepted in ("a" * 64, "_1-b-"):
        assert register(accepted) == accepted
    for refused in ("a" * 65, "Web", "web.1", "web 1", "-web"):
        with pytest.raises(ClientError):
            register(refused)


@proves("service-connect.discovery-name.form")
def test_the_form_of_a_discovery_name(configure, unique_name):
    """A discovery name has up to 64 lowercase letters, digits, underscores and hyphens, and no hyphen at the start."""
    # ecs/ServiceConnectService.discoveryName: "The name can include lowercase letters, numbers, underscores (_), and
    # hyphens (-). The name can't start with a hyphen."
    longest = unique_name("a").ljust(64, "z")
    for accepted in (longest, f"_{unique_name('a')}_9-", f"0{unique_name('a')}"):
        alias = {"dnsName": unique_name("alias")}  # one that exists stays with its discovery name
        assert offered(configure(endpoint={"discoveryName": accepted}, alias=alias))["discoveryName"] == accepted
    for refused in (f"{longest}z", "Backend", "backenD", "back.end", "back end", "back/end", "-backend"):
        with raises(INVALID):
            configure(endpoint={"discoveryName": refused}, alias={"dnsName": unique_name("alias")})


@proves("service-connect.discovery-name.unique-in-the-namespace")
def test_a_discovery_name_is_used_once(ecs, make_connect_service, make_namespace, configure, unique_name):
    """The discovery name of another ECS service, of any cluster, is refused; in another namespace it is accepted."""
    # ecs/ServiceConnectService.discoveryName: "This must be unique within the Cloud Map namespace."
    first = make_connect_service("backend", count=0)
    with raises(INVALID):
        configure(endpoint={"discoveryName": first.alias})
    elsewhere = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    with raises(INVALID):
        make_connect_service("other", count=0, endpoint={"discoveryName": first.alias}, cluster=elsewhere)
    other = {"configuration": {"namespace": make_namespace("http")["Arn"]}, "endpoint": {"discoveryName": first.alias}}
    assert offered(configure(**other))["discoveryName"] == first.alias


@proves("service-connect.discovery-name.unique-in-the-namespace")
def test_a_discovery_name_is_no_other_service_of_cloud_map(make_service, http_namespace, configure, unique_name):
    """The name of a Cloud Map service that was created by hand is refused."""
    service = make_service(http_namespace, unique_name("by-hand"))
    with raises(INVALID):
        configure(endpoint={"discoveryName": service["Name"]})


@proves("service-connect.discovery-name.unique-in-the-namespace")
def test_a_discovery_name_is_used_once_in_a_service(make_service_of_two_ports, unique_name):
    """Two Service Connect services of one ECS service cannot have the same discovery name."""
    with raises(INVALID):
        make_service_of_two_ports(discoveryName=unique_name("twice"))


@proves("service-connect.alias.unique-in-the-namespace")
def test_an_alias_is_used_once_in_a_service(make_service_of_two_ports, unique_name):
    """Two Service Connect services of one ECS service cannot have the same alias and port."""
    with raises(INVALID):
        make_service_of_two_ports(clientAliases=[{"port": 80, "dnsName": unique_name("twice")}])


@proves("service-connect.alias.one-per-service")
def test_there_is_one_alias(configure, unique_name):
    """One alias is accepted; two and none are refused."""
    # ecs/ServiceConnectService.clientAliases: "you must provide at least one clientAlias with one port"
    two = [{"port": 8080, "dnsName": unique_name("one")}, {"port": 8081, "dnsName": unique_name("two")}]
    assert offered(configure(endpoint={"clientAliases": two[:1]}))["clientAliases"] == two[:1]
    for refused in (two, [], None):
        with raises(INVALID):
            configure(endpoint={"clientAliases": refused})


@proves("service-connect.alias.unique-in-the-namespace")
def test_an_alias_is_used_once(make_connect_service, configure, make_namespace):
    """Name and port of another service's alias are refused; the name with another port, or elsewhere, is accepted."""
    # ecs/ServiceConnectClientAlias: "Each name and port mapping must be unique within the namespace."
    first = make_connect_service("backend", count=0)
    with raises(INVALID):
        configure(alias={"dnsName": first.alias})
    service = configure(alias={"dnsName": first.alias, "port": TASK_PORT + 1})
    assert offered(service)["clientAliases"][0]["dnsName"] == first.alias
    other = {"configuration": {"namespace": make_namespace("http")["Arn"]}, "alias": {"dnsName": first.alias}}
    assert offered(configure(**other))["clientAliases"][0]["dnsName"] == first.alias


@proves("service-connect.alias.form")
def test_the_form_of_an_alias(configure, unique_name):
    """An alias is a lowercase DNS name of up to 127 characters that does not begin with a hyphen."""
    # ecs/ServiceConnectClientAlias.dnsName: "The name can include up to 127 characters."
    longest = ".".join([unique_name("a").ljust(31, "z"), *["a" * 31] * 3])
    assert len(longest) == 127
    for accepted in (longest, f"_db.{unique_name('a')}.internal_1", f"0{unique_name('a')}"):
        assert offered(configure(alias={"dnsName": accepted}))["clientAliases"][0]["dnsName"] == accepted
    for refused in (f"{longest}a", "Backend", "back.End", "back end", "back/end", "back..end", "-backend"):
        with raises(INVALID):
            configure(alias={"dnsName": refused})


@proves("service-connect.alias.port-has-sixteen-bits")
@for_each("member", ["alias", "ingressPortOverride"])
def test_a_port_has_sixteen_bits(configure, member):
    """65,535 is accepted as port and as ingressPortOverride; 65,536 is refused."""

    def ask(port):
        return configure(**({"alias": {"port": port}} if member == "alias" else {"endpoint": {member: port}}))

    offer = offered(ask(65_535))
    assert (offer["clientAliases"][0]["port"] if member == "alias" else offer[member]) == 65_535
    with pytest.raises(ClientError):
        ask(65_536)


@proves("service-connect.timeout.requests-are-not-of-tcp")
def test_tcp_has_no_request_timeout(configure):
    """Without appProtocol a request timeout is refused and an idle timeout is accepted; the others may have both."""
    # ecs/TimeoutConfiguration.perRequestTimeoutSeconds: "Only idleTimeout is allowed for TCP appProtocol."
    for limits in ({"perRequestTimeoutSeconds": 20}, {"perRequestTimeoutSeconds": 20, "idleTimeoutSeconds": 20}):
        with raises(INVALID):
            configure(protocol=None, endpoint={"timeout": limits})
    for protocol, limits in ((None, {"idleTimeoutSeconds": 20}), *((protocol, limits) for protocol in PROTOCOLS[1:])):
        assert offered(configure(protocol=protocol, endpoint={"timeout": limits}))["timeout"] == limits


PROTOCOLS = [None, "http", "http2", "grpc"]


@proves("service-connect.protocol.three-and-immutable")
@for_each("protocol", PROTOCOLS)
def test_a_protocol_cannot_be_changed(make_connect_service, update_definition, protocol):
    """Each protocol is accepted and may stay; an update to a task definition with another for the port is refused."""
    # ecs/PortMapping.appProtocol: "appProtocol is immutable in a Service Connect service."
    server = make_connect_service("backend", count=0, protocol=protocol)
    [mapping] = server.definition["containerDefinitions"][0]["portMappings"]
    assert mapping.get("appProtocol") in ((None, "tcp") if protocol is None else (protocol,))
    ports = {name: {"portMappings": [{**mapping, "appProtocol": name}]} for name in PROTOCOLS}
    ports[None] = {"portMappings": [{name: value for name, value in mapping.items() if name != "appProtocol"}]}
    for other in set(PROTOCOLS) - {protocol}:
        with pytest.raises(ClientError):
            update_definition(server, container=ports[other])
    assert update_definition(server, container=ports[protocol])["service"]["status"] == "ACTIVE"


@proves("service-connect.protocol.three-and-immutable")
def test_there_is_no_other_protocol(make_task_definition):
    """RegisterTaskDefinition refuses another appProtocol."""
    with pytest.raises(ClientError):
        make_task_definition(
            container={"portMappings": [{"containerPort": TASK_PORT, "name": "web", "appProtocol": "https"}]}
        )


@proves("service-connect.access-logs.need-a-log-configuration")
def test_access_logs_need_a_log_configuration(configure):
    """accessLogConfiguration without logConfiguration is refused; with it, it is accepted."""
    # ecs/ServiceConnectAccessLogConfiguration: "To enable access logs, you must also specify a logConfiguration"
    required = {"awslogs-group": "proxies", "awslogs-region": "us-east-1"}
    log = {"logDriver": "awslogs", "options": required}
    for form in ("TEXT", "JSON"):
        access = {"format": form}
        with raises(INVALID):
            configure(configuration={"accessLogConfiguration": access})
        both = configure(configuration={"accessLogConfiguration": access, "logConfiguration": log})
        for option in required:  # ecs/LogConfiguration.options: "Required: Yes"
            incomplete = {**log, "options": {name: value for name, value in required.items() if name != option}}
            with pytest.raises(ClientError):
                configure(configuration={"accessLogConfiguration": access, "logConfiguration": incomplete})
        assert primary(both)["serviceConnectConfiguration"]["accessLogConfiguration"]["format"] == form


@proves("service-connect.proxy.log-level")
def test_a_log_level_is_set_once(configure):
    """debug and info are accepted, once and in one object; afterwards a configuration without it has none."""
    # ecs/ServiceConnectConfiguration.containerConfigurations: "Each object in the list sets exactly one setting, and
    # each setting can appear only once in the list."
    for accepted in ([{"logLevel": "debug"}], [{"logLevel": "info"}]):
        service = configure(configuration={"containerConfigurations": accepted})
        assert primary(service)["serviceConnectConfiguration"]["containerConfigurations"] == accepted
    debug, info = {"logLevel": "debug"}, {"logLevel": "info"}
    for twice_or_none in ([debug, debug], [info, debug], [dict[str, str]()]):
        with pytest.raises(ClientError):
            configure(configuration={"containerConfigurations": twice_or_none})
    service = configure(endpoint={"timeout": {"idleTimeoutSeconds": 9}})
    assert not primary(service)["serviceConnectConfiguration"].get("containerConfigurations")
