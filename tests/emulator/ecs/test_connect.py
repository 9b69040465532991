"""Service Connect at its edges: proxies that die, hang or are missing, many endpoints, none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.fixtures.tasks import address_of
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor_emulator.runtime.envoy.binary import binary
from surveyor_emulator.runtime.tasks.processes import descendants

if TYPE_CHECKING:
    from tests.emulator.ecs.conftest import Ecs

pytestmark = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

PORTS = [{"containerPort": 8080, "name": "web", "appProtocol": "http"}]
NAMESPACE = "town"
MANY = 1_000


def connect(name: str | None = None, **more: Any) -> dict[str, Any]:
    """A serviceConnectConfiguration that offers `name`, or nothing."""
    endpoint = {"portName": "web", "discoveryName": name, "clientAliases": [{"port": 8080, "dnsName": name}], **more}
    return {"enabled": True, "namespace": NAMESPACE, "services": [endpoint] if name else []}


@pytest.fixture
def town(ecs: Ecs) -> Ecs:
    """An account with a namespace and a task definition whose port has a name."""
    ecs.cloudmap.create_http_namespace(Name=NAMESPACE)
    ecs.wait(10)
    ecs.define(portMappings=PORTS)
    return ecs


def begin(town: Ecs, name: str, configuration: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """Create a service and wait for its tasks; these."""
    town.create(count=count, serviceName=name, serviceConnectConfiguration=configuration)
    found: list[dict[str, Any]] = []
    for _ in range(60):
        arns = town.ecs.list_tasks(cluster="shop", serviceName=name)["taskArns"]
        found = [town.task(arn) for arn in arns]
        if len(found) == count and all(one["lastStatus"] == "RUNNING" for one in found):
            town.wait(5)
            return found
        town.wait(1)
    stopped = [one.get("stoppedReason") for one in town.tasks("STOPPED")]
    raise AssertionError(f"{name} has {[one['lastStatus'] for one in found]}; stopped: {stopped}")


def until(town: Ecs, condition: Callable[[], bool]) -> None:
    """Let service time pass until something is so; processes need wall time for what they do."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        town.wait(0.5)


def call(town: Ecs, task: dict[str, Any], url: str) -> dict[str, Any]:
    """One call by a task."""
    from json import load

    with urllib.request.urlopen(f"http://{address_of(task)}:8080/call?url={url}&within=20", timeout=30) as answer:
        [one] = load(answer)["calls"]
        found: dict[str, Any] = one
        return found


def proxies(town: Ecs, task: dict[str, Any]) -> list[int]:
    """Process ids of the Envoy of a task, among those of this target."""
    assert town.running.process is not None
    wanted = f"proxy-{task['taskArn'].rpartition('/')[2]}/envoy.json"
    found = []
    for pid in descendants([town.running.process.pid]):
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace"):
                found.append(pid)
    return found


def test_a_task_whose_proxy_dies_is_replaced(town: Ecs) -> None:
    """The proxy is essential."""
    [task] = begin(town, "backend", connect("backend"))
    [pid] = proxies(town, task)
    os.kill(pid, signal.SIGKILL)
    until(town, lambda: town.task(task["taskArn"])["lastStatus"] == "STOPPED")
    assert town.task(task["taskArn"])["stopCode"] == "EssentialContainerExited"
    until(town, lambda: [one["lastStatus"] for one in town.tasks()] == ["RUNNING"])


def test_a_paused_proxy_holds_calls_up_and_not_the_target(town: Ecs) -> None:
    """The callers' proxy gives up after 15 s; the target goes on, and stops the task as ever."""
    [task] = begin(town, "backend", connect("backend"))
    [client] = begin(town, "client", connect())
    assert call(town, client, "http://backend:8080/")["status"] == 200
    [pid] = proxies(town, task)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert call(town, client, "http://backend:8080/")["status"] == 504
        town.ecs.update_service(cluster="shop", service="backend", desiredCount=0)
        town.wait(60)
        assert town.task(task["taskArn"])["lastStatus"] == "STOPPED"
    finally:
        for left in proxies(town, task):
            os.kill(left, signal.SIGKILL)
    assert proxies(town, task) == []


