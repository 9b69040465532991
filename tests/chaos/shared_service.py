"""A service of another owner on a target that outlives experiments, and experiments to be killed there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.chaos.safety_limits import OPT_IN_TAG, RUN_TAG
from surveyor.clock import WallClock
from surveyor.fixtures.tasks import TASK_PORT, address_of
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_agents import workload

ACCOUNT = "111111111111"
SCALE = 10.0
TTL = 20
START_TIMEOUT = 60.0  # wall seconds
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "surveyor", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class SharedService:
    """A running target whose time flows, with the service `shop/web` of two tasks."""

    running: RunningTarget
    registry: str

    def client(self, service: str) -> Any:
        """Return a client of the owner's account."""
        return self.running.clients.client(service, ACCOUNT)

    def tasks(self) -> list[dict[str, Any]]:
        """Return the running tasks."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]
        return [dict(task) for task in ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]] if arns else []

    def service(self) -> dict[str, Any]:
        """Return the service as ECS describes it."""
        found = self.client("ecs").describe_services(cluster="shop", services=["web"], include=["TAGS"])["services"]
        return dict(found[0])

    def is_deployed(self) -> bool:
        """Return whether no deployment is in progress, also none that another test has begun."""
        return all(found["rolloutState"] == "COMPLETED" for found in self.service()["deployments"])

    def instances(self) -> set[str]:
        """Return the instance ids in the registry."""
        found = self.client("servicediscovery").list_instances(ServiceId=self.registry)["Instances"]
        return {instance["Id"] for instance in found}

    def create_others(self) -> None:
        """Create further services, none of which an experiment may disrupt."""
        ecs, web = self.client("ecs"), self.service()
        if ecs.describe_services(cluster="shop", services=["shy"])["services"]:
            return
        known = {name: web[name] for name in ("taskDefinition", "networkConfiguration")}
        cloudmap = self.client("servicediscovery")
        namespace = cloudmap.get_service(Id=self.registry)["Service"]["NamespaceId"]
        other = cloudmap.create_service(
            Name="other", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 5}]}
        )
        for name, count, registered in (("shy", 1, True), ("idle", 0, True), ("alone", 1, False)):
            more = {"serviceRegistries": [{"registryArn": other["Service"]["Arn"]}]} if registered else {}
            ecs.create_service(
                cluster="shop", serviceName=name, desiredCount=count, launchType="FARGATE", **known, **more
            )

    def is_restored(self) -> bool:
        """Return whether exactly two tasks answer and are registered, the TTL is as created, and no run tag is left."""
        service, tasks = self.service(), self.tasks()
        registry = self.client("servicediscovery").get_service(Id=self.registry)["Service"]
        tags = {tag["key"]: tag["value"] for tag in service.get("tags") or ()}
        return (
            RUN_TAG not in tags
            and [record["TTL"] for record in registry["DnsConfig"]["DnsRecords"]] == [TTL]
            and service["desiredCount"] == service["runningCount"] == 2
            and all(_answers(address_of(task)) for task in tasks)
            and self.instances() == {task["taskArn"].rpartition("/")[2] for task in tasks}
        )


@contextmanager
def shared_service() -> Iterator[SharedService]:
    """Yield the service, with all its tasks running."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        assert running.control is not None
        service = _build(running)
        running.control.flow(SCALE)
        running.clock = WallClock(SCALE, running.control.now)
        yield service


def _build(running: RunningTarget) -> SharedService:
    def client(service: str) -> Any:
        return running.clients.client(service, ACCOUNT)

    ecs, cloudmap, ec2 = client("ecs"), client("servicediscovery"), client("ec2")
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    subnets = ec2.describe_subnets(Filters=default)["Subnets"]
    operation = cloudmap.create_private_dns_namespace(Name="shop.test", Vpc=subnets[0]["VpcId"])["OperationId"]
    running.clock.wait(30)
    namespace = cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    registry = cloudmap.create_service(
        Name="web",
        NamespaceId=namespace,
        DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": TTL}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]
    allowed = [{"key": OPT_IN_TAG, "value": "allowed"}]
    ecs.create_cluster(clusterName="shop", tags=allowed)
    app = {
        "name": "app",
        "image": "python",
        "command": workload.command("serve"),
        "portMappings": [{"containerPort": TASK_PORT}],
    }
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[app],
    )
    ecs.create_service(
        cluster="shop",
        serviceName="web",
        taskDefinition="web",
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet["SubnetId"] for subnet in subnets]}},
        serviceRegistries=[{"registryArn": registry["Arn"]}],
        tags=allowed,
    )
    running.clock.wait(120)
    return SharedService(running, registry["Id"])


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}:{TASK_PORT}/health", timeout=2) as answer:
            status: int = answer.status
            return status == 200
    except OSError:
        return False


def target_file(folder: Path, endpoint: str) -> Path:
    """Write a target file for an endpoint with all features of the embedded target, and return its path."""
    features = load_target("embedded", find_layout().targets).features or frozenset()
    path = folder / "flowing.toml"
    known = json.dumps(sorted(features - {"clock-control"}))
    path.write_text(
        f'endpoint = "{endpoint}"\nregions = ["us-east-1"]\nclock = "control"\ndns = "control"\nfeatures = {known}\n'
        '[credentials]\nkind = "environment"\n',
        "utf-8",
    )
    return path


def run_faults(
    faults: Sequence[str], service: SharedService, folder: Path, *more: str, wait: bool = True
) -> subprocess.Popen[str]:
    """Start an experiment with these faults, and return when all are in effect, or at once without `wait`.

    Raises AssertionError if the experiment ends before.
    """
    WallClock().eventually(service.is_deployed, within=START_TIMEOUT)
    out, target = folder / "out", target_file(folder, service.running.endpoint)
    words = [
        "chaos",
        "any-fault",
        "--duration",
        "3000",
        "--target",
        str(target),
        "--account",
        ACCOUNT,
        "--out",
        str(out),
    ]
    command = [
        sys.executable,
        "-m",
        "surveyor",
        *words,
        *(word for fault in faults for word in ("--fault", fault)),
        *more,
    ]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    assert service.running.process is not None
    environment = {**kept, **CREDENTIALS, "SURVEYOR_TOKEN": service.running.process.token}
    with (folder / "log").open("w", encoding="utf-8") as log:
        runner = subprocess.Popen(command, env=environment, stdout=log, stderr=log, text=True, start_new_session=True)
    if not wait:
        return runner
    try:
        WallClock().eventually(lambda: _all_on(out, len(faults)) or runner.poll() is not None, within=START_TIMEOUT)
        assert runner.poll() is None, (folder / "log").read_text("utf-8")[-3_000:]
    except BaseException:
        runner.kill()
        raise
    return runner


def _all_on(out: Path, count: int) -> bool:
    """Return whether `count` faults are in effect, by the history, which is written as it happens."""
    path = out / "histories" / "any-fault.jsonl"
    if not path.is_file():
        return False
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
    begun = {event["n"] for event in events if event.get("what") == "fault"}
    return len([event for event in events if event.get("of") in begun and event["type"] == "ok"]) == count


def kill(runner: subprocess.Popen[str]) -> float:
    """Send SIGKILL, wait for the end, and return the time of it."""
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    return time.monotonic()
