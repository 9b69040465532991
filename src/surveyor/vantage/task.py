"""The task of a vantage: its definition, its start, and why it ended."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from msgspec import Struct
from msgspec.structs import replace

from surveyor import timeouts
from surveyor.account.refusals import describe_refusal
from surveyor.account.tags import run_prefix
from surveyor.errors import TargetUnavailable, WrongAnswer
from surveyor.response import member
from surveyor.targets.running import RunningTarget
from surveyor.vantage.mailbox import Mailbox
from surveyor.vantage.places import VantagePlace
from surveyor_agents import vantage as program

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = ["IDLE", "VANTAGE", "TaskProgram", "VantageTask", "key_of", "public_address", "start_task", "why_ended"]

RUN_KEY = os.environ.setdefault("SURVEYOR_RUN_KEY", secrets.token_hex(32))
"""What commands and answers of this run are sealed with; the processes of a run inherit it."""

STARTS_WITHIN = timeouts.Undocumented(420.0)
"""Service seconds until the first word of a vantage, or until its task has stopped. Fargate takes 19 to 70 s; where an
image cannot be pulled ECS says so after its last attempt, three to four minutes later (answers in public repositories
that `surveyor_emulator.core.settings` cites)."""

IDLE = 1_800.0
"""Service seconds without a command after which a vantage ends: areas of a run may ask for no name and call no task."""

_WAY_OUT = (
    "the task needs a way to public.ecr.aws and to S3: name subnets whose route table leads to an internet gateway or "
    "a NAT gateway"
)


@dataclass(frozen=True)
class TaskProgram:
    """A program that answers in a mailbox, and its task: size, image, the ARN of its role (none by default).

    `command`: makes the words that start it, which carry its source; that takes a moment.
    `name`: of cluster, family and container; `title`: in messages. `idle`: service seconds without a command after
    which it ends, 0 for `IDLE`. `way_out`: what it needs to start. `patience`: seconds between SIGTERM and SIGKILL when
    the task is stopped. `groups`: security groups beside that of the run.
    """

    command: Callable[[], Sequence[str]]
    endings: Mapping[int, str]
    idle: float = 0.0
    name: str = "vantage"
    title: str = "the vantage"
    image: str = "public.ecr.aws/docker/library/python:3.13-alpine"
    cpu: str = "256"
    memory: str = "512"
    role: str = ""
    groups: tuple[str, ...] = ()
    patience: int = 30
    way_out: str = _WAY_OUT


VANTAGE = TaskProgram(program.command, program.ENDINGS)
"""Any Python image will do: the task definition's command carries the program."""


class VantageTask(Struct, frozen=True):
    """A task that was started. `session`: begins its objects in the mailbox.

    `address`, `resolver` and the version of `python`: by its first word.
    """

    session: str
    cluster: str
    arn: str
    place: str
    address: str = ""
    resolver: str = ""
    python: str = ""


def key_of(session: str) -> bytes:
    """Return the key of one task: messages to another task of the run are not taken for its own."""
    return hmac.digest(bytes.fromhex(RUN_KEY), session.encode(), hashlib.sha256)


def start_task(
    running: RunningTarget,
    mailbox: Mailbox,
    place: VantagePlace,
    session: str,
    run: str,
    groups: Mapping[str, str],
    of: TaskProgram = VANTAGE,
) -> VantageTask:
    """Start the task and return it once it has put its first word into the mailbox.

    `groups`: the security groups by purpose, {} for the default one. Raises TargetUnavailable with ECS's reason.
    """
    account = running.target.account or ""
    ecs: ECSClient = running.clients.client("ecs", account)
    prefix = run_prefix(run)
    environment = {
        program.KEY: key_of(session).hex(),
        program.HELLO: mailbox.url("PUT", f"{session}/answer/0"),
        program.FIRST: mailbox.url("GET", f"{session}/command/1"),
        program.RUN: prefix,
        program.IDLE: f"{of.idle or IDLE:g}",
    }
    container = {
        "name": of.name,
        "image": of.image,
        "essential": True,
        "command": list(of.command()),
        "stopTimeout": of.patience,
        "environment": [{"name": name, "value": value} for name, value in environment.items()],
    }
    definition: dict[str, Any] = {
        "family": f"{prefix}{of.name}-{session}", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": of.cpu, "memory": of.memory, "containerDefinitions": [container],
        **({"taskRoleArn": of.role} if of.role else {}),
    }  # fmt: skip
    network: Any = {
        "subnets": list(place.subnets),
        "assignPublicIp": "ENABLED" if place.public else "DISABLED",
        **({"securityGroups": [groups["vantage"], *of.groups]} if groups else {}),
    }
    capacity = running.target.place.capacity
    launch: Any = (
        {"capacityProviderStrategy": [{"capacityProvider": capacity}]} if capacity else {"launchType": "FARGATE"}
    )
    try:
        cluster = running.target.place.cluster or _cluster(ecs, f"{prefix}{of.name}")
        registered = ecs.register_task_definition(**definition)
        arn = str(member(registered, "taskDefinition", "taskDefinitionArn", of="RegisterTaskDefinition"))
        answer = ecs.run_task(
            cluster=cluster, taskDefinition=arn, networkConfiguration={"awsvpcConfiguration": network}, **launch
        )
    except ClientError as error:
        why = describe_refusal(error.operation_name, error.response)
        code, text = error.response["Error"].get("Code"), error.response["Error"].get("Message")
        reason = why[1] if why else f"{error.operation_name} was refused with {code}: {text}"
        raise TargetUnavailable(f"{of.title} cannot start {place.describe()}: {' '.join(reason.split())}") from None
    if not answer.get("tasks"):
        failures = "; ".join(" ".join(map(str, failure.values())) for failure in answer.get("failures") or [{}])
        raise TargetUnavailable(f"{of.title} cannot start {place.describe()}: RunTask started none: {failures}")
    task = VantageTask(session, cluster, str(answer["tasks"][0]["taskArn"]), place.describe())
    return _await_first_word(running, mailbox, task, of)


