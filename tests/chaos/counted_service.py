"""A service of others in memory, with any number of tasks, and an experiment run with it; all calls are kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from surveyor.callers import ServiceEndpoints
from surveyor.chaos.actions import ActionContext
from surveyor.chaos.experiment import Experiment, ServiceSetup
from surveyor.chaos.experiment_run import ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.safety_limits import SafetyLimits
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.chaos.undo_log import UndoLog
from surveyor.clock import ServiceClock, WallClock
from surveyor.history import Recorder
from tests.chaos.test_parts import SERVICE, UNDO_TARGET, idle_caller
from tests.history.test_reading import HEADER

FAULTS = ("task.stop", "az.lose", "service.scale", "service.deploy", "registry.deregister-live", "registry.ghost",
          "registry.ttl")  # fmt: skip
THEIRS = replace(SERVICE, temporary=False)


@dataclass
class CountedService:
    """ECS, Cloud Map and Application Auto Scaling with one service, which are as good as their own clients.

    `range`: minimum and maximum capacity of its scalable target; `refused`: the error code of reading it.
    `meanwhile`: what another user does after each StopTask. `changes`: the calls that changed something.
    """

    desired: int
    range: tuple[int, int] | None = None
    refused: str = ""
    meanwhile: Callable[[CountedService], None] = lambda service: None
    minimum_percent: int = 100
    deployments: int = 1
    primary: str = "ecs-svc/1"
    tasks: dict[str, str] = field(default_factory=dict)
    ttls: dict[str, int] = field(default_factory=lambda: {"A": 60})
    description: str = ""
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        named = ("stop_task", "update_service", "register_instance", "deregister_instance")
        self.meta = SimpleNamespace(method_to_api_mapping={name: name.title().replace("_", "") for name in named})
        self.tasks = {f"{number:032x}": "RUNNING" for number in range(self.desired)}
        self.instances = {name: {"AWS_INSTANCE_IPV4": "10.0.0.9"} for name in self.tasks}

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        return self

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """Describe the service."""
        running = len([status for status in self.tasks.values() if status == "RUNNING"])
        service = {
            "serviceArn": "arn:web",
            "status": "ACTIVE",
            "desiredCount": self.desired,
            "runningCount": running,
            "pendingCount": 0,
            "deployments": [
                {"id": self.primary, "status": "PRIMARY"},
                *[{"id": "ecs-svc/0", "status": "ACTIVE"}] * (self.deployments - 1),
            ],
            "deploymentConfiguration": {"minimumHealthyPercent": self.minimum_percent, "maximumPercent": 200},
        }
        return {"services": [service]}

    def get_paginator(self, name: str) -> Any:
        """Return a paginator of ListTasks or ListInstances, with one page."""
        if name == "list_instances":
            return SimpleNamespace(paginate=lambda **_: [{"Instances": [{"Id": name} for name in self.instances]}])
        arns = [f"arn:aws:ecs:us-east-1:111111111111:task/shop/{name}" for name, status in self.tasks.items()
                if status == "RUNNING"]  # fmt: skip
        return SimpleNamespace(paginate=lambda **_: [{"taskArns": arns}])

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        """Describe tasks, each in one of three zones."""
        found = [arn for arn in tasks if arn.rpartition("/")[2] in self.tasks]
        described = [
            {
                "taskArn": arn,
                "lastStatus": self.tasks[arn.rpartition("/")[2]],
                "desiredStatus": self.tasks[arn.rpartition("/")[2]],
                "availabilityZone": f"us-east-1{'abc'[int(arn[-2:], 16) % 3]}",
                "createdAt": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for arn in found
        ]
        return {"tasks": described}

    def describe_scalable_targets(self, *, ResourceIds: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803  # of the API
        """Describe the scalable target, if there is one."""
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": ""}}, "DescribeScalableTargets")
        if self.range is None:
            return {"ScalableTargets": []}
        bounds = {"MinCapacity": self.range[0], "MaxCapacity": self.range[1]}
        return {"ScalableTargets": [{"ResourceId": ResourceIds[0], **bounds}]}

    def stop_task(self, *, task: str, **_: Any) -> dict[str, Any]:
        """Stop a task; no other is started."""
        self.changes.append("StopTask")
        self.tasks[task.rpartition("/")[2]] = "STOPPED"
        self.meanwhile(self)
        return {}

    def update_service(self, **params: Any) -> dict[str, Any]:
        """Set the desired count, or the records of the registry."""
        if "Service" in params:
            self.changes.append("UpdateService of Cloud Map")
            changed = params["Service"]
            self.description = changed.get("Description", "")
            self.ttls = {record["Type"]: record["TTL"] for record in changed["DnsConfig"]["DnsRecords"]}
            return {}
        self.changes.append(f"UpdateService {params.get('desiredCount', 'deploys')}")
        self.desired = params.get("desiredCount", self.desired)
        if "forceNewDeployment" in params:
            self.primary = f"ecs-svc/ours-{len(self.changes)}"
        return {"service": self.describe_services()["services"][0]}

    def get_service(self, **_: Any) -> dict[str, Any]:
        """Describe the registry."""
        records = [{"Type": kind, "TTL": ttl} for kind, ttl in self.ttls.items()]
        described = {"Description": self.description} if self.description else {}
        return {"Service": {**described, "DnsConfig": {"DnsRecords": records}}}

    def get_instance(self, *, InstanceId: str, **_: Any) -> dict[str, Any]:  # noqa: N803  # of the API
        """Describe an instance."""
        if InstanceId not in self.instances:
            raise ClientError({"Error": {"Code": "InstanceNotFound", "Message": ""}}, "GetInstance")
        return {"Instance": {"Id": InstanceId, "Attributes": dict(self.instances[InstanceId])}}

    def register_instance(self, *, InstanceId: str, Attributes: dict[str, str], **_: Any) -> dict[str, Any]:  # noqa: N803  # of the API
        """Register an instance."""
        self.changes.append(f"RegisterInstance {InstanceId}")
        self.instances[InstanceId] = dict(Attributes)
        return {}

    def deregister_instance(self, *, InstanceId: str, **_: Any) -> dict[str, Any]:  # noqa: N803  # of the API
        """Deregister an instance."""
        self.changes.append(f"DeregisterInstance {InstanceId}")
        self.instances.pop(InstanceId, None)
        return {}


@contextmanager
def experiment_with(
    service: CountedService, folder: Path, limits: SafetyLimits, faults: tuple[str, ...] = FAULTS
) -> Iterator[ExperimentRun]:
    """Yield an experiment run with a service of others, without observers and callers; a second of it is at once."""
    clock = ServiceClock(100.0, WallClock(100.0, iter(number / 4 for number in range(1_000_000)).__next__))
    recorder, undo_log = Recorder(folder / "h.jsonl", HEADER, clock.now), UndoLog(folder / "undo.jsonl", UNDO_TARGET)
    yield ExperimentRun(
        experiment=Experiment("invented", "Invented.", ServiceSetup(), (), faults),
        service=THEIRS,
        endpoints=ServiceEndpoints(8080),
        clock=clock,
        context=ActionContext(service.client, None),
        recorder=recorder,
        undo_log=undo_log,
        proxy=FaultProxy(random.Random(7)),
        guard=ServiceGuard(limits, THEIRS, service.client),
        features=frozenset({"ecs", "cloudmap", "dns"}),
        seed=7,
        chance=random.Random(7),
        caller=idle_caller(recorder),
        observers=[],
        print_line=lambda line: None,
    )
    recorder.close()
    undo_log.close()
