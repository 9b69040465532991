"""What real AWS was seen to do for Service Connect where no document says it: Cloud Map, tasks, names, drains."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv6Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import pytest

from surveyor.fixtures.tasks import address_of
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import run_target
from surveyor_emulator.aws.ecs.tasks import environment
from surveyor_emulator.runtime.envoy.binary import binary
from surveyor_emulator.runtime.tasks.mounts import can_replace
from tests.emulator.ecs.conftest import Ecs
from tests.emulator.ecs.connecting import NAMESPACE, PORTS, begin, call, connect, prepare, proxies, services, until

pytestmark = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CALL = "import time, urllib.request as u; print(u.urlopen('http://backend:8080/').status, flush=True); time.sleep(999)"
SHOW_HOSTS = ["sh", "-c", "cat /etc/hosts && sleep 1000"]


def instances(connected: Ecs, name: str) -> list[dict[str, Any]]:
    """Return what DiscoverInstances finds in a service of the namespace."""
    answer = connected.cloudmap.discover_instances(NamespaceName=NAMESPACE, ServiceName=name)
    return list(answer["Instances"])


def client_service(connected: Ecs) -> str | None:
    """Return the name of the only Cloud Map service of a client; None if there is none."""
    names = [name for name in services(connected) if name.startswith("aws-ecs-sc.client.")]
    assert len(names) <= 1
    return names[0] if names else None


def test_the_cloud_map_service_of_an_endpoint(connected: Ecs) -> None:
    """It exists before any task, is of type HTTP without health checks, and has a description and ECS's tag."""
    created = connected.create(count=0, serviceName="backend", serviceConnectConfiguration=connect("backend"))
    service = connected.cloudmap.get_service(Id=services(connected)["backend"]["Id"])["Service"]
    assert (service["Type"], service["Description"]) == ("HTTP", f"Managed by {created['serviceArn']}")
    assert not service.keys() & {"HealthCheckConfig", "HealthCheckCustomConfig"}
    assert service["CreateDate"] - created["createdAt"] <= timedelta(milliseconds=1)
    tags = connected.cloudmap.list_tags_for_resource(ResourceARN=service["Arn"])["Tags"]
    assert tags == [{"Key": "AmazonECSManaged", "Value": "true"}]


def test_the_default_namespace_has_the_tag_of_ecs(connected: Ecs) -> None:
    """ECS's role may create namespaces with no other tag than that."""
    connected.ecs.create_cluster(clusterName="tagged", serviceConnectDefaults={"namespace": "made-by-ecs"})
    connected.wait(10)
    found = connected.cloudmap.list_namespaces()["Namespaces"]
    [arn] = [entry["Arn"] for entry in found if entry["Name"] == "made-by-ecs"]
    tags = connected.cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert tags == [{"Key": "AmazonECSManaged", "Value": "true"}]


@pytest.mark.parametrize(("timeout", "expected"), [(None, ("0", "0")), ({"idleTimeoutSeconds": 7}, ("7", "0"))])
def test_the_attributes_of_an_instance(connected: Ecs, timeout: Any, expected: tuple[str, str]) -> None:
    """There are six: the deployment is the ARN of a task set, and a timeout that is not configured is 0."""
    more = {} if timeout is None else {"timeout": timeout}
    [task] = begin(connected, "backend", connect("backend", **more))
    [found] = instances(connected, "backend")
    number = task["startedBy"].rpartition("/")[2]
    assert found["Attributes"] == {
        "AWS_INSTANCE_IPV4": address_of(task),
        "AWS_INSTANCE_PORT": "8080",
        "AvailabilityZone": task["availabilityZone"],
        "DeploymentId": f"arn:aws:ecs:us-east-1:{connected.account}:task-set/shop/backend/ecs-svc/{number}",
        "IdleTimeoutInSeconds": expected[0],
        "PerRequestTimeoutInSeconds": expected[1],
    }


