"""What a Service Connect configuration may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import (
    CallFromTask,
    Eventually,
    MakeConnectService,
    MakeEcsService,
    MakeTaskDefinition,
    UniqueName,
    WaitForTask,
    proves,
    raises,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("service-connect.config.enabled-is-enough")
def test_a_client_needs_no_more_than_enabled(
    cloudmap: ServiceDiscoveryClient,
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    cluster: str,
    http_namespace: dict[str, Any],
) -> None:
    """With a namespace of its own or its cluster's: it reaches an endpoint, and no Cloud Map service is made for it."""
    server = make_connect_service("backend")
    wait_for_task(server)
    filters: Any = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    before = {one["Name"] for one in cloudmap.list_services(Filters=filters)["Services"]}
    assert server.alias in before
    ecs.update_cluster(cluster=cluster, serviceConnectDefaults={"namespace": http_namespace["Arn"]})
    for configuration in ({"namespace": http_namespace["Name"]}, {"namespace": None}):
        task = wait_for_task(make_connect_service(configuration=configuration))
        assert [one.status for one in call_from_task(task, server.url)] == [200]
    assert {one["Name"] for one in cloudmap.list_services(Filters=filters)["Services"]} <= before


@proves("service-connect.config.change-starts-a-deployment")
def test_a_changed_configuration_is_a_new_deployment(
    ecs: ECSClient, make_connect_service: MakeConnectService, cluster: str
) -> None:
    """UpdateService with another timeout answers with a new primary deployment."""
    made = make_connect_service("backend", count=0)
    before = made.service["deployments"][0]["id"]
    changed: Any = {**made.configuration, "services": [{**made.configuration["services"][0]}]}
    changed["services"][0]["timeout"] = {"perRequestTimeoutSeconds": 20}
    name = made.service["serviceName"]
    answer = ecs.update_service(cluster=cluster, service=name, serviceConnectConfiguration=changed)
    [primary] = [one for one in answer["service"]["deployments"] if one["status"] == "PRIMARY"]
    assert primary["id"] != before
    told = primary["serviceConnectConfiguration"]["services"][0]["timeout"]
    assert told["perRequestTimeoutSeconds"] == 20


@proves("service-connect.port-name.of-the-task-definition")
def test_a_port_name_is_one_of_the_task_definition(make_connect_service: MakeConnectService) -> None:
    """A name that no port mapping has is refused."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint={"portName": "admin"})
    assert make_connect_service("backend", count=0).service["status"] == "ACTIVE"


@proves("service-connect.discovery-name.form")
def test_the_form_of_a_discovery_name(make_connect_service: MakeConnectService) -> None:
    """64 lowercase letters, digits, underscores and hyphens, and no other first sign than those but the hyphen."""
    for accepted in ("a" * 64, "a_b-9"):
        assert (
            make_connect_service("backend", count=0, endpoint={"discoveryName": accepted}).service["status"] == "ACTIVE"
        )
    for refused in ("a" * 65, "Backend", "back.end", "-backend"):
        with pytest.raises(ClientError):
            make_connect_service("backend", count=0, endpoint={"discoveryName": refused})


@proves("service-connect.discovery-name.unique-in-the-namespace")
def test_a_discovery_name_is_used_once(make_connect_service: MakeConnectService) -> None:
    """A second ECS service may not have the first one's."""
    first = make_connect_service("backend", count=0)
    with pytest.raises(ClientError):
        make_connect_service("other", count=0, endpoint={"discoveryName": first.alias})
    assert make_connect_service("other", count=0).service["status"] == "ACTIVE"


@proves("service-connect.alias.one-per-service")
def test_there_is_one_alias(make_connect_service: MakeConnectService) -> None:
    """Two are refused."""
    two = [{"port": 8080, "dnsName": "one"}, {"port": 8080, "dnsName": "two"}]
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint={"clientAliases": two})
    assert make_connect_service("backend", count=0, endpoint={"clientAliases": two[:1]}).service["status"] == "ACTIVE"


@proves("service-connect.alias.form")
def test_the_form_of_an_alias(make_connect_service: MakeConnectService) -> None:
    """A DNS name of up to 127 signs in lower case that does not begin with a hyphen."""
    longest = ".".join(["a" * 31] * 4)
    assert len(longest) == 127
    for accepted in (longest, "db.internal_1"):
        assert make_connect_service("backend", count=0, alias={"dnsName": accepted}).service["status"] == "ACTIVE"
    for refused in (f"{longest}a", "Backend", "back end", "-backend"):
        with pytest.raises(ClientError):
            make_connect_service("backend", count=0, alias={"dnsName": refused})


