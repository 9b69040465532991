"""Namespaces: three types, made, changed and deleted by asynchronous operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ram.state import shared_with
from surveyor_emulator.aws.route53 import managed
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_policies.dependent import DEPENDENT

from . import filters, operations, tags
from .find import arn, invalid, namespace, state
from .paging import page
from .state import Namespace, NamespaceType

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        CreateHttpNamespaceRequestTypeDef,
        CreatePrivateDnsNamespaceRequestTypeDef,
        CreatePublicDnsNamespaceRequestTypeDef,
        DeleteNamespaceRequestTypeDef,
        GetNamespaceRequestTypeDef,
        ListNamespacesRequestTypeDef,
        UpdateHttpNamespaceRequestTypeDef,
        UpdatePrivateDnsNamespaceRequestTypeDef,
        UpdatePublicDnsNamespaceRequestTypeDef,
    )

__all__ = [
    "create_http_namespace",
    "create_private_dns_namespace",
    "create_public_dns_namespace",
    "delete_namespace",
    "get_namespace",
    "list_namespaces",
    "update_http_namespace",
    "update_private_dns_namespace",
    "update_public_dns_namespace",
]


def create_http_namespace(call: Call, request: CreateHttpNamespaceRequestTypeDef) -> Document:
    """A namespace that only the API discovers in."""
    return _create(
        call,
        "HTTP",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        given_tags=tags.read(call, request.get("Tags") or []),
    )


def create_private_dns_namespace(call: Call, request: CreatePrivateDnsNamespaceRequestTypeDef) -> Document:
    """A namespace with a private hosted zone in one VPC."""
    properties = request.get("Properties")
    return _create(
        call,
        "DNS_PRIVATE",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        given_tags=tags.read(call, request.get("Tags") or []),
        vpc=request["Vpc"],
        soa_ttl=properties["DnsProperties"]["SOA"]["TTL"] if properties else None,
    )


def create_public_dns_namespace(call: Call, request: CreatePublicDnsNamespaceRequestTypeDef) -> Document:
    """A namespace with a public hosted zone."""
    if len(request["Name"]) > 253:  # a domain name's limit, which the model's pattern does not hold
        raise invalid("Name is longer than 253 characters")
    properties = request.get("Properties")
    return _create(
        call,
        "DNS_PUBLIC",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        given_tags=tags.read(call, request.get("Tags") or []),
        soa_ttl=properties["DnsProperties"]["SOA"]["TTL"] if properties else None,
    )


def _create(
    call: Call,
    kind: NamespaceType,
    name: str,
    *,
    token: str | None,
    description: str | None,
    given_tags: dict[str, str],
    vpc: str | None = None,
    soa_ttl: int | None = None,
) -> Document:
    registry = state(call)
    repeated = registry.tokens.get((kind, token)) if token else None
    if repeated is not None and registry.operations[repeated].status != "FAIL":
        return {"OperationId": repeated}
    subject = ("namespace", kind, name.lower(), vpc or "")
    operations.refuse_if_running(call, *subject)
    for other in registry.namespaces.values():
        if other.type == kind and other.vpc == vpc and _same_name(kind, other.name, name):
            raise ServiceError(
                "NamespaceAlreadyExists",
                f"namespace {other.id} has that name",
                NamespaceId=other.id,
                CreatorRequestId=other.creator_request_id or "",
            )
    if len(registry.namespaces) + sum(key[0] == "namespace" for key in registry.running) >= (
        call.world.settings.quotas.namespaces
    ):
        raise ServiceError("ResourceLimitExceeded", "the quota of namespaces in this region is reached")
    identity = f"ns-{call.world.new_id(16)}"
    made = Namespace(
        next(registry.numbers),
        identity,
        arn(call, "namespace", identity),
        name,
        "",
        kind,
        description,
        token,
        created=call.now,
        vpc=vpc,
    )

    def work() -> None:
        if kind != "HTTP":
            zone = managed.create_zone(
                call.world,
                call.account,
                name,
                soa_ttl=soa_ttl,
                comment="Created by AWS Cloud Map",
                vpc=(vpc, call.region) if vpc is not None else None,
            )
            made.zone_id, made.soa_ttl = zone.id, zone.soa_ttl
        made.http_name = _http_name(call, made)
        registry.namespaces[identity] = made
        registry.namespaces_by_http_name[made.http_name] = made
        if given_tags:
            registry.tags[made.arn] = given_tags
        call.note("namespace.created", identity, name)

    delay = call.world.settings.zone_run if kind != "HTTP" else None
    beside = dict.fromkeys(DEPENDENT.get(f"servicediscovery:{call.operation}", ()), "*")
    answer = operations.start(
        call, "CREATE_NAMESPACE", subject, {"NAMESPACE": identity}, work, run=delay, beside=beside
    )
    if token:
        registry.tokens[kind, token] = str(answer["OperationId"])
    return answer


def _same_name(kind: NamespaceType, one: str, other: str) -> bool:
    return one == other if kind == "HTTP" else one.lower().rstrip(".") == other.lower().rstrip(".")


def _http_name(call: Call, made: Namespace) -> str:
    """The name, with a hash behind it where a namespace of this account and region has that name already."""
    if made.name not in state(call).namespaces_by_http_name:
        return made.name
    return f"{made.name}-{hashlib.sha256(made.id.encode()).hexdigest()[:16]}"


def update_http_namespace(call: Call, request: UpdateHttpNamespaceRequestTypeDef) -> Document:
    """Change the description."""
    return _update(call, "HTTP", request["Id"], request["Namespace"].get("Description"), None)


def update_private_dns_namespace(call: Call, request: UpdatePrivateDnsNamespaceRequestTypeDef) -> Document:
    """Change the description or the SOA record's TTL."""
    change = request["Namespace"]
    properties = change.get("Properties")
    ttl = properties["DnsProperties"]["SOA"]["TTL"] if properties else None
    return _update(call, "DNS_PRIVATE", request["Id"], change.get("Description"), ttl)