@pytest.mark.soak
def test_a_client_has_a_cloud_map_service(connected: Ecs) -> None:
    """It has the client's tasks as instances, and goes when the client offers an endpoint, or is deleted."""
    created = connected.create(count=0, serviceName="client", serviceConnectConfiguration=connect())
    name = client_service(connected)
    assert name is not None
    assert re.fullmatch(rf"aws-ecs-sc\.client\.{UUID}\.client", name)
    assert not created["deployments"][0].get("serviceConnectResources")
    connected.ecs.update_service(cluster="shop", service="client", desiredCount=2)
    until(connected, lambda: len(connected.tasks()) == 2)
    connected.wait(30)
    addresses = {found["Attributes"]["AWS_INSTANCE_IPV4"] for found in instances(connected, name)}
    assert addresses == {address_of(task) for task in connected.tasks()}
    connected.ecs.update_service(cluster="shop", service="client", forceNewDeployment=True, desiredCount=1)
    connected.wait(120)
    assert client_service(connected) == name
    connected.ecs.update_service(cluster="shop", service="client", serviceConnectConfiguration=connect("frontend"))
    until(connected, lambda: services(connected).keys() == {"frontend"})
    connected.ecs.update_service(cluster="shop", service="client", serviceConnectConfiguration=connect())
    until(connected, lambda: services(connected).keys() == {client_service(connected)})
    connected.ecs.delete_service(cluster="shop", service="client", force=True)
    until(connected, lambda: services(connected) == {})


def test_a_deployment_has_the_resources_that_it_offers(connected: Ecs) -> None:
    """While another deployment replaces it, the former one still shows its endpoint, and only that."""
    begin(connected, "backend", connect("old"))
    connected.ecs.update_service(cluster="shop", service="backend", serviceConnectConfiguration=connect("new"))
    [service] = connected.ecs.describe_services(cluster="shop", services=["backend"])["services"]
    names = [[entry["discoveryName"] for entry in one["serviceConnectResources"]] for one in service["deployments"]]
    assert names == [["new"], ["old"]]


@pytest.mark.parametrize("name", ["backend", None])
def test_a_cloud_map_service_deleted_by_hand_is_created_again(connected: Ecs, name: str | None) -> None:
    """The next deployment creates it, for an endpoint and for a client, and its tasks are registered there."""
    connected.create(count=0, serviceName="web", serviceConnectConfiguration=connect(name))
    [before] = services(connected).values()
    connected.cloudmap.delete_service(Id=before["Id"])
    connected.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True, desiredCount=1)
    until(connected, lambda: [task["lastStatus"] for task in connected.tasks()] == ["RUNNING"])
    [after] = services(connected).values()
    assert after["Id"] != before["Id"]
    until(connected, lambda: len(instances(connected, after["Name"])) == 1)


@pytest.mark.parametrize("name", ["backend", None])
def test_a_service_that_moves_leaves_its_namespace(connected: Ecs, name: str | None) -> None:
    """The Cloud Map service in the former namespace goes, though the new one has another of the same name."""
    connected.cloudmap.create_http_namespace(Name="elsewhere")
    connected.wait(10)
    connected.create(count=0, serviceName="web", serviceConnectConfiguration=connect(name))
    [before] = connected.cloudmap.list_services()["Services"]
    moved = {**connect(name), "namespace": "elsewhere"}
    connected.ecs.update_service(cluster="shop", service="web", serviceConnectConfiguration=moved)

    def has_moved() -> bool:
        found = connected.cloudmap.list_services()["Services"]
        return len(found) == 1 and found[0]["Id"] != before["Id"]

    until(connected, has_moved)


