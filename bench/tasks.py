"""Tasks as processes: the time until 90 more tasks answer, and the memory of each.

For comparison the same number of new Python processes with `http.server`, like a task with any other command.
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

from bench.registry import Measurement
from bench.servers import Server, ServerSpec, run_server
from surveyor_agents import workload

__all__ = [
    "LARGE",
    "MEMORY",
    "READY",
    "SMALL",
    "TIMEOUT",
    "addresses",
    "client",
    "measure",
    "processes",
    "pss",
    "wait_until_all_answer",
    "without_delays",
]

SMALL, LARGE = 10, 100
ROUNDS = 3
TIMEOUT = 60.0  # wall seconds
READY = f"start of {LARGE - SMALL} tasks until each answers"
MEMORY = "memory per additional task (PSS)"
STOPPED = f"stop of {LARGE - SMALL} tasks until none answers"
# The delays of AWS are no property of this machine.
NO_DELAYS = ("task_provisioning=0", "task_pending=0", "task_deactivating=0", "task_deprovisioning=0", "scheduler=0",
           "operation_start=0", "operation_run=0")  # fmt: skip


def measure(spec: ServerSpec, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure the embedded target and new Python processes."""
    immediate = without_delays(spec)
    ready, memory, stopped = [], [], []
    for turn in range(ROUNDS):
        print_progress(f"{spec.name}: {SMALL} to {LARGE} to {SMALL} tasks, {turn + 1} of {ROUNDS}")
        with run_server(immediate) as server:
            start_seconds, size, stop_seconds = _scale(server)
        ready.append(start_seconds)
        memory.append(size)
        stopped.append(stop_seconds)
    yield Measurement(READY, spec.name, statistics.median(ready), "s")
    yield Measurement(MEMORY, spec.name, statistics.median(memory), "MiB")
    yield Measurement(STOPPED, spec.name, statistics.median(stopped), "s")
    print_progress(f"{LARGE - SMALL} new Python processes with http.server")
    seconds, size = _start_processes(LARGE - SMALL)
    yield Measurement(READY, "new processes", seconds, "s")
    yield Measurement(MEMORY, "new processes", size, "MiB")


def without_delays(spec: ServerSpec) -> ServerSpec:
    """Return the server with all delays of AWS set to zero."""
    settings = [word for setting in NO_DELAYS for word in ("--set", setting)]
    return dataclasses.replace(spec, argv=(*spec.argv, *settings))


def _scale(server: Server) -> tuple[float, float, float]:
    """Return wall seconds to scale out, MiB per task, and wall seconds to scale in."""
    ecs, ec2 = client(server, "ecs"), client(server, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="bench")
    ecs.register_task_definition(
        family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "app", "image": "python", "command": workload.command("serve")}],
    )  # fmt: skip
    ecs.create_service(
        cluster="bench", serviceName="bench", taskDefinition="bench", desiredCount=SMALL, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )  # fmt: skip
    before = _wait_for(lambda: addresses(ecs), SMALL)
    wait_until_all_answer(before)
    base = pss(processes(server))
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=LARGE)
    after = _wait_for(lambda: addresses(ecs), LARGE)
    wait_until_all_answer(after)
    start_seconds = time.perf_counter() - began
    per_task = (pss(processes(server)) - base) / (LARGE - SMALL)
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=SMALL)
    while sum(map(_answers, after)) > SMALL:
        pass
    return start_seconds, per_task, time.perf_counter() - began


def _start_processes(count: int) -> tuple[float, float]:
    addresses = [f"127.60.{number // 250}.{number % 250 + 1}" for number in range(count)]
    processes: list[subprocess.Popen[bytes]] = []
    began = time.perf_counter()
    try:
        for address in addresses:
            command = [sys.executable, "-m", "http.server", "--bind", address, str(workload.PORT)]
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until_all_answer(addresses)
        return time.perf_counter() - began, pss([process.pid for process in processes]) / count
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def client(server: Server, service: str) -> Any:
    """Return a client with the credentials of the account's owner."""
    session = botocore.session.Session()
    credentials = server.account.credentials
    return session.create_client(
        service, region_name="us-east-1", endpoint_url=server.account.endpoint,
        aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
        config=Config(proxies={}),
    )  # fmt: skip


def addresses(ecs: Any) -> list[str]:
    """Return the addresses of the tasks of the measured service."""
    arns = ecs.list_tasks(cluster="bench", serviceName="bench")["taskArns"]
    tasks = ecs.describe_tasks(cluster="bench", tasks=arns)["tasks"] if arns else []
    details = [detail for task in tasks for part in task["attachments"] for detail in part["details"]]
    return [detail["value"] for detail in details if detail["name"] == "privateIPv4Address"]


def _wait_for(poll: Callable[[], list[str]], count: int) -> list[str]:
    deadline = time.perf_counter() + TIMEOUT
    while len(running := poll()) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"expected {count} tasks within {TIMEOUT:.0f} s, got {len(running)}")
    return running


def wait_until_all_answer(addresses: Sequence[str]) -> None:
    """Return when every address answers with 200."""
    deadline = time.perf_counter() + TIMEOUT
    silent = list(addresses)
    while silent := [address for address in silent if not _answers(address)]:
        if time.perf_counter() > deadline:
            raise SystemExit(f"{len(silent)} of {len(addresses)} did not answer within {TIMEOUT:.0f} s")


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, workload.PORT), 1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        return b" 200 " in connection.recv(64)
    return False


def processes(server: Server) -> list[int]:
    """Return the process ids of the target, of its fork server and of all tasks."""
    pids = [server.pid]
    for pid in pids:  # the list grows while it is read
        with contextlib.suppress(OSError):
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return pids


def pss(pids: Sequence[int]) -> float:
    """Return the proportional set size (PSS) of processes in MiB: shared memory is divided among its users."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024
