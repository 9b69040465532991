"""What a task can ask about itself: task metadata version 4, its role's credentials; and its output, for people.

ECS Developer Guide, Amazon ECS task metadata endpoint version 4; Task IAM role. On AWS these are at link-local
addresses; here they are under `/_surveyor/ecs/ACCOUNT/REGION/CLUSTER/TASK/`, where the environment points.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.shapes import format_task
from surveyor_emulator.aws.ecs.state import Container, EcsState, Task
from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["answer"]

CREDENTIALS_HOLD = 6 * 3_600.0


async def answer(world: World, path: str) -> object | None:
    """The document at a path below `/_surveyor/ecs/`; None where there is none."""
    account, region, cluster, identity, *rest = (*path.split("/"), "", "", "", "")[:8]
    held = world.regional(EcsState, account, region)
    task = held.tasks.get(f"arn:aws:ecs:{region}:{account}:task/{cluster}/{identity}")
    if task is None:
        return None
    call = call_as_ecs(world, account, region)
    what = [one for one in rest if one]
    if what == ["credentials"]:
        return _credentials(call, task)
    if what == ["output"]:
        return {one.definition.name: await _output(call, one) for one in task.containers}
    if what[:1] == ["v4"] and len(what) in (2, 3):
        container = next((one for one in task.containers if one.definition.name == what[1]), None)
        if container is not None:
            return _metadata(call, task, container, what[2] if len(what) == 3 else "")
    return None


def _metadata(call: Call, task: Task, container: Container, part: str) -> dict[str, Any] | None:
    if part == "":
        return _container(task, container)
    if part in ("task", "taskWithTags"):
        told = format_task(call, task)
        found: dict[str, Any] = {
            "Cluster": task.cluster.arn,
            "TaskARN": task.arn,
            "Family": task.template.definition.family,
            "Revision": str(task.template.definition.revision),
            "DesiredStatus": task.desired_status,
            "KnownStatus": task.status,
            "AvailabilityZone": task.zone,
            "LaunchType": task.template.launch_type,
            "Containers": [_container(task, one) for one in task.containers],
        }
        if task.service is not None:
            found["ServiceName"] = task.service.name
        if part == "taskWithTags":
            found["TaskTags"] = {one["key"]: one["value"] for one in told["tags"]}
        return found
    return None


def _container(task: Task, of: Container) -> dict[str, Any]:
    network: dict[str, Any] = {"NetworkMode": task.template.definition.network_mode}
    if task.address and not task.ipv6_only:
        network["IPv4Addresses"] = [task.address]
    if task.ipv6:
        network["IPv6Addresses"] = [task.ipv6]
    return {
        "Name": of.definition.name,
        "Image": of.definition.image,
        "ContainerARN": of.arn,
        "DesiredStatus": task.desired_status,
        "KnownStatus": of.status,
        "Type": "NORMAL",
        "Networks": [network],
    }


def _credentials(call: Call, task: Task) -> dict[str, Any] | None:
    """Those of the task's role, in service time."""
    definition = task.template.definition.document
    arn = str(task.overrides.get("taskRoleArn") or definition.get("taskRoleArn") or "")
    role = arn.rpartition("/")[2]
    if not role:
        return None
    principal = f"arn:aws:sts::{call.account}:assumed-role/{role}/{task.id}"
    grant = sessions.Grant(holder=("role", role), issuer=arn, user_id=f"AROA{task.id[:17].upper()}:{task.id}")
    made = sessions.issue(call.world, call.account, principal, CREDENTIALS_HOLD, grant)
    return {
        "RoleArn": arn,
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret,
        "Token": made.token,
        "Expiration": datetime.fromtimestamp(made.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def _output(call: Call, of: Container) -> str:
    return "" if of.process is None else await runtime(call.world).supervisor.output(of.process)
