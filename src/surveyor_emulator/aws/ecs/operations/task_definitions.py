"""Operations on task definitions: families of revisions that never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.lookup import (
    client_error,
    ecs_state,
    find_task_definition,
    invalid_parameter,
    make_arn,
    paginate,
)
from surveyor_emulator.aws.ecs.state import TaskDefinition
from surveyor_emulator.aws.ecs.tags import format_tags, parse_tags
from surveyor_emulator.aws.ecs.task_definition_rules import parse_definition
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DeleteTaskDefinitionsRequestTypeDef,
        DeregisterTaskDefinitionRequestTypeDef,
        DescribeTaskDefinitionRequestTypeDef,
        ListTaskDefinitionFamiliesRequestTypeDef,
        ListTaskDefinitionsRequestTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
    )

__all__ = [
    "delete_task_definitions",
    "deregister_task_definition",
    "describe_task_definition",
    "list_task_definition_families",
    "list_task_definitions",
    "register_task_definition",
]

MAX_DELETED = 10


def register_task_definition(call: Call, request: RegisterTaskDefinitionRequestTypeDef) -> Document:
    """Add a revision to a family."""
    parsed = parse_definition(request)
    family = request["family"]
    state = ecs_state(call)
    tags = parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    number = state.revisions[family] = state.revisions.get(family, 0) + 1
    definition = TaskDefinition(
        make_arn(call, "task-definition", f"{family}:{number}"),
        family,
        number,
        parsed.network_mode,
        parsed.containers,
        parsed.document,
        registered=call.now,
        registered_by=call.principal,
    )
    state.families.setdefault(family, []).append(definition)
    state.tags[definition.arn] = tags
    call.note("task-definition.registered", definition.arn.rpartition("/")[2])
    return {"taskDefinition": _describe(definition), "tags": format_tags(tags)}


def describe_task_definition(call: Call, request: DescribeTaskDefinitionRequestTypeDef) -> Document:
    """Return one revision, or the latest active one of a family."""
    definition = find_task_definition(call, request["taskDefinition"], "Unable to describe task definition.")
    answer: dict[str, object] = {"taskDefinition": _describe(definition)}
    if "TAGS" in (request.get("include") or ()):
        answer["tags"] = format_tags(ecs_state(call).tags.get(definition.arn, {}))
    return answer


def deregister_task_definition(call: Call, request: DeregisterTaskDefinitionRequestTypeDef) -> Document:
    """Make a revision INACTIVE: its tasks continue to run, and no new ones are started from it."""
    if ":" not in request["taskDefinition"].rpartition("/")[2]:
        raise invalid_parameter("a revision is needed: family:revision")
    definition = find_task_definition(call, request["taskDefinition"], "The specified task definition does not exist.")
    if definition.status == "DELETE_IN_PROGRESS":
        raise client_error("The specified task definition is being deleted.")
    definition.status, definition.deregistered = "INACTIVE", call.now
    return {"taskDefinition": _describe(definition)}


def delete_task_definitions(call: Call, request: DeleteTaskDefinitionsRequestTypeDef) -> Document:
    """Delete inactive revisions; those in use stay DELETE_IN_PROGRESS."""
    references = request["taskDefinitions"]
    if len(references) > MAX_DELETED:
        raise invalid_parameter(f"at most {MAX_DELETED} task definitions are deleted at once")
    deleted, failures = [], []
    for reference in references:
        try:
            definition = find_task_definition(call, reference)
        except ServiceError:
            failures.append({"arn": reference, "reason": "MISSING"})
            continue
        if definition.status == "ACTIVE":
            reason = "The specified task definition is still in ACTIVE status. Deregister it."
            failures.append({"arn": definition.arn, "reason": reason})
            continue
        definition.status, definition.delete_requested = "DELETE_IN_PROGRESS", call.now
        deleted.append(_describe(definition))
        if not _is_used(call, definition):
            ecs_state(call).families[definition.family].remove(definition)
    return {"taskDefinitions": deleted, "failures": failures}


def _is_used(call: Call, definition: TaskDefinition) -> bool:
    state = ecs_state(call)
    return any(
        deployment.template.definition is definition
        for service in state.services.values()
        if service.status != "INACTIVE"
        for deployment in service.deployments
    ) or any(task.template.definition is definition for task in state.tasks.values())


def list_task_definitions(call: Call, request: ListTaskDefinitionsRequestTypeDef) -> Document:
    """Return ARNs of revisions, a page at a time."""
    status, prefix = request.get("status") or "ACTIVE", request.get("familyPrefix")
    families = ecs_state(call).families
    matching = [
        revision.arn
        for family in sorted(families)
        if prefix is None or family == prefix
        for revision in families[family]
        if revision.status == status
    ]
    if request.get("sort") == "DESC":
        matching.reverse()
    arns, token = paginate(matching, request)
    answer: dict[str, object] = {"taskDefinitionArns": arns}
    return {**answer, "nextToken": token} if token else answer


def list_task_definition_families(call: Call, request: ListTaskDefinitionFamiliesRequestTypeDef) -> Document:
    """Return names of families, a page at a time; a family is ACTIVE if one of its revisions is."""
    status, prefix = request.get("status") or "ALL", request.get("familyPrefix") or ""
    matching = []
    for family, revisions in sorted(ecs_state(call).families.items()):
        is_active = any(revision.status == "ACTIVE" for revision in revisions)
        if family.startswith(prefix) and revisions and (status == "ALL" or is_active == (status == "ACTIVE")):
            matching.append(family)
    names, token = paginate(matching, request)
    answer: dict[str, object] = {"families": names}
    return {**answer, "nextToken": token} if token else answer


def _describe(definition: TaskDefinition) -> dict[str, Any]:
    document = {
        **definition.document,
        "taskDefinitionArn": definition.arn,
        "family": definition.family,
        "revision": definition.revision,
        "status": definition.status,
        "networkMode": definition.network_mode,
        "containerDefinitions": [container.document for container in definition.containers],
        "registeredAt": definition.registered,
        "registeredBy": definition.registered_by,
    }
    ends = {"deregisteredAt": definition.deregistered, "deleteRequestedAt": definition.delete_requested}
    return document | {key: moment for key, moment in ends.items() if moment is not None}