def test_an_endpoint_that_empties_answers_503(town: Ecs) -> None:
    """Its callers hear at once that nobody is there, and reach it again when somebody is."""
    begin(town, "backend", connect("backend"))
    [client] = begin(town, "client", connect())
    town.ecs.update_service(cluster="shop", service="backend", desiredCount=0)
    town.wait(60)
    assert call(town, client, "http://backend:8080/")["status"] == 503
    town.ecs.update_service(cluster="shop", service="backend", desiredCount=1)
    until(town, lambda: call(town, client, "http://backend:8080/")["status"] == 200)


def test_a_thousand_endpoints_are_reached(town: Ecs) -> None:
    """A proxy with a listener for each; the last is reached as the first."""
    for number in range(MANY):
        town.create(count=0, serviceName=f"s{number}", serviceConnectConfiguration=connect(f"n{number}"))
    town.ecs.update_service(cluster="shop", service="s0", desiredCount=1)
    town.ecs.update_service(cluster="shop", service=f"s{MANY - 1}", desiredCount=1)
    [client] = begin(town, "client", connect())
    town.wait(30)
    for name in ("n0", f"n{MANY - 1}"):
        until(town, lambda name=name: call(town, client, f"http://{name}:8080/")["status"] == 200)  # type: ignore[misc]  # bound at once
    assert call(town, client, "http://n50:8080/")["status"] == 503


def test_a_deleted_service_takes_its_endpoint_along(town: Ecs) -> None:
    """Its Cloud Map service goes when its last instance has, and the name is free again."""
    begin(town, "backend", connect("backend"))
    town.ecs.delete_service(cluster="shop", service="backend", force=True)
    town.wait(120)
    assert town.cloudmap.list_services()["Services"] == []
    town.create(count=0, serviceName="other", serviceConnectConfiguration=connect("backend"))


def test_a_port_that_is_taken_is_told(town: Ecs) -> None:
    """A log group that is not there, and a proxy that cannot listen: the task says why it did not start."""
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "nowhere", "awslogs-region": "us-east-1"}}
    configuration = {**connect("backend"), "logConfiguration": log}
    town.create(serviceName="backend", serviceConnectConfiguration=configuration)
    town.wait(30)
    reasons = {one.get("stoppedReason", "") for one in town.tasks("STOPPED")}
    assert any("there is no log group nowhere" in one for one in reasons), reasons


@pytest.mark.parametrize(
    "given",
    [
        {"services": [{"portName": "web"}]},
        {"services": [{"portName": "web", "clientAliases": [{"port": 0}]}]},
        {"services": [{"portName": "web", "ingressPortOverride": 8080, "clientAliases": [{"port": 80}]}]},
        {"services": [{"portName": "web", "clientAliases": [{"port": 80, "dnsName": "a..b"}]}]},
        {"services": [{"portName": "web", "tls": {"issuerCertificateAuthority": {}}, "clientAliases": [{"port": 80}]}]},
        {
            "services": [
                {
                    "portName": "web",
                    "tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": "nonsense"}},
                    "clientAliases": [{"port": 80}],
                }
            ]
        },
        {"namespace": "arn:aws:servicediscovery:us-east-1:1:namespace/ns-1"},
        {"namespace": "arn:x"},
        {"namespace": "nowhere"},
        {"logConfiguration": {"logDriver": "awslogs"}},
    ],
)
def test_what_cannot_be_is_refused(town: Ecs, given: dict[str, Any]) -> None:
    """With an error of the API's own, and nothing is left of it."""
    with pytest.raises(ClientError) as refused:
        town.create(count=0, serviceConnectConfiguration={"enabled": True, "namespace": NAMESPACE, **given})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert town.ecs.list_services(cluster="shop")["serviceArns"] == []
    assert town.cloudmap.list_services()["Services"] == []


def test_without_envoy_the_feature_is_missing(tmp_path: Path) -> None:
    """Its claims are unsupported, and the report says how to install it."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util as u\n_f = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'envoy' else _f(name, *more)\n",
        "utf-8",
    )
    path = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    claim = "service-connect.config.change-starts-a-deployment"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "surveyor",
            "conform",
            "--target",
            "embedded",
            "--claim",
            claim,
            "--out",
            str(tmp_path / "out"),
        ],
        env=path,
        cwd=find_layout().suites.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    report = (tmp_path / "out" / "report.json").read_text("utf-8")
    assert '"unsupported"' in report, done.stdout + done.stderr
    assert "pip install 'surveyor[envoy]'" in report
    assert load_target("embedded", find_layout().targets).optional == {"service-connect": "envoy"}
