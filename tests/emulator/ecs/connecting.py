"""Services that use Service Connect on a running embedded target, and what their tasks see."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyor.fixtures.tasks import address_of
from surveyor_emulator.runtime.tasks.processes import descendants

if TYPE_CHECKING:
    from tests.emulator.ecs.conftest import Ecs

__all__ = ["NAMESPACE", "PORTS", "begin", "call", "connect", "pause", "prepare", "proxies", "services", "until"]

PORTS = [{"containerPort": 8080, "name": "web", "appProtocol": "http"}]
NAMESPACE = "mesh"


def connect(name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a serviceConnectConfiguration that offers the endpoint `name`, or none."""
    endpoint = {"portName": "web", "discoveryName": name, "clientAliases": [{"port": 8080, "dnsName": name}], **more}
    return {"enabled": True, "namespace": NAMESPACE, "services": [endpoint] if name else []}


def prepare(ecs: Ecs) -> Ecs:
    """Return an account after the creation of a namespace, and of a task definition whose port has a name."""
    ecs.cloudmap.create_http_namespace(Name=NAMESPACE)
    ecs.wait(10)
    ecs.define(portMappings=PORTS)
    return ecs


def begin(connected: Ecs, name: str, configuration: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """Create a service and wait until its tasks run; return the tasks."""
    connected.create(count=count, serviceName=name, serviceConnectConfiguration=configuration)
    tasks: list[dict[str, Any]] = []
    for _ in range(60):
        arns = connected.ecs.list_tasks(cluster="shop", serviceName=name)["taskArns"]
        tasks = [connected.task(arn) for arn in arns]
        if len(tasks) == count and all(task["lastStatus"] == "RUNNING" for task in tasks):
            connected.wait(5)
            return tasks
        connected.wait(1)
    stopped = [task.get("stoppedReason") for task in connected.tasks("STOPPED")]
    raise AssertionError(f"{name} has {[task['lastStatus'] for task in tasks]}; stopped: {stopped}")


def until(connected: Ecs, condition: Callable[[], bool]) -> None:
    """Advance service time until a condition holds; processes need wall time, so it advances in steps."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition did not hold within 20 s"
        connected.wait(0.5)


def call(connected: Ecs, task: dict[str, Any], url: str) -> dict[str, Any]:
    """Have a task call a URL; return the result."""
    with urllib.request.urlopen(f"http://{address_of(task)}:8080/call?url={url}&within=20", timeout=30) as answer:
        [result] = json.load(answer)["calls"]
        return dict(result)


def proxies(connected: Ecs, task: dict[str, Any]) -> list[int]:
    """Return the process ids of a task's Envoy, among those of this target."""
    assert connected.running.process is not None
    path = f"proxy-{task['taskArn'].rpartition('/')[2]}/envoy.json"
    found = []
    for pid in descendants([connected.running.process.pid]):
        with contextlib.suppress(OSError):
            if path in Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace"):
                found.append(pid)
    return found


def pause(connected: Ecs, pid: int) -> None:
    """Stop a process; return when each of its threads has stopped: the signal alone lets them run on for a while."""
    os.kill(pid, signal.SIGSTOP)
    until(connected, lambda: {_state(thread) for thread in Path(f"/proc/{pid}/task").iterdir()} == {"T"})


def _state(thread: Path) -> str:
    """Return the letter of a thread's state: it follows the name, which is in brackets and may hold anything."""
    return (thread / "stat").read_text().rpartition(") ")[2][0]


def services(connected: Ecs) -> dict[str, dict[str, Any]]:
    """Return the Cloud Map services of the account by name."""
    return {entry["Name"]: entry for entry in connected.cloudmap.list_services()["Services"]}
