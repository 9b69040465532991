"""What ECS refuses in Service Connect: in the words of AWS, and without leaving anything in Cloud Map."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor_emulator.runtime.envoy.binary import binary
from tests.emulator.ecs.conftest import Ecs
from tests.emulator.ecs.connecting import begin, connect, services, until

pytestmark = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")


def refused(connected: Ecs, operation: str, **params: Any) -> str:
    """Return the message with which ECS refuses a call, as InvalidParameterException."""
    with pytest.raises(ClientError) as error:
        connected.create(**params) if operation == "create" else connected.ecs.update_service(cluster="shop", **params)
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    return str(error.value.response["Error"]["Message"])


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({"clientAliases": []}, "clientAliases must have 1 element."),
        (
            {"clientAliases": [{"port": 1, "dnsName": "a"}, {"port": 2, "dnsName": "b"}]},
            "clientAliases must have 1 element.",
        ),
        (
            {"portName": "app"},
            "portName(app) does not refer to any named PortMapping in the container definitions.",
        ),
        ({"discoveryName": "taken", "clientAliases": [{"port": 8080, "dnsName": "x"}]}, "is already used by arn:"),
        (
            {"discoveryName": "other", "clientAliases": [{"port": 8080, "dnsName": "taken"}]},
            "ClientAlias taken:8080 is already used by service with discovery name taken in namespace arn:",
        ),
        ({"discoveryName": "by-hand", "clientAliases": [{"port": 1}]}, "SC service is already used by arn:"),
    ],
)
def test_refusals_have_the_words_of_aws(connected: Ecs, operation: str, endpoint: dict[str, Any], words: str) -> None:
    """Users' tools and runbooks match on them; nothing is created or changed in Cloud Map."""
    [namespace] = connected.cloudmap.list_namespaces()["Namespaces"]
    connected.cloudmap.create_service(Name="by-hand", NamespaceId=namespace["Id"])
    for name in ("taken", "backend"):
        connected.create(count=0, serviceName=name, serviceConnectConfiguration=connect(name))
    before = connected.cloudmap.list_services()["Services"]
    configuration = connect("backend" if operation == "update" else "new")
    configuration["services"][0] |= endpoint
    names = {"serviceName": "new", "count": 0} if operation == "create" else {"service": "backend"}
    assert words in refused(connected, operation, **names, serviceConnectConfiguration=configuration)
    assert connected.cloudmap.list_services()["Services"] == before


def test_an_update_to_ports_without_names_is_refused(connected: Ecs) -> None:
    """A tool that drops the names of port mappings makes a revision that the service cannot use."""
    connected.create(count=0, serviceName="backend", serviceConnectConfiguration=connect("backend"))
    connected.define(portMappings=[{"containerPort": 8080}], family="nameless")
    message = refused(connected, "update", service="backend", taskDefinition="nameless")
    assert message == "portName(web) does not refer to any named PortMapping in the container definitions."


def test_an_alias_cannot_move_within_a_service(connected: Ecs) -> None:
    """Another discovery name for the alias is refused, until the endpoint that has the alias is gone."""
    connected.create(count=0, serviceName="backend", serviceConnectConfiguration=connect("old"))
    moved = connect("new", clientAliases=[{"port": 8080, "dnsName": "old"}])
    message = refused(connected, "update", service="backend", serviceConnectConfiguration=moved)
    assert "ClientAlias old:8080 is already used by service with discovery name old" in message
    connected.ecs.update_service(cluster="shop", service="backend", serviceConnectConfiguration=connect())
    until(connected, lambda: "old" not in services(connected))
    connected.ecs.update_service(cluster="shop", service="backend", serviceConnectConfiguration=moved)
    assert "new" in services(connected)


def test_a_deleted_service_comes_back_under_another_name(connected: Ecs) -> None:
    """The endpoint of the deleted service goes, although a service with its ARN exists again."""
    [task] = begin(connected, "backend", connect("old"))
    connected.ecs.delete_service(cluster="shop", service="backend", force=True)
    until(connected, lambda: connected.task(task["taskArn"])["lastStatus"] != "RUNNING")

    def is_created() -> bool:
        try:
            connected.create(count=0, serviceName="backend", serviceConnectConfiguration=connect("new"))
        except ClientError:
            return False
        return True

    until(connected, is_created)
    until(connected, lambda: services(connected).keys() == {"new"})


def test_a_refusal_of_cloud_map_leaves_no_service(connected: Ecs) -> None:
    """If Cloud Map refuses the second endpoint, the first is not left, and the error is one of ECS."""
    [vpc] = connected.ec2.describe_vpcs()["Vpcs"]
    connected.cloudmap.create_private_dns_namespace(Name="town.internal", Vpc=vpc["VpcId"])
    connected.wait(30)
    namespaces = connected.cloudmap.list_namespaces()["Namespaces"]
    [town] = [entry for entry in namespaces if entry["Name"] == "town.internal"]
    # Names differ in case, which DNS namespaces do not tell apart.
    connected.cloudmap.create_service(Name="BACKEND", NamespaceId=town["Id"])
    ports = [{"containerPort": port, "name": name} for name, port in (("web", 8080), ("admin", 9090))]
    connected.define(portMappings=ports, family="two")
    offers = [
        {"portName": port, "discoveryName": name, "clientAliases": [{"port": 80, "dnsName": name}]}
        for port, name in (("web", "frontend"), ("admin", "backend"))
    ]
    configuration = {"enabled": True, "namespace": town["Arn"], "services": offers}
    before = set(services(connected))
    new = {"definition": "two", "count": 0, "serviceName": "two"}
    refused(connected, "create", **new, serviceConnectConfiguration=configuration)
    connected.create("two", count=0, serviceName="two")
    refused(connected, "update", service="two", serviceConnectConfiguration=configuration)
    assert set(services(connected)) == before
    [described] = connected.ecs.describe_services(cluster="shop", services=["two"])["services"]
    assert len(described["deployments"]) == 1
