"""No command changes what others have in the account: all that is sent is recorded on the way to an account in use."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.credentials import Credentials

from surveyor.account.ledger import Ledger, Owner
from surveyor.account.ownership import NotOwned, is_read
from surveyor.clock import WallClock
from surveyor.errors import SurveyorError
from surveyor.evidence import Evidence
from surveyor.gate.deployment_actions import ACTIONS, act
from surveyor.gate.deployments import find_deployment
from surveyor.targets import load_target
from surveyor.targets.clients import Clients
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import run_target
from tests.account.conftest import ACCOUNT, TARGETS, EmulatorAccount, flowing, inventory
from tests.chaos.shared_service import target_file

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_INTO = ("Create", "Run", "RegisterTaskDefinition")
"""Calls that may name the subnets and groups in which they make something."""


@dataclass
class Recorder:
    """What was sent: operation (or method and path) and the text of the request."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def changing(self) -> list[tuple[str, str]]:
        """Return the calls that are no reads."""
        return [(name, text) for name, text in self.calls if not name.startswith("GET ") and not is_read(name)]


@contextmanager
def recording(upstream: str) -> Iterator[tuple[str, Recorder]]:
    """Run a proxy before an endpoint, and yield its URL and what it records."""
    recorder, address = Recorder(), urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not self.path.startswith("/_surveyor"):
                text = f"{self.path} {unquote(body.decode('utf-8', 'replace'))}"
                recorder.calls.append((_operation(self.command, self.path, self.headers, body), text))
            connection = HTTPConnection(address, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  # names of the base class

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _operation(method: str, path: str, headers: Any, body: bytes) -> str:
    """Return the operation of a JSON or query request; of any other its method and path."""
    if target := headers.get("X-Amz-Target"):
        return str(target).rpartition(".")[2]
    action = parse_qs(body.decode("utf-8", "replace")).get("Action")
    return action[0] if action else f"{method} {path}"


def by_id(emulator: EmulatorAccount) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all that exists in the account, by kind and id."""
    found = inventory(emulator)
    return {(resource["kind"], f"{resource['region']} {resource['id']}"): resource for resource in found}


def identifiers(resources: dict[tuple[str, str], dict[str, Any]]) -> re.Pattern[str]:
    """Return a pattern of the ids, the ARNs' last parts and the names by which requests may name these resources."""
    ids = {str(resource["id"]) for resource in resources.values()}
    paths = {found.partition(":service/")[2] or found.rpartition("/")[2] for found in ids}
    quoted = {f'"{resource["name"]}"' for resource in resources.values() if resource["kind"] == "ecs:cluster"}
    words = sorted({*(path for path in paths if len(path) > 8), *quoted}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))


@pytest.fixture(scope="module")
def started() -> Iterator[EmulatorAccount]:
    """Run an embedded target in whose accounts others have resources of each kind."""
    with flowing(60.0, residents="some") as running:
        yield running


@pytest.fixture
def in_use(started: EmulatorAccount) -> EmulatorAccount:
    """Return the account when the others' resources are there: they are made from its first call on."""
    started.clients().patient("servicediscovery", "us-east-1").list_namespaces()
    WallClock().eventually(lambda: "cloudmap:instance" in {kind for kind, _ in by_id(started)}, within=60)
    return started


