"""Tasks with Service Connect: how long twenty take until each answers through its proxy, and their memory."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.registry import Row
from bench.servers import Contestant, Server, started
from bench.tasks import AT_ONCE, PATIENCE, addresses, client, processes, pss, until_all_answer
from surveyor_agents import workload

__all__ = ["MEMORY", "READY", "measure"]

TASKS = 20
ROUNDS = 3
READY = f"{TASKS} tasks with a proxy each, until each answers through it"
MEMORY = f"memory of each of {TASKS} tasks with its proxy (PSS)"


def measure(contestant: Contestant, tell: Callable[[str], None]) -> Iterator[Row]:
    """The figures of the embedded target: nobody else has proxies."""
    quick = dataclasses.replace(contestant, argv=(*contestant.argv, *(w for one in AT_ONCE for w in ("--set", one))))
    ready, memory = [], []
    for turn in range(ROUNDS):
        tell(f"{contestant.name}: {TASKS} tasks with proxies, {turn + 1} of {ROUNDS}")
        with started(quick) as server:
            one, two = _started(server)
        ready.append(one)
        memory.append(two)
    yield Row(READY, contestant.name, statistics.median(ready), "s")
    yield Row(MEMORY, contestant.name, statistics.median(memory), "MiB")


def _started(server: Server) -> tuple[float, float]:
    """Seconds, MiB each."""
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
    _until_there(ecs, 1)
    base = pss(processes(server))
    began = time.perf_counter()
    ecs.update_service(cluster="bench", service="bench", desiredCount=TASKS + 1)
    until_all_answer(_until_there(ecs, TASKS + 1))
    up = time.perf_counter() - began
    return up, (pss(processes(server)) - base) / TASKS


def _until_there(ecs: Any, count: int) -> list[str]:
    deadline = time.perf_counter() + PATIENCE
    while len(found := addresses(ecs)) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"expected {count} tasks within {PATIENCE:.0f} s; came {len(found)}")
    until_all_answer(found)
    return found
