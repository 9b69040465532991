"""Tasks with Service Connect: the time until 20 tasks answer through their proxies, and their memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.registry import Measurement
from bench.servers import Server, ServerSpec, run_server
from bench.tasks import TIMEOUT, addresses, client, processes, pss, wait_until_all_answer, without_delays
from surveyor_agents import workload

__all__ = ["MEMORY", "READY", "measure"]

TASKS = 20
ROUNDS = 3
READY = f"start of {TASKS} tasks until each answers through its proxy"
MEMORY = f"memory per task with its proxy, of {TASKS} (PSS)"


def measure(spec: ServerSpec, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure the embedded target; the other servers have no proxies."""
    immediate = without_delays(spec)
    ready, memory = [], []
    for turn in range(ROUNDS):
        print_progress(f"{spec.name}: {TASKS} tasks with proxies, {turn + 1} of {ROUNDS}")
        with run_server(immediate) as server:
            seconds, size = _start_tasks(server)
        ready.append(seconds)
        memory.append(size)
    yield Measurement(READY, spec.name, statistics.median(ready), "s")
    yield Measurement(MEMORY, spec.name, statistics.median(memory), "MiB")


def _start_tasks(server: Server) -> tuple[float, float]:
    """Return the wall seconds until all tasks answer, and MiB per task."""
    ecs, ec2, cloudmap = (client(server, name) for name in ("ecs", "ec2", "servicediscovery"))
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    cloudmap.create_http_namespace(Name="bench")
    ecs.create_cluster(clusterName="bench")
    app: Any = {"name": "app", "image": "python", "command": workload.command("serve"),
                "portMappings": [{"containerPort": workload.PORT, "name": "web", "appProtocol": "http"}]}  # fmt: skip
    ecs.register_task_definition(
        family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[app],
    )  # fmt: skip
    endpoint: Any = {"portName": "web", "clientAliases": [{"port": workload.PORT, "dnsName": "bench"}]}
    ecs.create_service(
        cluster="bench", serviceName="bench", taskDefinition="bench", desiredCount=1, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        serviceConnectConfiguration={"enabled": True, "namespace": "bench", "services": [endpoint]},
    )  # fmt: skip
    _wait_for_tasks(ecs, 1)
    base = pss(processes(server))
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=TASKS + 1)
    wait_until_all_answer(_wait_for_tasks(ecs, TASKS + 1))
    seconds = time.perf_counter() - began
    return seconds, (pss(processes(server)) - base) / TASKS


def _wait_for_tasks(ecs: Any, count: int) -> list[str]:
    deadline = time.perf_counter() + TIMEOUT
    while len(running := addresses(ecs)) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"expected {count} tasks within {TIMEOUT:.0f} s, got {len(running)}")
    wait_until_all_answer(running)
    return running
