"""The permissions that requests to Cloud Map need: resources and condition keys.

Service Authorization Reference, Actions, resources, and condition keys for AWS Cloud Map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.permission_request import Keys, PermissionRequest, tags_of_resource
from surveyor_emulator.core.world import Call
from surveyor_policies.model import UNKNOWN_RESOURCE

from .state import CloudMapState

__all__ = ["permission_requests"]

_NAMESPACES = {"DeleteNamespace", "GetNamespace", "UpdateHttpNamespace", "UpdatePrivateDnsNamespace",
               "UpdatePublicDnsNamespace"}  # fmt: skip
_SERVICES = {"DeleteService": "Id", "GetService": "Id", "UpdateService": "Id", "GetServiceAttributes": "ServiceId",
             "UpdateServiceAttributes": "ServiceId", "DeleteServiceAttributes": "ServiceId"}  # fmt: skip
_INSTANCES = {"RegisterInstance", "DeregisterInstance", "GetInstance", "ListInstances", "GetInstancesHealthStatus",
              "UpdateInstanceCustomHealthStatus"}  # fmt: skip
_WRITES = {"DeleteService", "UpdateService", "UpdateServiceAttributes", "DeleteServiceAttributes", "RegisterInstance",
           "DeregisterInstance", "UpdateInstanceCustomHealthStatus"}  # fmt: skip
# "API operations defined by AWS Cloud Map" names TagResource beside the action of each of these, for their tags.
_CREATIONS = {"CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService"}
_WITHOUT_RESOURCE = {*_CREATIONS, "ListNamespaces", "ListOperations", "ListServices", "ListTagsForResource",
                     "TagResource", "UntagResource"}  # fmt: skip
_DISCOVERY = {"DiscoverInstances", "DiscoverInstancesRevision"}


def permission_requests(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the permissions of a call, all of which must be allowed."""
    operation = call.operation
    if operation in _CREATIONS and params.get("Tags"):
        yield PermissionRequest("*", {}, "servicediscovery:TagResource")
    if operation in _NAMESPACES:
        yield _on(call, "namespace", str(params["Id"]))
    elif operation in _SERVICES:
        yield _on(call, "service", str(params[_SERVICES[operation]]))
    elif operation in _INSTANCES:
        yield _on(call, "service", str(params["ServiceId"]))
    elif operation == "CreateService":
        yield from _create_service(call, params)
    elif operation in _DISCOVERY:
        yield from _discovery(call, params)
    elif operation == "GetOperation":
        yield _operation(call, str(params["OperationId"]))
    else:
        yield PermissionRequest("*" if operation in _WITHOUT_RESOURCE else UNKNOWN_RESOURCE, {})


def _create_service(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    reference = params.get("NamespaceId") or (params.get("DnsConfig") or {}).get("NamespaceId")
    arn = _arn(call, "namespace", str(reference)) if reference else "*"
    keys = {"servicediscovery:NamespaceArn": (arn,)}
    yield PermissionRequest(arn, {**keys, **tags_of_resource(_state(call).tags.get(arn, {}))})
    yield PermissionRequest(_arn(call, "service", "*"), keys)


def _discovery(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the namespace and the service, both of which are required."""
    names: Keys = {
        "servicediscovery:NamespaceName": (str(params["NamespaceName"]),),
        "servicediscovery:ServiceName": (str(params["ServiceName"]),),
    }
    state = call.world.peek(CloudMapState, str(params.get("OwnerAccount") or call.account), call.region)
    namespace = state.namespaces_by_http_name.get(str(params["NamespaceName"]))
    service = state.services_by_name.get((namespace.id, str(params["ServiceName"]))) if namespace is not None else None
    for found in (namespace, service):
        arn = found.arn if found is not None else "*"
        yield PermissionRequest(arn, {**names, **tags_of_resource(state.tags.get(arn, {}))})


def _operation(call: Call, reference: str) -> PermissionRequest:
    """Return the namespace in which the operation was done."""
    state = _state(call)
    found = state.operations.get(reference)
    targets = found.targets if found is not None else {}
    service = state.services.get(targets.get("SERVICE", ""))
    namespace = targets.get("NAMESPACE") or (service.namespace.id if service is not None else None)
    return _on(call, "namespace", namespace) if namespace else PermissionRequest("*", {})


def _on(call: Call, kind: str, reference: str) -> PermissionRequest:
    arn = _arn(call, kind, reference)
    state = _state(call)
    keys = tags_of_resource(state.tags.get(arn, {}))
    if call.operation in _INSTANCES:
        keys["servicediscovery:ServiceArn"] = (arn,)
    found = state.services.get(arn.rpartition("/")[2])
    if call.operation in _WRITES and found is not None:
        keys["servicediscovery:ServiceCreatedByAccount"] = (found.created_by,)
    return PermissionRequest(arn, keys)


def _arn(call: Call, kind: str, reference: str) -> str:
    return (
        reference
        if reference.startswith("arn:")
        else f"arn:aws:servicediscovery:{call.region}:{call.account}:{kind}/{reference}"
    )


def _state(call: Call) -> CloudMapState:
    return call.world.regional(CloudMapState, call.account, call.region)