def test_the_proxy_is_described_with_the_task(connected: Ecs) -> None:
    """Attachment, container and overrides of the proxy come first; the container has a health and no image."""
    [task] = begin(connected, "backend", connect("backend"))
    first, second = task["attachments"]
    assert (first["type"], first["status"], second["type"]) == ("ServiceConnect", "ATTACHED", "ElasticNetworkInterface")
    [detail] = first["details"]
    assert detail["name"] == "ContainerName"
    assert re.fullmatch("ecs-service-connect-[A-Za-z0-9]{5}", detail["value"])
    proxy, app = task["containers"]
    assert (proxy["name"], proxy["healthStatus"], proxy["lastStatus"]) == (detail["value"], "HEALTHY", "RUNNING")
    assert not proxy.keys() & {"image", "cpu", "memory", "runtimeId"}
    assert (app["name"], app["healthStatus"]) == ("app", "UNKNOWN")
    override, other = task["overrides"]["containerOverrides"]
    variables = {entry["name"]: entry["value"] for entry in override["environment"]}
    assert (override["name"], other["name"]) == (proxy["name"], "app")
    assert (variables["ENVOY_CONCURRENCY"], variables["APPNET_ENVOY_RESTART_COUNT"]) == ("2", "3")
    assert variables["HC_DISCONNECTED_TIMEOUT_S"] == "10800"
    assert variables["APPMESH_RESOURCE_ARN"].endswith(f"task-set/shop/backend/{task['startedBy']}")
    [pid] = proxies(connected, task)
    assert b"--concurrency\0" + b"2\0" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_standalone_tasks_have_no_proxy(connected: Ecs) -> None:
    """A task of RunTask is described without attachment and container of a proxy."""
    task = connected.task(connected.run())
    assert [part["type"] for part in task["attachments"]] == ["ElasticNetworkInterface"]
    assert [part["name"] for part in task["containers"]] == ["app"]


def test_names_have_two_lines_each(connected: Ecs) -> None:
    """They are numbered from 1 in alphabetical order; two ports of an alias share a pair, and the own alias has one."""
    if not can_replace():
        pytest.skip("tasks cannot have files of their own here")
    for name, alias, port in (("one", "zebra", 80), ("two", "ant", 80), ("three", "zebra", 81)):
        configuration = connect(name, clientAliases=[{"port": port, "dnsName": alias}])
        connected.create(count=0, serviceName=name, serviceConnectConfiguration=configuration)
    connected.define(portMappings=PORTS, command=SHOW_HOSTS, family="hosts")
    own = connect("own", clientAliases=[{"port": 80, "dnsName": "mine"}])
    connected.create("hosts", serviceName="hosts", serviceConnectConfiguration=own)
    until(connected, lambda: [task["lastStatus"] for task in connected.tasks()] == ["RUNNING"])
    [task] = connected.tasks()
    path = f"ecs/{connected.account}/us-east-1/shop/{task['taskArn'].rpartition('/')[2]}/output"
    lines = [line.split() for line in connected.written(path).splitlines()]
    pairs = [line for line in lines if line[1] in ("ant", "mine", "zebra")]
    assert [name for _, name in pairs] == ["ant", "ant", "mine", "mine", "zebra", "zebra"]
    assert [address for address, _ in pairs[1::2]] == [f"2600:f0f0:0:0:0:0:0:{number}" for number in (1, 2, 3)]
    numbers = [int.from_bytes(socket.inet_aton(address), "big") for address, _ in pairs[::2]]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert all(address.startswith("127.") for address, _ in pairs[::2])


def test_a_program_falls_back_to_ipv4(connected: Ecs) -> None:
    """Python tries the addresses of the hosts file one after another, in the order of getaddrinfo."""
    if not can_replace():
        pytest.skip("tasks cannot have files of their own here")
    begin(connected, "backend", connect("backend"))
    connected.define(portMappings=PORTS, command=["python", "-c", CALL], family="caller")
    connected.create("caller", serviceName="caller", serviceConnectConfiguration=connect())
    until(connected, lambda: len(connected.tasks()) == 2)
    [caller] = [task for task in connected.tasks() if task["group"] == "service:caller"]
    path = f"ecs/{connected.account}/us-east-1/shop/{caller['taskArn'].rpartition('/')[2]}/output"
    until(connected, lambda: connected.written(path) == "200\n")


@pytest.mark.parametrize(
    ("source", "addresses"),
    [
        (None, ("127.255.0.1", "2600:f0f0:0:0:0:0:0:1")),
        ("fd00::2", ("127.255.0.1", "2600:f0f0:0:0:0:0:0:1")),
        ("2001:4860::1", ("127.255.0.1",)),
    ],
)
def test_a_machine_with_global_ipv6_has_no_ipv6_names(
    monkeypatch: pytest.MonkeyPatch, source: str | None, addresses: tuple[str, ...]
) -> None:
    """There a program would send packets to the address; elsewhere connections fail, or IPv4 is tried first."""
    found = None if source is None else IPv6Address(source)
    monkeypatch.setattr(environment, "source_towards", lambda address: found)
    task: Any = SimpleNamespace(connect_names={"backend": "127.255.0.1"})
    assert environment.names_of(None, task) == {"backend": addresses}  # type: ignore[arg-type]  # of no call


