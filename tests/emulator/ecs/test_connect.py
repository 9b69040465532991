"""Edge cases of Service Connect: proxies that die, hang or are missing, many endpoints, none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor_emulator.runtime.envoy.binary import binary
from tests.emulator.ecs.connecting import NAMESPACE, begin, call, connect, pause, proxies, until

if TYPE_CHECKING:
    from tests.emulator.ecs.conftest import Ecs

pytestmark = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

ENDPOINTS = 1_000


@pytest.mark.soak
def test_a_dead_envoy_is_started_again_three_times(connected: Ecs) -> None:
    """The agent in the proxy's container starts Envoy again; then the container ends, and it is essential."""
    [task] = begin(connected, "backend", connect("backend"))
    [client] = begin(connected, "client", connect())
    killed: list[int] = []
    for _ in range(3):
        [pid] = proxies(connected, task)
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        until(connected, lambda: proxies(connected, task) not in ([], [killed[-1]]))
        until(connected, lambda: call(connected, client, "http://backend:8080/")["status"] == 200)
    assert connected.task(task["taskArn"])["lastStatus"] == "RUNNING"
    [pid] = proxies(connected, task)
    os.kill(pid, signal.SIGKILL)
    until(connected, lambda: connected.task(task["taskArn"])["lastStatus"] == "STOPPED")
    assert connected.task(task["taskArn"])["stopCode"] == "EssentialContainerExited"
    until(connected, lambda: [found["lastStatus"] for found in connected.tasks()] == ["RUNNING"] * 2)


@pytest.mark.soak
def test_a_paused_proxy_delays_calls_but_not_the_target(connected: Ecs) -> None:
    """The callers' proxy gives up after 15 s; the target continues, and stops the task as usual."""
    [task] = begin(connected, "backend", connect("backend"))
    [client] = begin(connected, "client", connect())
    assert call(connected, client, "http://backend:8080/")["status"] == 200
    [pid] = proxies(connected, task)
    pause(connected, pid)
    try:
        assert call(connected, client, "http://backend:8080/")["status"] == 504
        connected.ecs.update_service(cluster="shop", service="backend", desiredCount=0)
        connected.wait(60)
        assert connected.task(task["taskArn"])["lastStatus"] == "STOPPED"
    finally:
        for remaining in proxies(connected, task):
            os.kill(remaining, signal.SIGKILL)
    assert proxies(connected, task) == []


@pytest.mark.soak
def test_an_endpoint_that_empties_answers_503(connected: Ecs) -> None:
    """Callers of an endpoint without tasks get 503 at once, and reach it again when it has a task."""
    begin(connected, "backend", connect("backend"))
    [client] = begin(connected, "client", connect())
    connected.ecs.update_service(cluster="shop", service="backend", desiredCount=0)
    connected.wait(60)
    assert call(connected, client, "http://backend:8080/")["status"] == 503
    connected.ecs.update_service(cluster="shop", service="backend", desiredCount=1)
    until(connected, lambda: call(connected, client, "http://backend:8080/")["status"] == 200)


@pytest.mark.soak
def test_a_thousand_endpoints_are_reached(connected: Ecs) -> None:
    """A proxy has a listener for each endpoint; the last one is reached like the first."""
    for number in range(ENDPOINTS):
        connected.create(count=0, serviceName=f"s{number}", serviceConnectConfiguration=connect(f"n{number}"))
    connected.ecs.update_service(cluster="shop", service="s0", desiredCount=1)
    connected.ecs.update_service(cluster="shop", service=f"s{ENDPOINTS - 1}", desiredCount=1)
    [client] = begin(connected, "client", connect())
    connected.wait(30)
    for name in ("n0", f"n{ENDPOINTS - 1}"):
        until(connected, lambda name=name: call(connected, client, f"http://{name}:8080/")["status"] == 200)  # type: ignore[misc]  # bound at once
    assert call(connected, client, "http://n50:8080/")["status"] == 503


def test_the_endpoint_of_a_deleted_service_is_deleted(connected: Ecs) -> None:
    """The Cloud Map service is deleted after its last instance, and the name is free again."""
    begin(connected, "backend", connect("backend"))
    connected.ecs.delete_service(cluster="shop", service="backend", force=True)
    connected.wait(120)
    assert connected.cloudmap.list_services()["Services"] == []
    connected.create(count=0, serviceName="other", serviceConnectConfiguration=connect("backend"))


def test_a_missing_log_group_is_the_stopped_reason(connected: Ecs) -> None:
    """A task whose proxy cannot start, because its log group does not exist, has the reason in stoppedReason."""
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "nowhere", "awslogs-region": "us-east-1"}}
    configuration = {**connect("backend"), "logConfiguration": log}
    connected.create(serviceName="backend", serviceConnectConfiguration=configuration)
    connected.wait(30)
    reasons = {task.get("stoppedReason", "") for task in connected.tasks("STOPPED")}
    assert any("there is no log group nowhere" in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    "members",
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
def test_invalid_configurations_are_refused(connected: Ecs, members: dict[str, Any]) -> None:
    """Each is answered with a 400 error, and nothing is created."""
    with pytest.raises(ClientError) as refused:
        connected.create(count=0, serviceConnectConfiguration={"enabled": True, "namespace": NAMESPACE, **members})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert connected.ecs.list_services(cluster="shop")["serviceArns"] == []
    assert connected.cloudmap.list_services()["Services"] == []


@pytest.mark.soak
def test_without_envoy_the_feature_is_missing(tmp_path: Path) -> None:
    """Claims of Service Connect are unsupported, and the report says how to install Envoy."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util as u\n_f = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'envoy' else _f(name, *more)\n",
        "utf-8",
    )
    path = {"PATH": os.defpath, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    claim = "service-connect.config.change-starts-a-deployment"
    completed = subprocess.run(
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
    assert '"unsupported"' in report, completed.stdout + completed.stderr
    assert "pip install 'surveyor[envoy]'" in report
    assert load_target("embedded", find_layout().targets).optional == {"service-connect": "envoy"}
