"""Calls on another account's namespaces: a consumer names shared resources by ARN, or their owner by OwnerAccount.

AWS Cloud Map Developer Guide, Shared namespaces. A consumer's call on a shared namespace changes the owner's registry;
the call keeps the consumer's account, for the resources that it creates and for its operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from surveyor_emulator.aws.resource_shares import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import CloudMapState

__all__ = ["resolve_account"]

_REFERENCES = ("Id", "NamespaceId", "ServiceId", "ResourceARN")
_MAY_NAME_AN_OWNER = {*_REFERENCES, "OwnerAccount"}
_DISCOVERY = {"DiscoverInstances", "DiscoverInstancesRevision"}
# "Responsibilities and permissions for shared namespaces": only the owner manages the namespace itself.
_OWNERS_ONLY = {"DeleteNamespace", "UpdateHttpNamespace", "UpdatePrivateDnsNamespace", "UpdatePublicDnsNamespace",
                "TagResource", "UntagResource", "ListTagsForResource"}  # fmt: skip


def resolve_account(call: Call, params: Mapping[str, Any]) -> Call:
    """Return the call in the account of the owner that its parameters name; the same call if they name none.

    Raises ServiceError if the namespace is not shared with the calling account.
    """
    if _MAY_NAME_AN_OWNER.isdisjoint(params):
        return call
    arn = next((str(params[name]) for name in _REFERENCES if str(params.get(name, "")).startswith("arn:")), "")
    parts = arn.split(":")
    owner = parts[4] if len(parts) == 6 else ""
    if call.operation in _DISCOVERY:
        owner = str(params.get("OwnerAccount") or "")
    if owner in ("", call.account):
        return call
    namespace = _namespace(call, owner, parts[5] if arn else "", params)
    if namespace is None or not is_shared(call.world, namespace, call.account):
        missing = "ServiceNotFound" if arn and parts[5].startswith("service/") else "NamespaceNotFound"
        raise ServiceError(missing, f"no such resource is shared with account {call.account}")
    if call.operation in _OWNERS_ONLY:
        raise _denial(call, call.operation, arn)
    if params.get("Tags"):
        raise _denial(call, "TagResource", arn)
    return replace(call, account=owner, consumer=call.account)


def _denial(call: Call, action: str, arn: str) -> ServiceError:
    """Return the error for what the permissions of a resource share do not contain: tags at creation, for example."""
    action = f"servicediscovery:{action}"
    text = f"User: {call.principal} is not authorized to perform: {action} on resource: {arn}"
    return ServiceError(
        "AccessDeniedException", f"{text} because no resource-based policy allows the {action} action", status=400
    )


def _namespace(call: Call, owner: str, resource: str, params: Mapping[str, Any]) -> str | None:
    """Return the ARN of the namespace that a reference belongs to."""
    registry = call.world.peek(CloudMapState, owner, call.region)
    kind, _, identity = resource.partition("/")
    if kind == "namespace":
        found = registry.namespaces.get(identity)
    elif kind == "service":
        service = registry.services.get(identity)
        found = service.namespace if service is not None else None
    else:
        found = registry.namespaces_by_http_name.get(str(params.get("NamespaceName", "")))
    return found.arn if found is not None else None
