"""Calls that reach into another account: a consumer names shared things by ARN, or their owner by OwnerAccount.

AWS Cloud Map Developer Guide, Shared namespaces. What a consumer does in a shared namespace happens in the owner's
registry; who called stays known, for what it created and for its operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from surveyor_emulator.aws.ram.state import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import CloudMapState

__all__ = ["entered"]

_REFERENCES = ("Id", "NamespaceId", "ServiceId", "ResourceARN")
_DISCOVERY = {"DiscoverInstances", "DiscoverInstancesRevision"}
# "Responsibilities and permissions for shared namespaces": the namespace itself is its owner's.
_OWNERS_ONLY = {"DeleteNamespace", "UpdateHttpNamespace", "UpdatePrivateDnsNamespace", "UpdatePublicDnsNamespace",
                "TagResource", "UntagResource", "ListTagsForResource"}  # fmt: skip


def entered(call: Call, params: Mapping[str, Any]) -> Call:
    """The call as it goes on in the owner's account, where it names one; else the same. Raises ServiceError."""
    arn = next((str(params[name]) for name in _REFERENCES if str(params.get(name, "")).startswith("arn:")), "")
    parts = arn.split(":", 5)
    owner = parts[4] if len(parts) == 6 else ""
    if call.operation in _DISCOVERY:
        owner = str(params.get("OwnerAccount") or "")
    if owner in ("", call.account):
        return call
    namespace = _namespace(call, owner, parts[5] if arn else "", params)
    if namespace is None or not is_shared(call.world, namespace, call.account):
        missing = "ServiceNotFound" if arn and parts[5].startswith("service/") else "NamespaceNotFound"
        raise ServiceError(missing, f"nothing is shared with account {call.account} under that name")
    if call.operation in _OWNERS_ONLY:
        raise ServiceError(
            "AccessDeniedException", f"{call.operation} on {arn} is for account {owner}, which shares it", status=400
        )
    return replace(call, account=owner, consumer=call.account)


def _namespace(call: Call, owner: str, resource: str, params: Mapping[str, Any]) -> str | None:
    """The ARN of the namespace that a reference is in."""
    there = call.world.regional(CloudMapState, owner, call.region)
    kind, _, identity = resource.partition("/")
    if kind == "namespace":
        found = there.namespaces.get(identity)
    elif kind == "service":
        service = there.services.get(identity)
        found = service.namespace if service is not None else None
    else:
        found = there.namespaces_by_http_name.get(str(params.get("NamespaceName", "")))
    return found.arn if found is not None else None
