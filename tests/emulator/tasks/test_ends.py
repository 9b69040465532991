"""No process of a task is left after the target ends, however it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.model import Target
from surveyor_agents import workload
from surveyor_emulator.runtime.tasks import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc")

TIMEOUT = 15.0  # wall seconds
AT_ONCE = [word for name in ("task_provisioning", "task_pending", "scheduler") for word in ("--set", f"{name}=0")]


@pytest.fixture
def target() -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Start a target as a separate process; return it with clients of it."""
    command = [sys.executable, "-m", "surveyor_emulator", "--scale", "20", *AT_ONCE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    endpoint = json.loads(process.stdout.readline())["endpoint"]
    clients = Clients(Target("target", "us-east-1", endpoint), endpoint, Evidence())
    yield process, clients
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


def until(condition: Any) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"expected within {TIMEOUT:g} s"


def deploy(clients: Clients) -> set[str]:
    """Deploy a service of the workload and one of a command with children; return the addresses of their tasks."""
    ecs, ec2 = clients.client("ecs", "000000000000"), clients.client("ec2", "000000000000")
    network = {"awsvpcConfiguration": {"subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]]}}
    ecs.create_cluster(clusterName="shop")
    commands = {"web": workload.command("serve"), "other": ["sh", "-c", "(setsid sleep 1000 &); sleep 1000 & wait"]}
    for name, command in commands.items():
        ecs.register_task_definition(
            family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "any", "command": command}],
        )  # fmt: skip
        ecs.create_service(
            cluster="shop", serviceName=name, taskDefinition=name, desiredCount=3, launchType="FARGATE",
            networkConfiguration=network,
        )  # fmt: skip

    def tasks() -> list[Any]:
        arns = ecs.list_tasks(cluster="shop")["taskArns"]
        return list(ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]) if arns else []

    until(lambda: [task["lastStatus"] for task in tasks()] == ["RUNNING"] * 6)
    details = [detail for task in tasks() for detail in task["attachments"][0]["details"]]
    # A deployment is in progress when the target ends.
    ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)
    return {detail["value"] for detail in details if detail["name"] == "privateIPv4Address"}


def listens(address: str) -> bool:
    """Return whether a task listens at this address."""
    with socket.socket() as probe:
        return probe.connect_ex((address, workload.PORT)) == 0


@pytest.mark.usefixtures("children_take_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left(target: tuple[subprocess.Popen[str], Any], number: signal.Signals) -> None:
    """No process below it, no port and no folder is left after SIGKILL in mid-deployment, Ctrl-C, or SIGTERM."""
    process, clients = target
    addresses = deploy(clients)
    below = processes.descendants([process.pid]) - {process.pid}
    assert len(below) >= 10
    folders = {str(Path(f"/proc/{pid}/cwd").readlink()) for pid in below} - {str(Path.cwd()), "/"}
    assert any(map(listens, addresses))
    process.send_signal(number)
    assert process.wait(TIMEOUT) == (0 if number is not signal.SIGKILL else -signal.SIGKILL)
    until(lambda: not [pid for pid in below if Path(f"/proc/{pid}").exists()])
    until(lambda: not any(map(listens, addresses)))
    until(lambda: not [folder for folder in folders if Path(folder).exists()])
