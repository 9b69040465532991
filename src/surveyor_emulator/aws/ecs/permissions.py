"""Which action on which resource a request to ECS is, the condition keys that it has, and which roles it hands on.

Service Authorization Reference, Actions, resources, and condition keys for Amazon Elastic Container Service; IAM User
Guide, Grant a user permissions to pass a role to an AWS service. Actions whose resource depends on nothing in the
request are asked about on `*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.iam.permission_request import Keys, PermissionRequest, tags_of_resource
from surveyor_emulator.core.world import Call

from .state import EcsState

__all__ = ["permission_requests"]

_CLUSTERS = {"DeleteCluster": "cluster", "UpdateCluster": "cluster", "CreateCluster": "clusterName"}
_SERVICES = {"CreateService": "serviceName", "UpdateService": "service", "DeleteService": "service"}
_MANY = {"DescribeServices": ("service", "services"), "DescribeTasks": ("task", "tasks")}
_SETS = {"DeleteTaskSet": "taskSet", "UpdateTaskSet": "taskSet", "UpdateServicePrimaryTaskSet": "primaryTaskSet"}
_LISTS = {"ListServices", "ListTasks", "ListContainerInstances", "DescribeTaskSets", "CreateTaskSet"}
_TO_TASKS, _TO_ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"


def permission_requests(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield what must be allowed, all of it: the action itself, and `iam:PassRole` for each role that it passes."""
    yield from _own_action(call, params)
    yield from _passed_roles(call, params)


def _own_action(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    operation = call.operation
    cluster = _cluster(call, params)
    within: Keys = {"ecs:cluster": (cluster,)}
    if operation in _CLUSTERS:
        yield _on(call, _arn(call, "cluster", str(params.get(_CLUSTERS[operation]) or "default")), {})
    elif operation == "DescribeClusters":
        for name in params.get("clusters") or ["default"]:
            yield _on(call, _arn(call, "cluster", str(name)), {})
    elif operation in _SERVICES:
        keys = {**within, **_namespace(call, cluster, params)}
        yield _on(call, _inside(call, "service", cluster, str(params[_SERVICES[operation]])), keys)
    elif operation in _MANY:
        kind, member = _MANY[operation]
        for name in params[member]:
            yield _on(call, _inside(call, kind, cluster, str(name)), within)
    elif operation == "StopTask":
        yield _on(call, _inside(call, "task", cluster, str(params["task"])), within)
    elif operation == "RunTask":
        yield _on(call, _definition(call, str(params["taskDefinition"])), within)
    elif operation in _SETS:
        service: Keys = {"ecs:service": (_inside(call, "service", cluster, str(params["service"])),)}
        yield _on(call, str(params[_SETS[operation]]), {**within, **service})
    elif operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        yield _on(call, str(params["resourceArn"]), {})
    else:
        yield PermissionRequest("*", within if operation in _LISTS else {})


def _passed_roles(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the roles that a request passes, each with the service that receives it."""
    given: list[tuple[object, str]] = []
    if call.operation == "RegisterTaskDefinition":
        given = [(params.get(name), _TO_TASKS) for name in ("taskRoleArn", "executionRoleArn")]
    elif call.operation == "RunTask":
        overrides = params.get("overrides") or {}
        given = [(overrides.get(name), _TO_TASKS) for name in ("taskRoleArn", "executionRoleArn")]
    elif call.operation == "CreateService" and not params.get("serviceRegistries"):  # with them it is refused anyway
        given = [(params.get("role"), _TO_ECS)]
    for role, service in given:
        if role:
            arn = str(role) if str(role).startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
            yield PermissionRequest(arn, {"iam:PassedToService": (service,)}, "iam:PassRole")


def _on(call: Call, arn: str, keys: Keys) -> PermissionRequest:
    state = call.world.regional(EcsState, call.account, call.region)
    task = state.tasks.get(arn)
    return PermissionRequest(
        arn, {**keys, **tags_of_resource(task.tags if task is not None else state.tags.get(arn, {}))}
    )


def _namespace(call: Call, cluster: str, params: Mapping[str, Any]) -> Keys:
    """`ecs:namespace`: the ARN of the namespace of a Service Connect configuration."""
    connect = params.get("serviceConnectConfiguration") or {}
    if not connect.get("enabled"):
        return {}
    held = call.world.regional(EcsState, call.account, call.region).clusters.get(cluster.rpartition("/")[2])
    name = str(connect.get("namespace") or (held.connect_namespace if held is not None else "") or "")
    found = call.world.regional(CloudMapState, call.account, call.region).namespaces_by_http_name.get(name)
    arn = found.arn if found is not None else name
    return {"ecs:namespace": (arn,)} if arn else {}


def _cluster(call: Call, params: Mapping[str, Any]) -> str:
    return _arn(call, "cluster", str(params.get("cluster") or "default"))


def _inside(call: Call, kind: str, cluster: str, reference: str) -> str:
    return _arn(call, f"{kind}/{cluster.rpartition('/')[2]}", reference)


def _definition(call: Call, reference: str) -> str:
    """A family alone is its latest revision."""
    if reference.startswith("arn:") or ":" in reference:
        return _arn(call, "task-definition", reference)
    revisions = call.world.regional(EcsState, call.account, call.region).families.get(reference, [])
    latest = next((one.revision for one in reversed(revisions) if one.status == "ACTIVE"), 1)
    return _arn(call, "task-definition", f"{reference}:{latest}")


def _arn(call: Call, kind: str, reference: str) -> str:
    return reference if reference.startswith("arn:") else f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{reference}"