def surveyor(emulator: EmulatorAccount, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `surveyor` to its end."""
    environment = {"PATH": "/usr/bin:/bin", **emulator.environment}
    command = [sys.executable, "-m", "surveyor", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=580)


CONFORM = ["conform", "--dns", "control", "--workers", "2"]
COMMANDS = {
    "conform by areas": [*CONFORM, "--area", "attributes", "--area", "operations"],
    "conform by claims": [
        *CONFORM, "--claim", "ecs.cluster.names", "--claim", "ecs.tags.reserved-and-unique",
        "--claim", "namespaces.private.creates-zone-in-one-vpc",
    ],
    "sweep": ["sweep", "--region", "us-east-1"],
    "audit": ["audit", "--namespace", "shop.internal", "--cluster", "shop"],
    "advise": ["advise"],
}  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("name", list(COMMANDS))
def test_nothing_of_others_is_changed(in_use: EmulatorAccount, tmp_path: Path, name: str) -> None:
    """No changing request names what others have, and all of it is as before, tags and settings included."""
    before = by_id(in_use)
    kinds = {"cloudmap:namespace", "cloudmap:service", "route53:zone", "ec2:vpc", "ecs:cluster"}
    assert kinds <= {kind for kind, _ in before}
    with recording(in_use.endpoint) as (url, recorder):
        out = ["--out", str(tmp_path)] if name not in ("sweep", "audit") else []
        by_name = ["--target", "aws", "--endpoint", url]
        place = ["--target", str(target_file(tmp_path, url))] if name == "advise" else by_name
        done = surveyor(in_use, *COMMANDS[name], *place, "--account", ACCOUNT, *out)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert recorder.calls, done.stdout + done.stderr
    others = identifiers(before)
    touching = [call for call in recorder.changing() if others.search(call[1]) and not call[0].startswith(_INTO)]
    assert touching == []
    if name == "audit":
        assert recorder.changing() == []
    after = by_id(in_use)
    assert {key: after.get(key) for key in before} == before
    assert set(after) == set(before), done.stdout


@pytest.mark.soak
def test_the_gate_changes_the_named_service_alone(in_use: EmulatorAccount) -> None:
    """Of all services with a deployment in progress, the gate stops that of the service that the user names."""
    ecs = in_use.clients().patient("ecs", "us-east-1")
    subnet = in_use.clients().patient("ec2", "us-east-1").describe_subnets()["Subnets"][0]["SubnetId"]
    container = {"name": "app", "image": "example.com/missing:1", "command": ["no-such-program"]}
    definition = ecs.register_task_definition(
        family="gated", networkMode="awsvpc", cpu="256", memory="512", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    ecs.create_cluster(clusterName="gated")
    for name in ("web", "api"):
        ecs.create_service(
            cluster="gated", serviceName=name, taskDefinition=definition, desiredCount=1, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        )  # fmt: skip
    with recording(in_use.endpoint) as (url, recorder):
        options = TargetOptions(account=ACCOUNT, endpoint=url)
        with run_target(load_target("aws", TARGETS, options), 0) as running:
            running.clients.permit(ACTIONS, "gated/web")
            client = running.clients.client("ecs", ACCOUNT)
            web, api = (find_deployment(client, "gated", name, running.clock.now()) for name in ("web", "api"))
            assert web is not None
            assert api is not None
            with contextlib.suppress(SurveyorError):  # ECS may refuse to stop the first deployment of a service
                act(client, web, is_open=False)
            with pytest.raises(NotOwned):
                act(client, api, is_open=False)
    for name in ("web", "api"):
        ecs.delete_service(cluster="gated", service=name, force=True)
    # Their tasks fail and are replaced: the inventories that other tests compare must not differ by them.
    WallClock().eventually(
        lambda: not [key for key in by_id(in_use) if key[0] == "ecs:task" and "/gated/" in key[1]], within=60
    )
    deployments = [text for name, text in recorder.changing() if "service-deployment/" in text]
    assert deployments
    assert all("/gated/web/" in text for text in deployments)


@pytest.mark.soak
def test_calls_about_others_are_not_sent(in_use: EmulatorAccount, tmp_path: Path) -> None:
    """Clients of a run, of its clean-up and of its sessions, and raw requests, send no change of what a list shows."""
    target = in_use.target()
    ledger = Ledger(tmp_path / "ledger-main.jsonl", Owner("0123abcd", "aws", ACCOUNT, "us-east-1"))
    with recording(in_use.endpoint) as (url, recorder):
        clients = Clients(target, url, Evidence(), ledger)
        session = Credentials(ACCOUNT, "surveyor")
        makers: dict[str, Callable[[str], Any]] = {
            "client": lambda service: clients.client(service, ACCOUNT),
            "clean-up": lambda service: clients.patient(service, "us-east-1"),
            "session": lambda service: clients.client(service, ACCOUNT, session=session),
        }
        for make in makers.values():
            cloudmap, route53, ec2, ecs = map(make, ("servicediscovery", "route53", "ec2", "ecs"))
            namespaces, services = cloudmap.list_namespaces()["Namespaces"], cloudmap.list_services()["Services"]
            zones, checks = route53.list_hosted_zones()["HostedZones"], route53.list_health_checks()["HealthChecks"]
            calls: list[Callable[[], Any]] = [
                *(partial(cloudmap.delete_namespace, Id=entry["Id"]) for entry in namespaces),
                *(partial(cloudmap.tag_resource, ResourceARN=entry["Arn"], Tags=[]) for entry in namespaces),
                *(partial(cloudmap.deregister_instance, ServiceId=entry["Id"], InstanceId="a") for entry in services),
                *(partial(cloudmap.create_service, NamespaceId=entry["Id"], Name="a") for entry in namespaces),
                *(partial(route53.delete_hosted_zone, Id=entry["Id"]) for entry in zones),
                *(partial(route53.delete_health_check, HealthCheckId=entry["Id"]) for entry in checks),
                *(partial(ec2.delete_vpc, VpcId=entry["VpcId"]) for entry in ec2.describe_vpcs()["Vpcs"]),
                *(partial(ecs.delete_cluster, cluster=arn) for arn in ecs.list_clusters()["clusterArns"]),
                partial(ecs.update_service, cluster="shop", service="web", desiredCount=1),
                partial(ecs.update_cluster, cluster="surveyor-metrics", settings=[]),
                partial(ecs.put_account_setting, name="containerInsights", value="enabled"),
                partial(clients.begin_raw_call, "servicediscovery", "DeleteNamespace", {"Id": namespaces[0]["Id"]}),
            ]  # fmt: skip
            assert len(calls) > 20
            for call in calls:
                with pytest.raises(NotOwned):
                    call()
    ledger.close()
    assert recorder.changing() == []


@pytest.mark.soak
def test_a_cluster_that_the_user_named_stays_as_it_is(in_use: EmulatorAccount, tmp_path: Path) -> None:
    """Tests create services in the cluster of the target file; one that changes or deletes its cluster gets another."""
    before = by_id(in_use)
    with recording(in_use.endpoint) as (url, recorder):
        file = target_file(tmp_path, url)
        file.write_text(f'{file.read_text("utf-8")}[ecs]\ncluster = "shop"\n', "utf-8")
        claims = ["--claim", "ecs.cluster.delete", "--claim", "ecs.service.names"]
        words = ["conform", "--target", str(file), "--account", ACCOUNT, *claims, "--workers", "1"]
        done = surveyor(in_use, *words, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [text for name, text in recorder.changing() if name == "CreateService" and '"cluster": "shop"' in text]
    assert not [text for name, text in recorder.changing() if "Cluster" in name and '"cluster": "shop"' in text]
    assert by_id(in_use) == before