@proves("service-connect.timeout.requests-are-not-of-tcp")
def test_tcp_has_no_requests_to_time(make_connect_service: MakeConnectService) -> None:
    """Where appProtocol is not set a time limit for requests is refused, one for idleness is not."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, protocol=None, endpoint={"timeout": {"perRequestTimeoutSeconds": 20}})
    made = make_connect_service("backend", count=0, protocol=None, endpoint={"timeout": {"idleTimeoutSeconds": 20}})
    assert made.service["status"] == "ACTIVE"


@proves("service-connect.protocol.three-and-immutable")
@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
def test_a_protocol_stays_what_it_is(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    make_task_definition: MakeTaskDefinition,
    cluster: str,
    protocol: str,
) -> None:
    """Each is accepted; a task definition with another one for the port is refused to the service."""
    made = make_connect_service("backend", count=0, protocol=protocol)
    [mapping] = made.definition["containerDefinitions"][0]["portMappings"]
    assert mapping["appProtocol"] == protocol
    other = {**mapping, "appProtocol": "grpc" if protocol == "http" else "http"}
    changed = make_task_definition(container={"portMappings": [other]})["taskDefinitionArn"]
    name = made.service["serviceName"]
    with pytest.raises(ClientError):
        ecs.update_service(cluster=cluster, service=name, taskDefinition=changed)


@proves("service-connect.access-logs.need-a-log-configuration")
def test_access_logs_need_a_log_configuration(make_connect_service: MakeConnectService) -> None:
    """The one without the other is refused."""
    access = {"format": "JSON"}
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "proxies", "awslogs-region": "us-east-1"}}
    with pytest.raises(ClientError):
        make_connect_service(count=0, configuration={"accessLogConfiguration": access})
    both = {"accessLogConfiguration": access, "logConfiguration": log}
    assert make_connect_service(count=0, configuration=both).service["status"] == "ACTIVE"


BRIDGE: dict[str, Any] = {"requiresCompatibilities": None, "networkMode": "bridge"}
HOST: dict[str, Any] = {"requiresCompatibilities": None, "networkMode": "host"}
WINDOWS: dict[str, Any] = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
AUTHORITY = "arn:aws:acm-pca:us-east-1:000000000000:certificate-authority/00000000-0000-0000-0000-000000000000"
UNSUPPORTED: dict[str, dict[str, Any]] = {
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
@pytest.mark.parametrize("what", sorted(UNSUPPORTED))
def test_what_is_not_supported_is_refused(make_connect_service: MakeConnectService, what: str) -> None:
    """CreateService raises an error."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, **UNSUPPORTED[what])


@proves("service-connect.cluster.default-namespace-is-made")
def test_a_default_namespace_is_made(
    ecs: ECSClient, cloudmap: ServiceDiscoveryClient, eventually: Eventually, unique_name: UniqueName
) -> None:
    """By CreateCluster, for API calls; the cluster can lose it, and it outlives the cluster."""
    name = unique_name("cluster")
    wanted = f"{name}-default"  # so that it is known whose it is, whatever happens
    ecs.create_cluster(clusterName=name, serviceConnectDefaults={"namespace": wanted})

    def made() -> str | None:
        found = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
        return next((one["Id"] for one in found if one["Name"] == wanted), None)

    identity = eventually(made, within=timeouts.OPERATION)
    namespace = cloudmap.get_namespace(Id=identity)["Namespace"]
    assert namespace["Type"] == "HTTP"
    [told] = ecs.describe_clusters(clusters=[name])["clusters"]
    assert told["serviceConnectDefaults"]["namespace"] == namespace["Arn"]
    ecs.update_cluster(cluster=name, serviceConnectDefaults={"namespace": ""})
    [told] = ecs.describe_clusters(clusters=[name])["clusters"]
    assert not told.get("serviceConnectDefaults")
    ecs.delete_cluster(cluster=name)
    assert made() == identity
    with raises("ClusterNotFoundException"):
        ecs.list_services(cluster=name)


@proves("service-connect.namespace.lists-its-services")
def test_a_namespace_lists_its_services(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    http_namespace: dict[str, Any],
) -> None:
    """A server and a client are listed, a service without Service Connect is not."""
    server, client = make_connect_service("backend", count=0), make_connect_service(count=0)
    other = make_ecs_service(make_task_definition(), count=0)
    pages = ecs.get_paginator("list_services_by_namespace").paginate(namespace=http_namespace["Arn"])
    listed = {arn for page in pages for arn in page["serviceArns"]}
    assert listed >= {server.service["serviceArn"], client.service["serviceArn"]}
    assert other["serviceArn"] not in listed
