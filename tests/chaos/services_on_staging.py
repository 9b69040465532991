"""Services of others in an account in use, which have opted in to experiments, and the command that disrupts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.chaos.safety_limits import OPT_IN_TAG, RUN_TAG
from surveyor.clock import WallClock
from surveyor.fixtures.tasks import address_of, id_of
from surveyor.targets.control import Control
from tests.account.conftest import ACCOUNT, EmulatorAccount
from tests.in_vpc.staging_account import staging
from tests.watch.conftest import client_of
from tests.watch.services_of_others import PORT, TTL, Shop

ALLOWED = [{"key": OPT_IN_TAG, "value": "allowed"}]
CLUSTER = "store"
STARTED_WITHIN = 240.0  # wall seconds: 200 tasks are 200 processes

COUNTER = [
    "python",
    "-c",
    f"""
import http.server, itertools

class Counter(http.server.BaseHTTPRequestHandler):
    numbers = itertools.count(1)

    def do_GET(self):
        body = str(next(self.numbers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("0.0.0.0", {PORT}), Counter).serve_forever()
""",
]
"""A server that answers with how often it was called."""

SLEEPER = ["sleep", "infinity"]
"""A program that answers nothing, of which there can be many."""


@dataclass(frozen=True)
class Staged:
    """The account, and the cluster `store` in it."""

    account: EmulatorAccount
    shop: Shop

    def create(self, name: str, count: int, command: list[str] = COUNTER) -> None:
        """Create a service that has opted in, and return when its tasks run."""
        self.shop.registered(name, command=command, count=count, tags=ALLOWED, waits=False)
        WallClock().eventually(lambda: self.shop.is_steady(name), within=STARTED_WITHIN)

    def service(self, name: str) -> dict[str, Any]:
        """Return DescribeServices of a service."""
        answer = self.shop.ecs.describe_services(cluster=CLUSTER, services=[name], include=["TAGS"])
        return dict(answer["services"][0])

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """Return DescribeTasks of the running tasks of a service."""
        pages = self.shop.ecs.get_paginator("list_tasks").paginate(cluster=CLUSTER, serviceName=name)
        arns = [arn for page in pages for arn in page["taskArns"]]
        found = [
            task
            for start in range(0, len(arns), 100)
            for task in self.shop.ecs.describe_tasks(cluster=CLUSTER, tasks=arns[start : start + 100])["tasks"]
        ]
        return [dict(task) for task in found if task["lastStatus"] == "RUNNING"]

    def registry(self, name: str) -> str:
        """Return the id of the Cloud Map service of a service."""
        return str(self.service(name)["serviceRegistries"][0]["registryArn"]).rpartition("/")[2]

    def instances(self, name: str) -> set[str]:
        """Return the ids of the instances in the registry of a service."""
        pages = self.shop.cloudmap.get_paginator("list_instances").paginate(ServiceId=self.registry(name))
        return {instance["Id"] for page in pages for instance in page["Instances"]}

    def differences(self, name: str, count: int) -> list[str]:
        """Return what is not as it was before an experiment: nothing once all its traces are gone."""
        service, found = self.service(name), self.shop.cloudmap.get_service(Id=self.registry(name))["Service"]
        tasks, instances = {id_of(task) for task in self.tasks(name)}, self.instances(name)
        ttls = [record["TTL"] for record in found["DnsConfig"]["DnsRecords"]]
        checks = {
            f"the desired count is {service['desiredCount']}": service["desiredCount"] != count,
            f"{len(tasks)} tasks run": len(tasks) != count,
            f"the TTLs are {ttls}": ttls != [TTL],
            f"{sorted(instances - tasks)} are ghosts": instances - tasks,
            f"{sorted(tasks - instances)} are not registered": tasks - instances,
            "the run's tag is left": RUN_TAG in {tag["key"] for tag in service.get("tags") or ()},
        }
        return [text for text, is_there in checks.items() if is_there]

    def is_whole(self, name: str, count: int, within: float = 90.0) -> None:
        """Wait until a service is as before, in wall seconds. Raises WrongAnswer."""
        WallClock().eventually(lambda: not self.differences(name, count), within=within)

    def counted(self, name: str) -> dict[str, int]:
        """Return how often each task of a service of counters has been called, with this call."""
        return {id_of(task): int(_get(f"http://{address_of(task)}:{PORT}/")) for task in self.tasks(name)}

    def scaling(self) -> Any:
        """Return a client of Application Auto Scaling."""
        return self.shop.client("application-autoscaling")


@contextmanager
def staged(scale: float = 20.0) -> Iterator[Staged]:
    """Yield the cluster in a new account in use, whose time flows."""
    with staging(scale) as account:
        control = Control(account.endpoint, account.token)
        shop = Shop(client_of(account.endpoint), WallClock(scale, control.now))
        shop.open()
        arn = shop.ecs.describe_clusters(clusters=[CLUSTER])["clusters"][0]["clusterArn"]
        shop.ecs.tag_resource(resourceArn=arn, tags=ALLOWED)
        try:
            yield Staged(account, shop)
        finally:
            control.close()


def scalable(name: str) -> dict[str, str]:
    """Return what names the scalable target of a service."""
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{CLUSTER}/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def chaos_words(endpoint: str, name: str, out: Path, *words: str) -> list[str]:
    """Return the command line of experiments with a service."""
    at = ("--target", "aws", "--account", ACCOUNT, "--endpoint", endpoint, "--dns", "control", "--region", "us-east-1")
    options = ("--enable", "ecs-processes", "--service", f"{CLUSTER}/{name}", "--out", str(out))
    return [sys.executable, "-m", "surveyor", "chaos", *words, *at, *options]


def start_chaos(staged: Staged, name: str, out: Path, *words: str, endpoint: str = "") -> subprocess.Popen[str]:
    """Start experiments with a service; the output is in `out`.log."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with out.with_suffix(".log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            chaos_words(endpoint or staged.account.endpoint, name, out, *words),
            env={**kept, **staged.account.environment},
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def run_chaos(staged: Staged, name: str, out: Path, *words: str, endpoint: str = "") -> tuple[int, str]:
    """Run experiments with a service to their end; return exit code and output."""
    code = start_chaos(staged, name, out, *words, endpoint=endpoint).wait(timeout=300)
    return code, out.with_suffix(".log").read_text("utf-8")


def faults_in_effect(out: Path, name: str = "any-fault") -> int:
    """Return how many faults have begun, by the history, which is written as it happens."""
    path = out / "histories" / f"{name}.jsonl"
    if not path.is_file():
        return 0
    lines = [line for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
    events = [json.loads(line) for line in lines]
    begun = {event["n"] for event in events if event.get("what") == "fault"}
    return len([event for event in events if event.get("of") in begun and event["type"] == "ok"])


def during(runner: subprocess.Popen[str], out: Path, faults: int, act: Callable[[], object]) -> None:
    """Do something while that many faults are in effect. Raises AssertionError if the experiment ends before."""
    WallClock().eventually(lambda: faults_in_effect(out) >= faults or runner.poll() is not None, within=120)
    assert runner.poll() is None, out.with_suffix(".log").read_text("utf-8")
    act()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