@pytest.fixture
def drains_first() -> Iterator[Ecs]:
    """Return an account of a target whose proxies drain before containers get SIGTERM."""
    target = load_target("embedded", find_layout().targets)
    assert target.start is not None
    argv = (*target.start.argv, "--set", "proxy_drain=before-containers")
    with run_target(replace(target, start=replace(target.start, argv=argv)), 7) as running:
        yield prepare(Ecs(running))


def call_during_a_stop(connected: Ecs, *, seconds: int) -> int:
    """Return the status of a call that takes some seconds, during which its task, which dies at SIGTERM, is stopped."""
    [task] = begin(connected, "backend", connect("backend"))
    [client] = begin(connected, "client", connect())
    statuses: list[int] = []
    url = f"http://backend:8080/?after={seconds}"
    thread = threading.Thread(target=lambda: statuses.append(call(connected, client, url).get("status", 0)))
    thread.start()

    def has_arrived() -> bool:
        with urlopen(f"http://{address_of(task)}:8080/executions") as answer:
            return bool(json.load(answer)["served"])

    until(connected, has_arrived)
    connected.ecs.update_service(cluster="shop", service="backend", desiredCount=0)
    connected.wait(30)
    thread.join()
    return statuses[0]


@pytest.mark.soak
def test_sigterm_does_not_wait_for_the_drain(connected: Ecs) -> None:
    """A call to a workload that dies at SIGTERM is lost; the task is there for 20 s more, until its proxy ends."""
    assert call_during_a_stop(connected, seconds=10) != 200
    connected.wait(60)
    [stopped] = connected.tasks("STOPPED")
    assert (stopped["stoppedAt"] - stopped["executionStoppedAt"]).total_seconds() >= 20
    assert (stopped["executionStoppedAt"] - stopped["stoppingAt"]).total_seconds() < 5
    assert [part["lastStatus"] for part in stopped["containers"]] == ["STOPPED", "STOPPED"]


@pytest.mark.soak
def test_a_drain_before_sigterm_is_a_setting(drains_first: Ecs) -> None:
    """With it such a call is answered, as the README of the proxy's agent can be read."""
    assert call_during_a_stop(drains_first, seconds=10) == 200


@pytest.mark.soak
def test_an_endpoint_without_tasks_answers_503(connected: Ecs) -> None:
    """Its alias resolves, to IPv6 first; once it has a task, the same client gets answers without a deployment."""
    connected.create(count=0, serviceName="backend", serviceConnectConfiguration=connect("backend"))
    [client] = begin(connected, "client", connect())
    assert call(connected, client, "http://backend:8080/")["status"] == 503
    connected.ecs.update_service(cluster="shop", service="backend", desiredCount=1)
    until(connected, lambda: call(connected, client, "http://backend:8080/")["status"] == 200)


@pytest.mark.soak
def test_a_proxy_is_healthy_without_its_control_plane(connected: Ecs) -> None:
    """If nothing answers where it asks for members, it keeps those that it has."""
    begin(connected, "backend", connect("backend"))
    [client] = begin(connected, "client", connect())
    [pid] = proxies(connected, client)
    [folder] = re.findall(rb"([^\0]+)/proxy-[^/]+/envoy.json", Path(f"/proc/{pid}/cmdline").read_bytes())
    control_plane = Path(folder.decode()) / "discovery.sock"
    hidden = control_plane.rename(control_plane.with_suffix(".hidden"))
    try:
        connected.wait(600)
        assert connected.task(client["taskArn"])["containers"][0]["healthStatus"] == "HEALTHY"
        assert call(connected, client, "http://backend:8080/")["status"] == 200
    finally:
        hidden.rename(control_plane)
