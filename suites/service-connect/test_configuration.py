"""Accepted and refused Service Connect configurations."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves, raises, timeouts


@proves("service-connect.config.enabled-is-enough")
def test_a_client_needs_only_enabled(
    cloudmap, ecs, make_connect_service, wait_for_task, call_from_task, cluster, http_namespace
):
    """With its own or its cluster's namespace a client reaches an endpoint, and gets no Cloud Map service."""
    server = make_connect_service("backend")
    wait_for_task(server)
    filters = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    before = {service["Name"] for service in cloudmap.list_services(Filters=filters)["Services"]}
    assert server.alias in before
    ecs.update_cluster(cluster=cluster, serviceConnectDefaults={"namespace": http_namespace["Arn"]})
    for configuration in ({"namespace": http_namespace["Name"]}, {"namespace": None}):
        task = wait_for_task(make_connect_service(configuration=configuration))
        assert [call.status for call in call_from_task(task, server.url)] == [200]
    assert {service["Name"] for service in cloudmap.list_services(Filters=filters)["Services"]} <= before


@proves("service-connect.config.change-starts-a-deployment")
def test_a_changed_configuration_starts_a_deployment(ecs, make_connect_service, cluster):
    """UpdateService with another timeout returns a new primary deployment."""
    server = make_connect_service("backend", count=0)
    before = server.service["deployments"][0]["id"]
    changed = {**server.configuration, "services": [{**server.configuration["services"][0]}]}
    changed["services"][0]["timeout"] = {"perRequestTimeoutSeconds": 20}
    name = server.service["serviceName"]
    answer = ecs.update_service(cluster=cluster, service=name, serviceConnectConfiguration=changed)
    [primary] = [deployment for deployment in answer["service"]["deployments"] if deployment["status"] == "PRIMARY"]
    assert primary["id"] != before
    timeout = primary["serviceConnectConfiguration"]["services"][0]["timeout"]
    assert timeout["perRequestTimeoutSeconds"] == 20


@proves("service-connect.port-name.of-the-task-definition")
def test_a_port_name_must_be_in_the_task_definition(make_connect_service):
    """A name that no port mapping has is refused."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint={"portName": "admin"})
    assert make_connect_service("backend", count=0).service["status"] == "ACTIVE"


@proves("service-connect.discovery-name.form")
def test_the_form_of_a_discovery_name(make_connect_service):
    """A discovery name has up to 64 lowercase letters, digits, underscores and hyphens, and no hyphen at the start."""
    for accepted in ("a" * 64, "a_b-9"):
        assert (
            make_connect_service("backend", count=0, endpoint={"discoveryName": accepted}).service["status"] == "ACTIVE"
        )
    for refused in ("a" * 65, "Backend", "back.end", "-backend"):
        with pytest.raises(ClientError):
            make_connect_service("backend", count=0, endpoint={"discoveryName": refused})


@proves("service-connect.discovery-name.unique-in-the-namespace")
def test_a_discovery_name_is_used_once(make_connect_service):
    """A second ECS service with the same discovery name is refused."""
    first = make_connect_service("backend", count=0)
    with pytest.raises(ClientError):
        make_connect_service("other", count=0, endpoint={"discoveryName": first.alias})
    assert make_connect_service("other", count=0).service["status"] == "ACTIVE"


@proves("service-connect.alias.one-per-service")
def test_there_is_one_alias(make_connect_service):
    """Two aliases are refused."""
    two = [{"port": 8080, "dnsName": "one"}, {"port": 8080, "dnsName": "two"}]
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint={"clientAliases": two})
    assert make_connect_service("backend", count=0, endpoint={"clientAliases": two[:1]}).service["status"] == "ACTIVE"


@proves("service-connect.alias.form")
def test_the_form_of_an_alias(make_connect_service):
    """An alias is a lowercase DNS name of up to 127 characters that does not begin with a hyphen."""
    longest = ".".join(["a" * 31] * 4)
    assert len(longest) == 127
    for accepted in (longest, "db.internal_1"):
        assert make_connect_service("backend", count=0, alias={"dnsName": accepted}).service["status"] == "ACTIVE"
    for refused in (f"{longest}a", "Backend", "back end", "-backend"):
        with pytest.raises(ClientError):
            make_connect_service("backend", count=0, alias={"dnsName": refused})


@proves("service-connect.timeout.requests-are-not-of-tcp")
def test_tcp_has_no_request_timeout(make_connect_service):
    """Without appProtocol a request timeout is refused and an idle timeout is accepted."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, protocol=None, endpoint={"timeout": {"perRequestTimeoutSeconds": 20}})
    server = make_connect_service("backend", count=0, protocol=None, endpoint={"timeout": {"idleTimeoutSeconds": 20}})
    assert server.service["status"] == "ACTIVE"


