"""The permissions that requests to ECS need: resources, condition keys, and roles that are passed.

Service Authorization Reference, Actions, resources, and condition keys for Amazon Elastic Container Service; IAM User
Guide, Grant a user permissions to pass a role to an AWS service; Amazon ECS Developer Guide, Grant permission to tag
resources on creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, texts
from surveyor_emulator.aws.iam.permission_request import Keys, PermissionRequest
from surveyor_emulator.core.world import Call

from .state import EcsState

__all__ = ["permission_requests"]

_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"
# Operations whose actions have the condition key `ecs:cluster`.
_WITHIN_CLUSTER = frozenset({
    "CreateService", "CreateTaskSet", "DeleteService", "DeleteTaskSet", "DescribeContainerInstances",
    "DescribeServices", "DescribeTaskSets", "DescribeTasks", "ListServices", "ListTasks", "RunTask", "StopTask",
    "UpdateContainerInstancesState", "UpdateService", "UpdateServicePrimaryTaskSet", "UpdateTaskSet",
})  # fmt: skip
_TAGGED_ON_CREATION = frozenset({
    "CreateCluster", "CreateService", "CreateTaskSet", "RegisterTaskDefinition", "RunTask", "StartTask",
})  # fmt: skip
_TASK_SETS = frozenset({"CreateTaskSet", "DeleteTaskSet", "DescribeTaskSets", "UpdateTaskSet"})


def _resource(call: Call, arn: str) -> NamedResource:
    state = call.world.regional(EcsState, call.account, call.region)
    task = state.tasks.get(arn)
    return NamedResource(arn, tags=task.tags if task is not None else state.tags.get(arn, {}))


def _clusters(*members: str) -> Find:
    """Return a function that finds clusters by name or ARN; without any it is the default one."""
    return lambda call, params: [
        _resource(call, _arn(call, "cluster", text)) for text in list(texts(params, members)) or ["default"]
    ]


def _in_cluster(kind: str, *members: str, otherwise: Iterable[str] = ()) -> Find:
    """Return a function that finds resources of one kind, in the cluster of the request, by name, id or ARN."""
    return lambda call, params: [
        _resource(call, _arn_in_cluster(call, kind, _cluster_arn(call, params), text))
        for text in list(texts(params, members)) or otherwise
    ]


def _task_sets(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    service = _service_arn(call, params)
    for text in list(texts(params, ("taskSet", "taskSets"))) or ["*"]:
        name = f"{service.replace(':service/', ':task-set/', 1)}/{text.rpartition('/')[2]}"
        yield _resource(call, text if text.startswith("arn:") else name)


def _definitions(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    for text in texts(params, ("taskDefinition", "taskDefinitions")):
        yield _resource(call, _definition_arn(call, text))


def _new_definition(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield NamedResource(_arn(call, "task-definition", f"{params['family']}:*"))


def _deployments(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find each service deployment or revision that a request names, and its service."""
    for arn in texts(params, ("serviceDeploymentArn", "serviceDeploymentArns", "serviceRevisionArns")):
        cluster, service, *_ = (*arn.partition("/")[2].split("/"), "", "")
        yield _resource(call, _arn(call, "service", f"{cluster}/{service}"))
        yield NamedResource(arn)


