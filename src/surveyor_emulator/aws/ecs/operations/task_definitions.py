"""Task definitions: families of revisions that never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs import tags
from surveyor_emulator.aws.ecs import task_definition_rules as definition_rules
from surveyor_emulator.aws.ecs.lookup import (
    client_error,
    ecs_state,
    find_task_definition,
    invalid_parameter,
    make_arn,
)
from surveyor_emulator.aws.ecs.state import TaskDefinition
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


def register_task_definition(call: Call, request: RegisterTaskDefinitionRequestTypeDef) -> Document:
    """Add a revision to a family."""
    given = definition_rules.check(request)
    family = request["family"]
    revisions = ecs_state(call).families.setdefault(family, [])
    number = (revisions[-1].revision if revisions else 0) + 1
    made = TaskDefinition(
        make_arn(call, "task-definition", f"{family}:{number}"),
        family,
        number,
        given.network_mode,
        given.containers,
        given.document,
        registered=call.now,
        registered_by=call.principal,
    )
    held_tags = tags.parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    revisions.append(made)
    if held_tags:
        ecs_state(call).tags[made.arn] = held_tags
    call.note("task-definition.registered", made.arn.rpartition("/")[2])
    return {"taskDefinition": _describe(made), "tags": tags.format_tags(held_tags)}


def describe_task_definition(call: Call, request: DescribeTaskDefinitionRequestTypeDef) -> Document:
    """One revision, or the latest active one of a family."""
    found = find_task_definition(call, request["taskDefinition"])
    answer: dict[str, object] = {"taskDefinition": _describe(found)}
    if "TAGS" in (request.get("include") or ()):
        answer["tags"] = tags.format_tags(ecs_state(call).tags.get(found.arn, {}))
    return answer


def deregister_task_definition(call: Call, request: DeregisterTaskDefinitionRequestTypeDef) -> Document:
    """Make a revision INACTIVE: what runs of it goes on, nothing new is started from it."""
    if ":" not in request["taskDefinition"].rpartition("/")[2]:
        raise invalid_parameter("a revision is to be named: family:revision")
    found = find_task_definition(call, request["taskDefinition"])
    if found.status == "DELETE_IN_PROGRESS":
        raise client_error("The specified task definition is being deleted.")
    found.status, found.deregistered = "INACTIVE", call.now
    return {"taskDefinition": _describe(found)}


def delete_task_definitions(call: Call, request: DeleteTaskDefinitionsRequestTypeDef) -> Document:
    """Delete inactive revisions; those that are still needed are told as DELETE_IN_PROGRESS until they are not."""
    wanted = request["taskDefinitions"]
    if len(wanted) > 10:
        raise invalid_parameter("at most 10 task definitions are deleted at once")
    deleted, failures = [], []
    for reference in wanted:
        try:
            found = find_task_definition(call, reference)
        except Exception:  # noqa: BLE001  # whatever is wrong with one, the others are deleted
            failures.append({"arn": reference, "reason": "MISSING"})
            continue
        if found.status == "ACTIVE":
            failures.append(
                {"arn": found.arn, "reason": "The specified task definition is still in ACTIVE status. Deregister it."}
            )
            continue
        found.status = "DELETE_IN_PROGRESS"
        deleted.append(_describe(found))
        if not _used(call, found):
            ecs_state(call).families[found.family].remove(found)
    return {"taskDefinitions": deleted, "failures": failures}


def _used(call: Call, of: TaskDefinition) -> bool:
    held = ecs_state(call)
    deployed = (
        deployment.template.definition
        for one in held.services.values()
        if one.status != "INACTIVE"
        for deployment in one.deployments
    )
    return any(one is of for one in deployed) or any(one.template.definition is of for one in held.tasks.values())


def list_task_definitions(call: Call, request: ListTaskDefinitionsRequestTypeDef) -> Document:
    """ARNs, a page at a time."""
    wanted, prefix = request.get("status") or "ACTIVE", request.get("familyPrefix")
    families = ecs_state(call).families
    found = [
        one.arn
        for family in sorted(families)
        if prefix is None or family == prefix
        for one in families[family]
        if one.status == wanted
    ]
    if request.get("sort") == "DESC":
        found.reverse()
    shown, token = paginate(found, request)
    answer: dict[str, object] = {"taskDefinitionArns": shown}
    return {**answer, "nextToken": token} if token else answer


def list_task_definition_families(call: Call, request: ListTaskDefinitionFamiliesRequestTypeDef) -> Document:
    """Names, a page at a time; ACTIVE are those with an active revision."""
    wanted, prefix = request.get("status") or "ALL", request.get("familyPrefix") or ""
    found = []
    for family, revisions in sorted(ecs_state(call).families.items()):
        active = any(one.status == "ACTIVE" for one in revisions)
        if family.startswith(prefix) and revisions and (wanted == "ALL" or active == (wanted == "ACTIVE")):
            found.append(family)
    shown, token = paginate(found, request)
    answer: dict[str, object] = {"families": shown}
    return {**answer, "nextToken": token} if token else answer


def _describe(of: TaskDefinition) -> dict[str, Any]:
    told = {
        **of.document,
        "taskDefinitionArn": of.arn,
        "family": of.family,
        "revision": of.revision,
        "status": of.status,
        "networkMode": of.network_mode,
        "containerDefinitions": [one.document for one in of.containers],
        "registeredAt": of.registered,
        "registeredBy": of.registered_by,
    }
    if of.deregistered is not None:
        told["deregisteredAt"] = of.deregistered
    return told
