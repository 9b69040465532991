"""Tasks that somebody runs, stops or asks about. Nobody registers a task of RunTask in Cloud Map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs import tags
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_service,
    find_task,
    invalid_parameter,
    make_arn,
)
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.services.rules import template
from surveyor_emulator.aws.ecs.shapes import format_task
from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.aws.ecs.tasks import lifecycle
from surveyor_emulator.aws.ecs.tasks.placement import create_task
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DescribeTasksRequestTypeDef,
        ListTasksRequestTypeDef,
        RunTaskRequestTypeDef,
        StopTaskRequestTypeDef,
    )

__all__ = ["describe_tasks", "list_tasks", "run_task", "stop_task"]

DESCRIBED_AT_ONCE = 100


def run_task(call: Call, request: RunTaskRequestTypeDef) -> Document:
    """Start tasks that belong to no service."""
    within, held = find_cluster(call, request.get("cluster")), ecs_state(call)
    token = request.get("clientToken")
    if token and ("RunTask", token) in held.tokens:
        asked, arns = held.tokens["RunTask", token]
        if asked != request:
            raise ServiceError("ConflictException", "The token was used with other parameters.", resourceIds="")
        return {"tasks": [format_task(call, held.tasks[one]) for one in arns if one in held.tasks], "failures": []}
    count = 1 if request.get("count") is None else request["count"]
    most = call.world.settings.quotas.tasks_per_run
    if not 1 <= count <= most:
        raise invalid_parameter(f"count is to be from 1 to {most}")
    wanted = template(call, within, request, for_service=False)
    given = tags.parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    group = request.get("group") or f"family:{wanted.definition.family}"
    overrides: Any = request.get("overrides") or {}
    for one in overrides.get("containerOverrides") or ():
        if wanted.definition.container(one.get("name") or "") is None:
            raise invalid_parameter("Override for container is not a container in the TaskDefinition.")
    own = call_as_ecs(call.world, call.account, call.region)
    started: list[Task] = []
    for _ in range(count):
        made = create_task(call, wanted, within, group, request.get("startedBy"))
        if made is None:
            break
        made.overrides, made.tags = overrides, dict(given)
        held.tasks[made.arn] = made
        lifecycle.launch(own, made, lambda one: _forget(own, one))
        started.append(made)
    if token:
        held.tokens["RunTask", token] = (dict(request), [one.arn for one in started])
    failures = [{"reason": "RESOURCE:MEMORY", "arn": within.arn} for _ in range(count - len(started))]
    return {"tasks": [format_task(call, one) for one in started], "failures": failures}


def stop_task(call: Call, request: StopTaskRequestTypeDef) -> Document:
    """Ask a task to stop; the answer tells it as it is when that has begun."""
    found = find_task(call, find_cluster(call, request.get("cluster")), request["task"])
    if found is None:
        raise invalid_parameter("The referenced task was not found.")
    own = call_as_ecs(call.world, call.account, call.region)

    def changed(one: Task) -> None:
        if one.service is not None:
            scheduler.run_soon(own, one.service)
        _forget(own, one)

    lifecycle.stop(own, found, "UserInitiated", request.get("reason") or "Task stopped by user", changed)
    return {"task": format_task(call, found)}


def describe_tasks(call: Call, request: DescribeTasksRequestTypeDef) -> Document:
    """Tasks by id or ARN; those that are not there are failures."""
    within = find_cluster(call, request.get("cluster"))
    if not 0 < len(request["tasks"]) <= DESCRIBED_AT_ONCE:
        raise invalid_parameter(f"1 to {DESCRIBED_AT_ONCE} tasks are described at once")
    with_tags = "TAGS" in (request.get("include") or ())
    found, failures = [], []
    for reference in request["tasks"]:
        one = find_task(call, within, reference)
        if one is None:
            full = reference if reference.startswith("arn:") else make_arn(call, "task", within.name, reference)
            failures.append({"arn": full, "reason": "MISSING"})
        else:
            told = format_task(call, one)
            found.append(told if with_tags else {**told, "tags": []})
    return {"tasks": found, "failures": failures}


def list_tasks(call: Call, request: ListTasksRequestTypeDef) -> Document:
    """ARNs, a page at a time: running ones unless stopped ones are asked for."""
    within = find_cluster(call, request.get("cluster"))
    of = find_service(call, within, request["serviceName"]) if request.get("serviceName") else None
    wanted: str = request.get("desiredStatus") or "RUNNING"
    family, by, launch = request.get("family"), request.get("startedBy"), request.get("launchType")
    instance = request.get("containerInstance")
    if wanted == "PENDING":  # ecs ListTasks: "no results", since ECS never sets it
        wanted = ""
    found = [
        one.arn
        for one in ecs_state(call).tasks.values()
        if one.cluster is within
        and one.desired_status == wanted
        and (of is None or one.service is of)
        and (family is None or one.template.definition.family == family)
        and (by is None or one.started_by == by)
        and (launch is None or one.template.launch_type == launch)
        and (instance is None or (one.instance is not None and one.instance.arn.endswith(instance)))
    ]
    shown, token = paginate(found, request)
    answer: dict[str, object] = {"taskArns": shown}
    return {**answer, "nextToken": token} if token else answer


def _forget(call: Call, one: Task) -> None:
    if one.status == "STOPPED":
        remembered = call.world.settings.task_remembered
        call.world.clock.call_later(remembered, ecs_state(call).tasks.pop, one.arn, None)
