"""Documents about a task: task metadata version 4 and its role's credentials, for the task; its output, for people.

ECS Developer Guide, Amazon ECS task metadata endpoint version 4; Task IAM role. On AWS these are at link-local
addresses; here they are under `/_surveyor/ecs/ACCOUNT/REGION/CLUSTER/TASK/`, and the task's environment has their URLs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.state import Container, EcsState, Task
from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["read_document"]

CREDENTIALS_LIFETIME = 6 * 3_600.0  # service seconds


async def read_document(world: World, path: str) -> object | None:
    """Return the document at a path below `/_surveyor/ecs/`; None if there is none."""
    account, region, cluster, identity, *rest = (*path.split("/"), "", "", "", "")[:8]
    state = world.regional(EcsState, account, region)
    task = state.tasks.get(f"arn:aws:ecs:{region}:{account}:task/{cluster}/{identity}")
    if task is None:
        return None
    call = call_as_ecs(world, account, region)
    parts = [part for part in rest if part]
    if parts == ["credentials"]:
        return _credentials(call, task)
    if parts == ["output"]:
        return {container.definition.name: await _output(call, container) for container in task.containers}
    if parts[:1] == ["v4"] and len(parts) in (2, 3):
        container = next((container for container in task.containers if container.definition.name == parts[1]), None)
        if container is not None:
            return _metadata(task, container, parts[2] if len(parts) == 3 else "")
    return None


def _metadata(task: Task, container: Container, part: str) -> dict[str, Any] | None:
    if part == "":
        return _container_metadata(task, container)
    if part not in ("task", "taskWithTags"):
        return None
    document: dict[str, Any] = {
        "Cluster": task.cluster.arn,
        "TaskARN": task.arn,
        "Family": task.template.definition.family,
        "Revision": str(task.template.definition.revision),
        "DesiredStatus": task.desired_status,
        "KnownStatus": task.status,
        "AvailabilityZone": task.zone,
        "LaunchType": task.template.launch_type,
        "Containers": [_container_metadata(task, other) for other in task.containers],
    }
    if task.service is not None:
        document["ServiceName"] = task.service.name
    if part == "taskWithTags":
        document["TaskTags"] = dict(task.tags)
    return document


def _container_metadata(task: Task, container: Container) -> dict[str, Any]:
    network: dict[str, Any] = {"NetworkMode": task.template.definition.network_mode}
    if task.address and not task.ipv6_only:
        network["IPv4Addresses"] = [task.address]
    if task.ipv6:
        network["IPv6Addresses"] = [task.ipv6]
    return {
        "Name": container.definition.name,
        "Image": container.definition.image,
        "ContainerARN": container.arn,
        "DesiredStatus": task.desired_status,
        "KnownStatus": container.status,
        "Type": "NORMAL",
        "Networks": [network],
    }


def _credentials(call: Call, task: Task) -> dict[str, Any] | None:
    """Return credentials of the task's role, with the expiry in service time; None for a task without a role."""
    arn = str(task.overrides.get("taskRoleArn") or task.template.definition.document.get("taskRoleArn") or "")
    role = arn.rpartition("/")[2]
    if not role:
        return None
    principal = f"arn:aws:sts::{call.account}:assumed-role/{role}/{task.id}"
    grant = sessions.Grant(holder=("role", role), issuer=arn, user_id=f"AROA{task.id[:17].upper()}:{task.id}")
    session = sessions.issue(call.world, call.account, principal, CREDENTIALS_LIFETIME, grant)
    return {
        "RoleArn": arn,
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "Token": session.token,
        "Expiration": datetime.fromtimestamp(session.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def _output(call: Call, container: Container) -> str:
    return "" if container.process is None else await runtime(call.world).supervisor.output(container.process)