def why_ended(running: RunningTarget, task: VantageTask, of: TaskProgram = VANTAGE) -> str | None:
    """Return why the task has ended, with ECS's reason verbatim; None while it has not, or is not described yet.

    A task that has reported was described: ECS describes those that have stopped for an hour (ecs/DescribeTasks).
    """
    ecs: ECSClient = running.clients.client("ecs", running.target.account or "")
    found = member(ecs.describe_tasks(cluster=task.cluster, tasks=[task.arn]), "tasks", of="DescribeTasks")
    if not found and task.address:
        return "it ended long ago, and ECS does not describe it any more"
    described: Any = found[0] if found else {}
    if "STOPPED" not in (described.get("desiredStatus"), described.get("lastStatus")):
        return None
    reason = " ".join(str(described.get("stoppedReason") or "it was stopped").split())
    codes = [container.get("exitCode") for container in described.get("containers") or ()]
    meaning = next((of.endings[code] for code in codes if code in of.endings), "")
    return f"{reason} ({meaning})" if meaning else reason


def public_address(running: RunningTarget, task: VantageTask) -> str:
    """Return the public address of a task's network interface."""
    account = running.target.account or ""
    ecs, ec2 = running.clients.client("ecs", account), running.clients.client("ec2", account)

    def found() -> str | None:
        tasks = member(ecs.describe_tasks(cluster=task.cluster, tasks=[task.arn]), "tasks", of="DescribeTasks")
        details = [detail for entry in tasks for part in entry.get("attachments") or () for detail in part["details"]]
        ids = [detail["value"] for detail in details if detail.get("name") == "networkInterfaceId"]
        described = ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"] if ids else []
        return next((str(entry["Association"]["PublicIp"]) for entry in described if entry.get("Association")), None)

    return running.clock.eventually(found, within=timeouts.READS)


def _cluster(ecs: ECSClient, name: str) -> str:
    """Return the cluster of the run's vantages, which CreateCluster makes once (ecs/CreateCluster)."""
    return str(member(ecs.create_cluster(clusterName=name), "cluster", "clusterName", of="CreateCluster"))


def _await_first_word(running: RunningTarget, mailbox: Mailbox, task: VantageTask, of: TaskProgram) -> VantageTask:
    key = f"{task.session}/answer/0"

    def word_or_end() -> tuple[bytes, str] | None:
        word = mailbox.get(key)
        why = why_ended(running, task, of) if word is None else None
        return (word or b"", why or "") if word is not None or why is not None else None

    try:
        word, why = running.clock.eventually(word_or_end, within=STARTS_WITHIN)
    except WrongAnswer:
        word, why = b"", f"it had not reported after {STARTS_WITHIN:g} seconds"
    if why:
        raise TargetUnavailable(f"{of.title} cannot start {task.place}: {why}; {of.way_out}")
    try:
        facts = program.unseal(key_of(task.session), "answer", 0, word)
    except (program.Forged, ValueError) as error:
        raise TargetUnavailable(f"the first word of {of.title} in {mailbox.bucket} is not its own: {error}") from None
    return replace(task, address=str(facts["address"]), resolver=str(facts["resolver"]), python=str(facts["python"]))
