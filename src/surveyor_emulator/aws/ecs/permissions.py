"""The permissions that requests to ECS need: resources, condition keys, and roles that are passed.

Service Authorization Reference, Actions, resources, and condition keys for Amazon Elastic Container Service; IAM User
Guide, Grant a user permissions to pass a role to an AWS service. An action whose resource does not depend on the
request needs permission on `*`.
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
_DESCRIBES = {"DescribeServices": ("service", "services"), "DescribeTasks": ("task", "tasks")}
_TASK_SETS = {"DeleteTaskSet": "taskSet", "UpdateTaskSet": "taskSet", "UpdateServicePrimaryTaskSet": "primaryTaskSet"}
_IN_CLUSTER = {"ListServices", "ListTasks", "ListContainerInstances", "DescribeTaskSets", "CreateTaskSet"}
_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"


def permission_requests(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the permissions of a call, all of which must be allowed.

    They are the action itself, and `iam:PassRole` for each role that the request passes.
    """
    yield from _own_action(call, params)
    yield from _passed_roles(call, params)


def _own_action(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    operation = call.operation
    cluster = _cluster_arn(call, params)
    within: Keys = {"ecs:cluster": (cluster,)}
    if operation in _CLUSTERS:
        yield _on(call, _arn(call, "cluster", str(params.get(_CLUSTERS[operation]) or "default")), {})
    elif operation == "DescribeClusters":
        for name in params.get("clusters") or ["default"]:
            yield _on(call, _arn(call, "cluster", str(name)), {})
    elif operation in _SERVICES:
        keys = {**within, **_namespace_keys(call, cluster, params), **_service_keys(call, params)}
        yield _on(call, _arn_in_cluster(call, "service", cluster, str(params[_SERVICES[operation]])), keys)
    elif operation in _DESCRIBES:
        kind, member = _DESCRIBES[operation]
        for name in params[member]:
            yield _on(call, _arn_in_cluster(call, kind, cluster, str(name)), within)
    elif operation == "StopTask":
        yield _on(call, _arn_in_cluster(call, "task", cluster, str(params["task"])), within)
    elif operation == "RunTask":
        yield _on(call, _definition_arn(call, str(params["taskDefinition"])), within)
    elif operation == "RegisterTaskDefinition":
        yield PermissionRequest(_arn(call, "task-definition", f"{params['family']}:*"), _definition_keys(params))
    elif operation in _TASK_SETS:
        service: Keys = {"ecs:service": (_arn_in_cluster(call, "service", cluster, str(params["service"])),)}
        yield _on(call, str(params[_TASK_SETS[operation]]), {**within, **service})
    elif operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        yield _on(call, str(params["resourceArn"]), {})
    else:
        yield PermissionRequest("*", within if operation in _IN_CLUSTER else {})


def _passed_roles(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the roles that a request passes, each with the service that receives it."""
    roles: list[tuple[object, str]] = []
    if call.operation == "RegisterTaskDefinition":
        roles = [(params.get(name), _TASKS) for name in ("taskRoleArn", "executionRoleArn")]
    elif call.operation == "RunTask":
        overrides = params.get("overrides") or {}
        roles = [(overrides.get(name), _TASKS) for name in ("taskRoleArn", "executionRoleArn")]
    elif call.operation == "CreateService" and not params.get("serviceRegistries"):  # with both, the request is invalid
        roles = [(params.get("role"), _ECS)]
    for role, service in roles:
        if role:
            arn = str(role) if str(role).startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
            yield PermissionRequest(arn, {"iam:PassedToService": (service,)}, "iam:PassRole")


def _on(call: Call, arn: str, keys: Keys) -> PermissionRequest:
    state = call.world.regional(EcsState, call.account, call.region)
    task = state.tasks.get(arn)
    tags = task.tags if task is not None else state.tags.get(arn, {})
    return PermissionRequest(arn, {**keys, **tags_of_resource(tags)})


def _namespace_keys(call: Call, cluster: str, params: Mapping[str, Any]) -> Keys:
    """Return the condition key `ecs:namespace`: the ARN of the namespace of a Service Connect configuration."""
    connect = params.get("serviceConnectConfiguration") or {}
    if not connect.get("enabled"):
        return {}
    known = call.world.regional(EcsState, call.account, call.region).clusters.get(cluster.rpartition("/")[2])
    name = str(connect.get("namespace") or (known.connect_namespace if known is not None else "") or "")
    namespace = call.world.regional(CloudMapState, call.account, call.region).namespaces_by_http_name.get(name)
    arn = namespace.arn if namespace is not None else name
    return {"ecs:namespace": (arn,)} if arn else {}


def _service_keys(call: Call, params: Mapping[str, Any]) -> Keys:
    """Return the condition keys of the task definition and the network of a service."""
    network = (params.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    keys: Keys = {}
    if network.get("subnets"):
        keys["ecs:subnet"] = tuple(map(str, network["subnets"]))
    if network.get("assignPublicIp"):
        keys["ecs:auto-assign-public-ip"] = ("true" if network["assignPublicIp"] == "ENABLED" else "false",)
    if params.get("taskDefinition"):
        keys["ecs:task-definition"] = (_definition_arn(call, str(params["taskDefinition"])),)
    return keys


def _definition_keys(params: Mapping[str, Any]) -> Keys:
    """Return the condition keys of a task definition: only what the request contains."""
    keys: Keys = {f"ecs:task-{name}": (str(params[name]),) for name in ("cpu", "memory") if params.get(name)}
    if params.get("requiresCompatibilities"):
        keys["ecs:compute-compatibility"] = tuple(map(str, params["requiresCompatibilities"]))
    return keys


def _cluster_arn(call: Call, params: Mapping[str, Any]) -> str:
    return _arn(call, "cluster", str(params.get("cluster") or "default"))


def _arn_in_cluster(call: Call, kind: str, cluster: str, reference: str) -> str:
    return _arn(call, f"{kind}/{cluster.rpartition('/')[2]}", reference)


def _definition_arn(call: Call, reference: str) -> str:
    """Return the ARN of a task definition; a family alone means its latest active revision."""
    if reference.startswith("arn:") or ":" in reference:
        return _arn(call, "task-definition", reference)
    revisions = call.world.regional(EcsState, call.account, call.region).families.get(reference, [])
    latest = next((revision.revision for revision in reversed(revisions) if revision.status == "ACTIVE"), 1)
    return _arn(call, "task-definition", f"{reference}:{latest}")


def _arn(call: Call, kind: str, reference: str) -> str:
    return reference if reference.startswith("arn:") else f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{reference}"
