"""No process of a task is left after the target ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.model import Target
from surveyor_agents import workload
from surveyor_emulator.runtime.tasks import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc")

SOAK = pytest.mark.soak
TIMEOUT = 60.0  # wall seconds
DETACHED = ["sh", "-c", "(env -i setsid sleep 1000 &); (setsid sleep 1000 &); sleep 1000 & wait"]
AT_ONCE = [word for name in ("task_provisioning", "task_pending", "scheduler") for word in ("--set", f"{name}=0")]
Started = tuple[subprocess.Popen[str], Clients]


@pytest.fixture(params=["if-allowed", "never"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    """Start a target as a process in a separate session; return it with clients of it."""
    process = _start(tmp_path, "--set", f"task_namespace={request.param}")
    assert process.stdout is not None
    endpoint = json.loads(process.stdout.readline())["endpoint"]
    yield process, Clients(Target("target", "us-east-1", endpoint), endpoint, Evidence())
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


def _start(temporary: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "surveyor_emulator", "--scale", "20", *AT_ONCE, *options],
        stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip


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
    commands = {"web": workload.command("serve"), "other": DETACHED}
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


def below(process: subprocess.Popen[str]) -> set[int]:
    """Return all processes below the target."""
    return processes.descendants([process.pid]) - {process.pid}


def start_once(temporary: Path) -> None:
    """Start a target, wait until it is ready, and end it."""
    following = _start(temporary)
    assert following.stdout is not None
    assert following.stdout.readline()
    following.terminate()
    following.wait(TIMEOUT)
    following.stdout.close()


def sleeping(process: subprocess.Popen[str]) -> list[str]:
    """Return the commands below the target that sleep."""
    commands = []
    for pid in below(process):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            commands.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip())
    return sorted(command for command in commands if command.startswith("sleep"))


def wait_until_gone(pids: set[int], addresses: set[str]) -> None:
    """Return once none of the processes is left, and nothing listens."""
    until(lambda: all(map(processes.has_ended, pids)))
    until(lambda: not any(map(listens, addresses)))


@pytest.mark.soak
@pytest.mark.parametrize(
    "name",
    ["SIGKILL", "SIGTERM", *(pytest.param(name, marks=SOAK) for name in ("SIGINT", "SIGHUP", "SIGQUIT"))],
)
def test_nothing_is_left(target: Started, name: str, tmp_path: Path) -> None:
    """No process below it, no port and no folder is left after a signal in mid-deployment, SIGKILL and Ctrl-C too."""
    process, clients = target
    number = signal.Signals[name]
    addresses = deploy(clients)
    pids = below(process)
    assert len(pids) >= 15
    assert any(map(listens, addresses))
    process.send_signal(number)
    assert process.wait(TIMEOUT) == (-number if number in (signal.SIGKILL, signal.SIGQUIT) else 0)
    wait_until_gone(pids, addresses)
    until(lambda: not any(tmp_path.glob("surveyor-tasks-*")))


@pytest.mark.soak
@pytest.mark.parametrize(
    "also", [pytest.param("fork server", marks=SOAK), pytest.param("its group", marks=SOAK), "every parent"]
)
def test_what_is_killed_together_is_swept_at_the_next_start(target: Started, also: str, tmp_path: Path) -> None:
    """The target and its helpers are killed together: after the next start no process and no folder is left."""
    process, clients = target
    addresses = deploy(clients)
    pids = below(process)
    [server] = processes.children_of(process.pid)
    parents = {pid for pid in pids if processes.children_of(pid)}
    [folder] = tmp_path.glob("surveyor-tasks-*")
    others = {"fork server": {server}, "its group": {server}, "every parent": parents}[also]
    os.kill(process.pid, signal.SIGSTOP)  # so that it does not react
    if also == "its group":
        os.killpg(server, signal.SIGKILL)
    # The target last: its end has the fork server stop all tasks before it kills them, and one that is killed between
    # both leaves them stopped until the next start.
    processes.send(signal.SIGKILL, [*others, process.pid])
    process.wait()
    if also != "every parent":  # keepers end their containers themselves
        wait_until_gone(pids, addresses)
    start_once(tmp_path)
    wait_until_gone(pids, addresses)
    if also == "every parent" and folder.exists():  # containers that were ending wrote to it during the first sweep
        start_once(tmp_path)
    assert not folder.exists()


@SOAK
def test_what_was_stopped_and_not_killed_is_swept_at_the_next_start(target: Started, tmp_path: Path) -> None:
    """The fork server is killed between stopping the tasks and killing them: the next start kills them."""
    process, clients = target
    addresses = deploy(clients)
    pids = below(process)
    [server] = processes.children_of(process.pid)
    os.kill(process.pid, signal.SIGSTOP)
    processes.send(signal.SIGSTOP, pids - {server})
    processes.send(signal.SIGKILL, [server, process.pid])
    process.wait()
    start_once(tmp_path)
    wait_until_gone(pids, addresses)
    assert not any(tmp_path.glob("surveyor-tasks-*"))


@SOAK
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_killed_nothing_is_left_after_the_next_start(target: Started, seed: int, tmp_path: Path) -> None:
    """Any choice of the target, its helpers and its tasks gets any signal: the next start finds or leaves nothing."""
    process, clients = target
    addresses = deploy(clients)
    pids = below(process)
    random = Random(seed)
    victims = random.sample(sorted(pids), random.randint(1, len(pids))) + random.choice([[process.pid], []])
    processes.send(random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGHUP]), victims)
    if process.pid not in victims:
        process.terminate()
    process.wait(TIMEOUT)
    start_once(tmp_path)
    wait_until_gone(pids, addresses)
    assert not any(tmp_path.glob("surveyor-tasks-*"))


@SOAK
def test_a_living_target_is_not_swept(target: Started, tmp_path: Path) -> None:
    """The start of another target leaves tasks and folder of a running one alone."""
    process, clients = target
    deploy(clients)
    pids = below(process)
    start_once(tmp_path)
    assert len([pid for pid in pids if processes.has_ended(pid)]) < 5  # those that the deployment replaced
    assert len(list(tmp_path.glob("surveyor-tasks-*"))) == 1


@SOAK
def test_after_stopped_nothing_of_a_task_is_left(target: Started) -> None:
    """A task that killed its parent and detached what it started is STOPPED only when all of it is gone."""
    process, clients = target
    ecs, ec2 = clients.client("ecs", "000000000000"), clients.client("ec2", "000000000000")
    network = {"awsvpcConfiguration": {"subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]]}}
    ecs.create_cluster(clusterName="shop")
    for program in ("(env -i setsid sleep 1000 &); sleep 1", "(env -i setsid sleep 1000 &); kill -9 $PPID; sleep 1000"):
        ecs.register_task_definition(
            family="leaves", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": "any", "command": ["sh", "-c", program]}],
        )  # fmt: skip
        answer = ecs.run_task(
            cluster="shop", taskDefinition="leaves", launchType="FARGATE", networkConfiguration=network, count=3
        )
        arns = [task["taskArn"] for task in answer["tasks"]]

        def stopped(arns: list[str] = arns) -> bool:
            tasks = ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]
            return [task["lastStatus"] for task in tasks] == ["STOPPED"] * 3

        until(stopped)
        assert sleeping(process) == []


@SOAK
def test_a_health_check_ends_with_its_container(target: Started) -> None:
    """A command that hangs, and what it has detached, is gone with its container, long before its timeout."""
    process, clients = target
    ecs, ec2 = clients.client("ecs", "000000000000"), clients.client("ec2", "000000000000")
    network = {"awsvpcConfiguration": {"subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]]}}
    ecs.create_cluster(clusterName="shop")
    check = {"command": ["CMD-SHELL", "(env -i setsid sleep 1001 &); sleep 1002"], "interval": 5, "timeout": 60}
    ecs.register_task_definition(
        family="checked", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "app", "image": "any", "command": ["sleep", "1000"], "healthCheck": check}],
    )  # fmt: skip
    answer = ecs.run_task(cluster="shop", taskDefinition="checked", launchType="FARGATE", networkConfiguration=network)
    arn = answer["tasks"][0]["taskArn"]

    until(lambda: sleeping(process) == ["sleep 1000", "sleep 1001", "sleep 1002"])
    ecs.stop_task(cluster="shop", task=arn)
    until(lambda: ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]["lastStatus"] == "STOPPED")
    assert sleeping(process) == []