@proves("service-connect.protocol.three-and-immutable")
@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
def test_a_protocol_cannot_be_changed(ecs, make_connect_service, make_task_definition, cluster, protocol):
    """Each protocol is accepted; an update to a task definition with another protocol for the port is refused."""
    server = make_connect_service("backend", count=0, protocol=protocol)
    [mapping] = server.definition["containerDefinitions"][0]["portMappings"]
    assert mapping["appProtocol"] == protocol
    other = {**mapping, "appProtocol": "grpc" if protocol == "http" else "http"}
    changed = make_task_definition(container={"portMappings": [other]})["taskDefinitionArn"]
    name = server.service["serviceName"]
    with pytest.raises(ClientError):
        ecs.update_service(cluster=cluster, service=name, taskDefinition=changed)


@proves("service-connect.access-logs.need-a-log-configuration")
def test_access_logs_need_a_log_configuration(make_connect_service):
    """accessLogConfiguration without logConfiguration is refused; with it, it is accepted."""
    access = {"format": "JSON"}
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "proxies", "awslogs-region": "us-east-1"}}
    with pytest.raises(ClientError):
        make_connect_service(count=0, configuration={"accessLogConfiguration": access})
    both = {"accessLogConfiguration": access, "logConfiguration": log}
    assert make_connect_service(count=0, configuration=both).service["status"] == "ACTIVE"


BRIDGE = {"requiresCompatibilities": None, "networkMode": "bridge"}
HOST = {"requiresCompatibilities": None, "networkMode": "host"}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
AUTHORITY = "arn:aws:acm-pca:us-east-1:000000000000:certificate-authority/00000000-0000-0000-0000-000000000000"
UNSUPPORTED: dict[str, dict[str, object]] = {
    "windows": {"definition": WINDOWS},
    "external controller": {"deploymentController": {"type": "EXTERNAL"}, "taskDefinition": None},
    "code deploy": {"deploymentController": {"type": "CODE_DEPLOY"}},
    "external instances": {"definition": BRIDGE, "launchType": "EXTERNAL"},
    "host mode": {"definition": HOST, "launchType": "EC2"},
    "tls in bridge mode": {
        "definition": BRIDGE,
        "launchType": "EC2",
        "endpoint": {"tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": AUTHORITY}}},
    },
}


@proves("service-connect.unsupported.refused")
@pytest.mark.parametrize("setting", sorted(UNSUPPORTED))
def test_an_unsupported_setting_is_refused(make_connect_service, setting):
    """CreateService raises an error for each unsupported setting."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, **UNSUPPORTED[setting])


@proves("service-connect.cluster.default-namespace-is-made")
def test_a_default_namespace_is_created(ecs, cloudmap, eventually, unique_name):
    """CreateCluster creates an HTTP namespace; it can be removed from the cluster, and remains after the cluster."""
    name = unique_name("cluster")
    namespace_name = f"{name}-default"  # the prefix shows that it belongs to this run, even after a crash
    ecs.create_cluster(clusterName=name, serviceConnectDefaults={"namespace": namespace_name})

    def created_namespace():
        found = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
        return next((entry["Id"] for entry in found if entry["Name"] == namespace_name), None)

    identity = eventually(created_namespace, within=timeouts.OPERATION)
    namespace = cloudmap.get_namespace(Id=identity)["Namespace"]
    assert namespace["Type"] == "HTTP"
    [described] = ecs.describe_clusters(clusters=[name])["clusters"]
    assert described["serviceConnectDefaults"]["namespace"] == namespace["Arn"]
    ecs.update_cluster(cluster=name, serviceConnectDefaults={"namespace": ""})
    [described] = ecs.describe_clusters(clusters=[name])["clusters"]
    assert not described.get("serviceConnectDefaults")
    ecs.delete_cluster(cluster=name)
    assert created_namespace() == identity
    with raises("ClusterNotFoundException"):
        ecs.list_services(cluster=name)


@proves("service-connect.namespace.lists-its-services")
def test_a_namespace_lists_its_services(
    ecs, make_connect_service, make_task_definition, make_ecs_service, http_namespace
):
    """A server and a client are listed; a service without Service Connect is not."""
    server, client = make_connect_service("backend", count=0), make_connect_service(count=0)
    other = make_ecs_service(make_task_definition(), count=0)
    pages = ecs.get_paginator("list_services_by_namespace").paginate(namespace=http_namespace["Arn"])
    listed = {arn for page in pages for arn in page["serviceArns"]}
    assert listed >= {server.service["serviceArn"], client.service["serviceArn"]}
    assert other["serviceArn"] not in listed