def update_public_dns_namespace(call: Call, request: UpdatePublicDnsNamespaceRequestTypeDef) -> Document:
    """Change the description or the SOA record's TTL."""
    change = request["Namespace"]
    properties = change.get("Properties")
    ttl = properties["DnsProperties"]["SOA"]["TTL"] if properties else None
    return _update(call, "DNS_PUBLIC", request["Id"], change.get("Description"), ttl)


def _update(call: Call, kind: NamespaceType, reference: str, description: str | None, soa_ttl: int | None) -> Document:
    found = namespace(call, reference)
    if found.type != kind:
        raise invalid(f"namespace {found.id} is of type {found.type}, not {kind}")

    def work() -> None:
        if soa_ttl is not None and found.zone_id is not None:
            managed.set_soa_ttl(call.world, call.account, found.zone_id, soa_ttl)
            found.soa_ttl = soa_ttl
        if description is not None:
            found.description = description

    return operations.start(call, "UPDATE_NAMESPACE", ("existing namespace", found.id), {"NAMESPACE": found.id}, work)


def delete_namespace(call: Call, request: DeleteNamespaceRequestTypeDef) -> Document:
    """Delete an empty namespace, and its hosted zone."""
    found = namespace(call, request["Id"])
    subject = ("existing namespace", found.id)
    operations.refuse_if_running(call, *subject)
    registry = state(call)
    if any(service.namespace is found for service in registry.services.values()):
        raise ServiceError("ResourceInUse", f"namespace {found.id} still contains services")
    found.deleting = True

    def work() -> None:
        if found.zone_id is not None:
            managed.delete_zone(call.world, call.account, found.zone_id)
        del registry.namespaces[found.id], registry.namespaces_by_http_name[found.http_name]
        registry.tags.pop(found.arn, None)
        call.note("namespace.deleted", found.id, found.name)

    def keep() -> None:
        found.deleting = False

    delay = call.world.settings.zone_run if found.zone_id is not None else None
    return operations.start(call, "DELETE_NAMESPACE", subject, {"NAMESPACE": found.id}, work, run=delay, undo=keep)


def get_namespace(call: Call, request: GetNamespaceRequestTypeDef) -> Document:
    """One namespace."""
    return {"Namespace": _describe(call, namespace(call, request["Id"]), whole=True)}


def list_namespaces(call: Call, request: ListNamespacesRequestTypeDef) -> Document:
    """A page at a time; filters apply to what the page holds, so a page may be empty and not the last."""
    wanted = filters.namespaces(call, request.get("Filters") or [])
    entries, token = page(list(state(call).namespaces.values()), request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, Any] = {"Namespaces": [_describe(call, entry, whole=False) for entry in entries if wanted(entry)]}
    if token is None:
        answer["Namespaces"] += _shared(call, wanted)  # after one's own, on the last page
    return {**answer, "NextToken": token} if token else answer


def _shared(call: Call, wanted: Callable[[Namespace], bool]) -> list[Document]:
    found = []
    for shared in shared_with(call.world, call.account):
        owner, identity = shared.split(":")[4], shared.rpartition("/")[2]
        there = replace(call, account=owner)
        entry = state(there).namespaces.get(identity)
        if entry is not None and shared.split(":")[3] == call.region and wanted(entry):
            found.append(_describe(there, entry, whole=False))
    return found


def _describe(call: Call, of: Namespace, *, whole: bool) -> Document:
    properties: dict[str, object] = {"HttpProperties": {"HttpName": of.http_name}}
    if of.zone_id is not None:
        properties["DnsProperties"] = {"HostedZoneId": of.zone_id, "SOA": {"TTL": of.soa_ttl}}
    document: dict[str, object] = {
        "Id": of.id,
        "Arn": of.arn,
        "ResourceOwner": call.account,
        "Name": of.name,
        "Type": of.type,
        "ServiceCount": sum(service.namespace is of for service in state(call).services.values()),
        "Properties": properties,
        "CreateDate": of.created,
    }
    if of.description is not None:
        document["Description"] = of.description
    if whole and of.creator_request_id is not None:
        document["CreatorRequestId"] = of.creator_request_id
    return document