def _capacity_providers(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    for text in list(texts(params, ("capacityProviders",))) or ["*"]:
        yield NamedResource(_arn(call, "capacity-provider", text))


def _tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield _resource(call, str(params["resourceArn"]))


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    operation, cluster = call.operation, _cluster_arn(call, params)
    keys: Keys = {"ecs:cluster": (cluster,)} if operation in _WITHIN_CLUSTER else {}
    if operation in ("CreateService", "UpdateService", "DeleteService"):
        keys |= {**_namespace_keys(call, cluster, params), **_service_keys(call, params)}
    elif operation in _TASK_SETS:
        keys["ecs:service"] = (_service_arn(call, params),)
    elif operation == "RegisterTaskDefinition":
        keys |= _definition_keys(params)
    elif operation == "ListServicesByNamespace":
        keys["ecs:namespace"] = (_namespace_arn(call, str(params["namespace"])),)
    return keys


def _passed_roles(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield `iam:PassRole` for each role that a request passes, with the service that receives it."""
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


def _further(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield what a request needs beside its action: the roles that it passes, and TagResource for its tags."""
    yield from _passed_roles(call, params)
    if call.operation in _TAGGED_ON_CREATION and params.get("tags"):
        yield PermissionRequest(_created(call, params), {"ecs:CreateAction": (call.operation,)}, "ecs:TagResource")


def _created(call: Call, params: Mapping[str, Any]) -> str:
    """Return the ARN of what a request creates; ids that ECS chooses are ``*``."""
    cluster = _cluster_arn(call, params)
    if call.operation == "CreateCluster":
        return _arn(call, "cluster", str(params.get("clusterName") or "default"))
    if call.operation == "RegisterTaskDefinition":
        return _arn(call, "task-definition", f"{params['family']}:*")
    if call.operation == "CreateService":
        return _arn_in_cluster(call, "service", cluster, str(params["serviceName"]))
    if call.operation == "CreateTaskSet":
        return f"{_service_arn(call, params).replace(':service/', ':task-set/', 1)}/*"
    return _arn_in_cluster(call, "task", cluster, "*")


def _namespace_keys(call: Call, cluster: str, params: Mapping[str, Any]) -> Keys:
    """Return the condition key `ecs:namespace`: the ARN of the namespace of a Service Connect configuration."""
    connect = params.get("serviceConnectConfiguration") or {}
    if not connect.get("enabled"):
        return {}
    known = call.world.regional(EcsState, call.account, call.region).clusters.get(cluster.rpartition("/")[2])
    name = str(connect.get("namespace") or (known.connect_namespace if known is not None else "") or "")
    return {"ecs:namespace": (_namespace_arn(call, name),)} if name else {}


def _namespace_arn(call: Call, name: str) -> str:
    namespace = call.world.regional(CloudMapState, call.account, call.region).namespaces_by_http_name.get(name)
    return namespace.arn if namespace is not None else name


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


def _service_arn(call: Call, params: Mapping[str, Any]) -> str:
    return _arn_in_cluster(call, "service", _cluster_arn(call, params), str(params["service"]))


def _arn_in_cluster(call: Call, kind: str, cluster: str, reference: str) -> str:
    """Return the ARN of what a name, an id or an ARN means; of a name with slashes its last part counts."""
    name = reference if reference.startswith("arn:") else reference.rpartition("/")[2]
    return _arn(call, f"{kind}/{cluster.rpartition('/')[2]}", name)


def _definition_arn(call: Call, reference: str) -> str:
    """Return the ARN of a task definition; a family alone means its latest active revision, by an ARN too."""
    reference = reference.removeprefix(_arn(call, "task-definition", ""))
    if ":" in reference:
        return _arn(call, "task-definition", reference)
    revisions = call.world.regional(EcsState, call.account, call.region).families.get(reference, [])
    latest = next((revision.revision for revision in reversed(revisions) if revision.status == "ACTIVE"), 1)
    return _arn(call, "task-definition", f"{reference}:{latest}")


def _arn(call: Call, kind: str, reference: str) -> str:
    return reference if reference.startswith("arn:") else f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{reference}"


permission_requests = ActionTable(
    types=[
        (
            _clusters("cluster", "clusterName", "clusters"),
            "CreateCluster DeleteCluster DescribeClusters PutClusterCapacityProviders UpdateCluster",
        ),
        (_capacity_providers, "DescribeCapacityProviders"),
        (_clusters("cluster"), "DeregisterContainerInstance ListContainerInstances"),
        (_in_cluster("service", "serviceName"), "CreateService"),
        (
            _in_cluster("service", "service", "services"),
            ("DeleteService DescribeServices ListServiceDeployments UpdateService UpdateServicePrimaryTaskSet"),
        ),
        (_in_cluster("task", "task", "tasks"), "DescribeTasks StopTask"),
        (
            _in_cluster("container-instance", "containerInstance", "containerInstances", otherwise=("*",)),
            "DescribeContainerInstances ListTasks UpdateContainerInstancesState",
        ),
        (_task_sets, "CreateTaskSet DeleteTaskSet DescribeTaskSets UpdateTaskSet"),
        (_definitions, "DeleteTaskDefinitions RunTask"),
        (_new_definition, "RegisterTaskDefinition"),
        (
            _deployments,
            ("ContinueServiceDeployment DescribeServiceDeployments DescribeServiceRevisions StopServiceDeployment"),
        ),
        (_tagged, "ListTagsForResource TagResource UntagResource"),
    ],
    without=(
        "DeregisterTaskDefinition DescribeTaskDefinition ListClusters ListServices ListServicesByNamespace "
        "ListTaskDefinitionFamilies ListTaskDefinitions"
    ),
    keys=_keys,
    further=_further,
).permission_requests
