"""Documents about a task: task metadata version 4 and its role's credentials, for the task; its output, for people.

ECS Developer Guide, Amazon ECS task metadata endpoint version 4; Task IAM role. On AWS these are at link-local
addresses; here they are under `/_surveyor/tasks/KEY/ACCOUNT/REGION/CLUSTER/TASK/`, and the task's environment has their
URLs (`own_documents`).
"""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.shapes import image_digest, mac_address
from surveyor_emulator.aws.ecs.state import Container, EcsState, Task
from surveyor_emulator.aws.ecs.task_properties import private_dns_name, vpc_of
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["read_document"]

MIN_CPU = 2
"""The CPU units of a container that asks for none."""
CREDENTIALS_LIFETIME = 6 * 3_600.0  # service seconds


async def read_document(world: World, path: str) -> object | None:
    """Return the document at a path below `/_surveyor/ecs/`, a text for the output of a task; None if there is none."""
    account, region, cluster, identity, *rest = (*path.split("/"), "", "", "", "")[:8]
    state = world.peek(EcsState, account, region)
    task = state.tasks.get(f"arn:aws:ecs:{region}:{account}:task/{cluster}/{identity}")
    if task is None:
        return None
    call = call_as_ecs(world, account, region)
    parts = [part for part in rest if part]
    if parts == ["credentials"]:
        return _credentials(call, task)
    if parts == ["output"]:
        return await _output(call, task)
    if parts[:1] == ["v4"] and len(parts) in (2, 3):
        container = next((container for container in task.containers if container.definition.name == parts[1]), None)
        if container is not None:
            return _metadata(call, task, container, parts[2] if len(parts) == 3 else "")
    return None


def _metadata(call: Call, task: Task, container: Container, part: str) -> dict[str, Any] | None:
    if part == "":
        return _container_metadata(call, task, container)
    if part not in ("task", "taskWithTags"):
        return None
    definition = task.template.definition
    document: dict[str, Any] = {
        "Cluster": task.cluster.arn,
        "TaskARN": task.arn,
        "Family": definition.family,
        "Revision": str(definition.revision),
        "DesiredStatus": task.desired_status,
        "KnownStatus": task.status,
        "Limits": {
            name: amount
            for name, amount in (
                ("CPU", int(definition.document.get("cpu") or 0) / 1_024),
                ("Memory", int(definition.document.get("memory") or 0)),
            )
            if amount
        },
        "PullStartedAt": _moment(task.pull_started),
        "PullStoppedAt": _moment(task.pull_stopped),
        "AvailabilityZone": task.zone,
        "LaunchType": task.template.launch_type,
        "VPCID": vpc_of(call, task) or "",
        "FaultInjectionEnabled": bool(definition.document.get("enableFaultInjection")),
        "Containers": [_container_metadata(call, task, other) for other in task.containers],
    }
    if task.service is not None:
        document["ServiceName"] = task.service.name
    if part == "taskWithTags":
        document["TaskTags"] = dict(task.tags)
    return document


def _container_metadata(call: Call, task: Task, container: Container) -> dict[str, Any]:
    definition, family = container.definition, task.template.definition.family
    identity = f"{task.id}-{int(hashlib.sha256(container.arn.encode()).hexdigest()[:8], 16):010d}"
    document: dict[str, Any] = {
        "DockerId": identity,
        "Name": definition.name,
        "DockerName": definition.name,
        "Image": definition.image,
        "ImageID": image_digest(definition.image),
        "Labels": {
            "com.amazonaws.ecs.cluster": task.cluster.arn,
            "com.amazonaws.ecs.container-name": definition.name,
            "com.amazonaws.ecs.task-arn": task.arn,
            "com.amazonaws.ecs.task-definition-family": family,
            "com.amazonaws.ecs.task-definition-version": str(task.template.definition.revision),
            **(definition.document.get("dockerLabels") or {}),
        },
        "ContainerARN": container.arn,
        "DesiredStatus": task.desired_status,
        "KnownStatus": container.status,
        "Limits": {"CPU": int(definition.document["cpu"]) or MIN_CPU, "Memory": definition.memory},
        "CreatedAt": _moment(task.pull_stopped),
        "Type": "NORMAL",
        "Networks": [_network(call, task)],
    }
    if container.started is not None:
        document["StartedAt"] = _moment(container.started)
    if definition.health is not None:
        document["Health"] = {"status": container.health}
        if container.health_since is not None:
            document["Health"]["statusSince"] = _moment(container.health_since)
    if container.exit_code is not None:
        document["ExitCode"] = container.exit_code
    return document


def _network(call: Call, task: Task) -> dict[str, Any]:
    document: dict[str, Any] = {"NetworkMode": task.template.definition.network_mode}
    if task.address and not task.ipv6_only:
        document["IPv4Addresses"] = [task.address]
    if task.ipv6:
        document["IPv6Addresses"] = [task.ipv6]
    if task.subnet is None:
        return document
    document |= {"AttachmentIndex": 0, "MACAddress": mac_address(task)}
    subnet = ec2_state(call.world, call.account, call.region).subnets.get(task.subnet)
    if task.address and subnet is not None and not task.ipv6_only:
        document |= {
            "IPv4SubnetCIDRBlock": str(subnet.cidr),
            "PrivateDNSName": private_dns_name(call.region, task.address),
            "SubnetGatewayIpv4Address": f"{subnet.cidr[1]}/{subnet.cidr.prefixlen}",
        }
    return document


def _moment(moment: float | None) -> str | None:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


def _credentials(call: Call, task: Task) -> dict[str, Any] | None:
    """Return credentials of the task's role; None for a task without one.

    The expiry is by the clock of the process, which renews them in time: wall time where the clock of the target flows.
    """
    arn = str(task.overrides.get("taskRoleArn") or task.template.definition.document.get("taskRoleArn") or "")
    role = arn.rpartition("/")[2]
    if not role:
        return None
    arn = arn if arn.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
    principal = f"arn:aws:sts::{call.account}:assumed-role/{role}/{task.id}"
    found = moto_store.role(arn)
    unique_id = found.id if found is not None else "AROA"  # a deleted role has no rights, as a session of it on AWS
    grant = sessions.Grant(holder=("role", role), issuer=arn, user_id=f"{unique_id}:{task.id}")
    session = sessions.issue(call.world, call.account, principal, CREDENTIALS_LIFETIME, grant)
    scale = call.world.clock.scale
    expires = session.expires if scale is None else time.time() + CREDENTIALS_LIFETIME / scale
    return {
        "RoleArn": arn,
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "Token": session.token,
        "Expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def _output(call: Call, task: Task) -> str:
    """Return what the containers of a task have written; of several, each line begins with the container's name."""
    supervisor = runtime(call.world).supervisor
    written = {
        container.definition.name: await supervisor.output(container.process)
        for container in task.containers
        if container.process is not None
    }
    if len(task.containers) == 1:
        return "".join(written.values())
    return "".join(f"{name}: {line}\n" for name, text in written.items() for line in text.splitlines())
