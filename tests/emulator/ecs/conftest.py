"""ECS of a running embedded target, over HTTP, with a new account for each test."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_agents import workload
from tests.emulator.ecs.connecting import prepare

_accounts = itertools.count(700_000_000_000)


class Ecs:
    """One account: its clients, and a cluster `shop`, whose task definitions run the workload."""

    def __init__(self, running: RunningTarget) -> None:
        self.running, self.account = running, str(next(_accounts))
        self.ecs, self.cloudmap, self.ec2 = (self.client(name) for name in ("ecs", "servicediscovery", "ec2"))
        self.subnet = self.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.ecs.create_cluster(clusterName="shop")

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client with the credentials of the account's owner."""
        return self.running.clients.client(service, self.account, region)

    @property
    def network(self) -> dict[str, Any]:
        """Return a networkConfiguration."""
        return {"awsvpcConfiguration": {"subnets": [self.subnet]}}

    def define(self, *arguments: str, family: str = "web", mode: str = "awsvpc", **container: Any) -> str:
        """Register a task definition; return its ARN."""
        app = {"name": "app", "image": "any", "command": workload.command(*(arguments or ("serve",)))} | container
        fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "256"} if mode == "awsvpc" else {}
        answer = self.ecs.register_task_definition(
            family=family, networkMode=mode, memory="512", containerDefinitions=[app], **fargate
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def registry(self, region: str | None = None, **more: Any) -> dict[str, Any]:
        """Create a Cloud Map service in a new HTTP namespace."""
        cloudmap = self.client("servicediscovery", region)
        operation = cloudmap.create_http_namespace(Name=f"ns-{next(_accounts)}")["OperationId"]
        self.wait(10)
        namespace = cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
        return dict(cloudmap.create_service(Name="web", NamespaceId=namespace, **more)["Service"])

    def create(self, definition: str = "web", count: int = 1, **more: Any) -> dict[str, Any]:
        """Call CreateService with the name `web`; a parameter that is None is left out."""
        params = {
            "cluster": "shop", "serviceName": "web", "taskDefinition": definition, "desiredCount": count,
            "launchType": "FARGATE", "networkConfiguration": self.network, **more,
        }  # fmt: skip
        params = {key: value for key, value in params.items() if value is not None}
        return dict(self.ecs.create_service(**params)["service"])

    def service(self) -> dict[str, Any]:
        """Return DescribeServices of the service `web`."""
        return dict(self.ecs.describe_services(cluster="shop", services=["web"])["services"][0])

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        """Return DescribeTasks of all tasks of the cluster with that desired status."""
        arns = self.ecs.list_tasks(cluster="shop", desiredStatus=status)["taskArns"]
        return list(self.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]) if arns else []

    def task(self, arn: str) -> dict[str, Any]:
        """Return DescribeTasks of one task."""
        return dict(self.ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0])

    def run(self, **more: Any) -> str:
        """Run one task with RunTask; return its ARN."""
        params = {
            "cluster": "shop",
            "taskDefinition": "web",
            "launchType": "FARGATE",
            "networkConfiguration": self.network,
        }
        return str(self.ecs.run_task(**{**params, **more})["tasks"][0]["taskArn"])

    def wait(self, seconds: float) -> None:
        """Advance the clock by service seconds."""
        self.running.clock.wait(seconds)

    def control(self, path: str) -> Any:
        """Return the document that the target has at a path below /_surveyor/."""
        return json.loads(self._control(urllib.request.Request(f"{self.running.endpoint}/_surveyor/{path}")))

    def written(self, path: str) -> str:
        """Return the text that the target has at a path below /_surveyor/: the output of a task."""
        return self._control(urllib.request.Request(f"{self.running.endpoint}/_surveyor/{path}"))

    def change_settings(self, *changes: str) -> None:
        """Change the settings of the target; without changes those of its start are restored."""
        body = json.dumps({"set": changes}).encode()
        kind = {"Content-Type": "application/json"}
        self._control(urllib.request.Request(f"{self.running.endpoint}/_surveyor/settings", body, kind))

    def _control(self, request: urllib.request.Request) -> str:
        assert self.running.process is not None
        request.add_header("Authorization", f"Bearer {self.running.process.token}")
        with urllib.request.urlopen(request) as answer:
            return str(answer.read(), "utf-8")


@pytest.fixture(scope="package")
def running() -> Iterator[RunningTarget]:
    """Start an embedded target for the tests of this folder, each of which has its accounts."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        yield target


@pytest.fixture
def ecs(running: RunningTarget) -> Iterator[Ecs]:
    """Return an unused account."""
    yield Ecs(running)
    running.clients.recycle()


@pytest.fixture
def connected(ecs: Ecs) -> Ecs:
    """Return an account with a namespace, and a task definition whose port has a name."""
    return prepare(ecs)
