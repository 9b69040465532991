"""Operations on tasks: run, stop, describe and list. Tasks of RunTask are not registered in Cloud Map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.lookup import (
    client_error,
    ecs_state,
    find_cluster,
    find_service,
    find_task,
    invalid_parameter,
    make_arn,
    paginate,
)
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.services.rules import build_template
from surveyor_emulator.aws.ecs.shapes import format_task
from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.aws.ecs.tags import parse_tags, tags_to_propagate
from surveyor_emulator.aws.ecs.tasks import lifecycle
from surveyor_emulator.aws.ecs.tasks.capacity_providers import choose_provider
from surveyor_emulator.aws.ecs.tasks.placement import create_task
from surveyor_emulator.aws.ecs.tasks.roles import problem_with_roles
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

MAX_DESCRIBED = 100


def run_task(call: Call, request: RunTaskRequestTypeDef) -> Document:
    """Start tasks that belong to no service."""
    cluster, state = find_cluster(call, request.get("cluster")), ecs_state(call)
    scheduler.update_hosts(call)
    token = request.get("clientToken")
    if token and ("RunTask", token) in state.tokens:
        earlier_request, arns = state.tokens["RunTask", token]
        if earlier_request != request:
            raise ServiceError("ConflictException", "The token was used with other parameters.", resourceIds=list(arns))
        return {"tasks": [format_task(call, state.tasks[arn]) for arn in arns if arn in state.tasks], "failures": []}
    count = 1 if request.get("count") is None else request["count"]
    max_count = call.world.settings.quotas.tasks_per_run
    if not 1 <= count <= max_count:
        raise invalid_parameter(f"count must be from 1 to {max_count}")
    template = build_template(call, cluster, request, for_service=False)
    tags = parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    if request.get("propagateTags") == "SERVICE":
        raise invalid_parameter("RunTask propagates the tags of the task definition only")
    propagated = tags_to_propagate(call, request.get("propagateTags"), None, template)
    group = request.get("group") or f"family:{template.definition.family}"
    overrides: Any = request.get("overrides") or {}
    for override in overrides.get("containerOverrides") or ():
        name = override.get("name") or ""
        if template.definition.container(name) is None:
            raise invalid_parameter(f"Override for container named {name} is not a container in the TaskDefinition.")
    problem = problem_with_roles(call, template.definition, overrides)
    if problem is not None:
        raise client_error(problem)
    if template.launch_type == "EC2" and not any(instance.cluster is cluster for instance in state.instances.values()):
        raise invalid_parameter("No Container Instances were found in your cluster.")
    own_call = call_as_ecs(call.world, call.account, call.region)
    started: list[Task] = []
    for _ in range(count):
        provider = choose_provider(template.capacity_provider_strategy, [task.capacity_provider for task in started])
        task = create_task(call, template, cluster, group, request.get("startedBy"), capacity_provider=provider)
        if task is None:
            break
        task.overrides, task.tags = overrides, propagated | tags
        state.tasks[task.arn] = task
        lifecycle.launch(own_call, task, partial(scheduler.task_changed, own_call))
        started.append(task)
    if token:
        state.tokens["RunTask", token] = (dict(request), [task.arn for task in started])
    failures = [{"reason": "RESOURCE:MEMORY", "arn": cluster.arn} for _ in range(count - len(started))]
    return {"tasks": [format_task(call, task) for task in started], "failures": failures}


def stop_task(call: Call, request: StopTaskRequestTypeDef) -> Document:
    """Begin to stop a task; the answer has the status that it still has."""
    task = find_task(call, find_cluster(call, request.get("cluster")), request["task"])
    if task is None:
        raise invalid_parameter("The referenced task was not found.")
    own_call = call_as_ecs(call.world, call.account, call.region)
    scheduler.stop_task(own_call, task, "UserInitiated", request.get("reason") or "Task stopped by user")
    return {"task": format_task(call, task)}


def describe_tasks(call: Call, request: DescribeTasksRequestTypeDef) -> Document:
    """Return tasks by id or ARN; unknown ones are failures."""
    cluster = find_cluster(call, request.get("cluster"))
    if not request["tasks"]:
        raise invalid_parameter("Tasks cannot be empty.")
    if len(request["tasks"]) > MAX_DESCRIBED:
        raise invalid_parameter(f"1 to {MAX_DESCRIBED} tasks are described at once")
    with_tags = "TAGS" in (request.get("include") or ())
    found, failures = [], []
    for reference in request["tasks"]:
        task = find_task(call, cluster, reference)
        if task is None:
            arn = reference if reference.startswith("arn:") else make_arn(call, "task", cluster.name, reference)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            document = format_task(call, task)
            found.append(document if with_tags else {**document, "tags": []})
    return {"tasks": found, "failures": failures}


def list_tasks(call: Call, request: ListTasksRequestTypeDef) -> Document:
    """Return ARNs of tasks, a page at a time: running ones unless stopped ones are requested."""
    cluster = find_cluster(call, request.get("cluster"))
    service = find_service(call, cluster, request["serviceName"]) if request.get("serviceName") else None
    desired_status: str = request.get("desiredStatus") or "RUNNING"
    family, started_by, launch_type = request.get("family"), request.get("startedBy"), request.get("launchType")
    instance = request.get("containerInstance")
    if desired_status == "PENDING":  # ecs ListTasks: "no results", since ECS never sets it
        desired_status = ""
    matching = [
        task.arn
        for task in ecs_state(call).tasks.values()
        if task.cluster is cluster
        and task.desired_status == desired_status
        and (service is None or task.service is service)
        and (family is None or task.template.definition.family == family)
        and (started_by is None or task.started_by == started_by)
        and (launch_type is None or task.template.launch_type == launch_type)
        and (instance is None or (task.instance is not None and task.instance.arn.endswith(instance)))
    ]
    arns, token = paginate(matching, request)
    answer: dict[str, object] = {"taskArns": arns}
    return {**answer, "nextToken": token} if token else answer
