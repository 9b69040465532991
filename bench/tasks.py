"""Tasks that really run: how long ninety more take until each answers, and what each costs in memory.

Beside it the same number of fresh Pythons with `http.server`, as a task of any other command would be.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from bench.registry import Row
from bench.servers import Contestant, Server, started
from surveyor_agents import workload

__all__ = [
    "AT_ONCE",
    "FEW",
    "MANY",
    "MEMORY",
    "PATIENCE",
    "READY",
    "addresses",
    "client",
    "measure",
    "processes",
    "pss",
    "until_all_answer",
]

FEW, MANY = 10, 100
ROUNDS = 3
PATIENCE = 60.0  # wall seconds
READY = f"{MANY - FEW} more tasks, until each answers"
MEMORY = "memory of each further task (PSS)"
GONE = f"{MANY - FEW} tasks fewer, until none of them answers"
# What AWS takes to place a task is no merit and no fault of this machine.
AT_ONCE = ("task_provisioning=0", "task_pending=0", "task_deactivating=0", "task_deprovisioning=0", "scheduler=0",
           "operation_start=0", "operation_run=0")  # fmt: skip


def measure(contestant: Contestant, tell: Callable[[str], None]) -> Iterator[Row]:
    """The figures of the embedded target and of fresh Pythons, in turn."""
    quick = dataclasses.replace(contestant, argv=(*contestant.argv, *(w for one in AT_ONCE for w in ("--set", one))))
    ready, memory, gone = [], [], []
    for turn in range(ROUNDS):
        tell(f"{contestant.name}: {FEW} to {MANY} to {FEW} tasks, {turn + 1} of {ROUNDS}")
        with started(quick) as server:
            one, two, three = _scaled(server)
        ready.append(one)
        memory.append(two)
        gone.append(three)
    yield Row(READY, contestant.name, statistics.median(ready), "s")
    yield Row(MEMORY, contestant.name, statistics.median(memory), "MiB")
    yield Row(GONE, contestant.name, statistics.median(gone), "s")
    tell(f"{MANY - FEW} fresh Pythons with http.server")
    seconds, size = _fresh(MANY - FEW)
    yield Row(READY, "fresh Pythons", seconds, "s")
    yield Row(MEMORY, "fresh Pythons", size, "MiB")


def _scaled(server: Server) -> tuple[float, float, float]:
    """Seconds up, MiB each, seconds down."""
    ecs, ec2 = client(server, "ecs"), client(server, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="bench")
    ecs.register_task_definition(
        family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "app", "image": "python", "command": workload.command("serve")}],
    )  # fmt: skip
    ecs.create_service(
        cluster="bench", serviceName="bench", taskDefinition="bench", desiredCount=FEW, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )  # fmt: skip
    before = _until(lambda: addresses(ecs), FEW)
    until_all_answer(before)
    base = pss(processes(server))
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=MANY)
    after = _until(lambda: addresses(ecs), MANY)
    until_all_answer(after)
    up = time.perf_counter() - began
    each = (pss(processes(server)) - base) / (MANY - FEW)
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=FEW)
    while sum(map(_answers, after)) > FEW:
        pass
    return up, each, time.perf_counter() - began


def _fresh(count: int) -> tuple[float, float]:
    addresses = [f"127.60.{number // 250}.{number % 250 + 1}" for number in range(count)]
    processes: list[subprocess.Popen[bytes]] = []
    began = time.perf_counter()
    try:
        for address in addresses:
            command = [sys.executable, "-m", "http.server", "--bind", address, str(workload.PORT)]
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until_all_answer(addresses)
        return time.perf_counter() - began, pss([one.pid for one in processes]) / count
    finally:
        for one in processes:
            one.kill()
        for one in processes:
            one.wait()


def client(server: Server, service: str) -> Any:
    """A client of its owner."""
    session = botocore.session.Session()
    credentials = server.account.credentials
    return session.create_client(
        service, region_name="us-east-1", endpoint_url=server.account.endpoint,
        aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
        config=Config(proxies={}),
    )  # fmt: skip


def addresses(ecs: Any) -> list[str]:
    """Those of the tasks of the service that is measured."""
    arns = ecs.list_tasks(cluster="bench", serviceName="bench")["taskArns"]
    found = ecs.describe_tasks(cluster="bench", tasks=arns)["tasks"] if arns else []
    details = [one for task in found for one in task["attachments"][0]["details"]]
    return [one["value"] for one in details if one["name"] == "privateIPv4Address"]


def _until(look: Callable[[], list[str]], count: int) -> list[str]:
    deadline = time.perf_counter() + PATIENCE
    while len(found := look()) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"expected {count} tasks within {PATIENCE:.0f} s; came {len(found)}")
    return found


def until_all_answer(addresses: Sequence[str]) -> None:
    """Return when each answers with 200."""
    deadline = time.perf_counter() + PATIENCE
    left = list(addresses)
    while left := [one for one in left if not _answers(one)]:
        if time.perf_counter() > deadline:
            raise SystemExit(f"{len(left)} of {len(addresses)} did not answer within {PATIENCE:.0f} s")


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, workload.PORT), 1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        return b" 200 " in connection.recv(64)
    return False


def processes(server: Server) -> list[int]:
    """The target's, its parent of tasks and all tasks."""
    found = [server.pid]
    for one in found:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def pss(pids: Sequence[int]) -> float:
    """MiB, memory that is shared counted in parts."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024
