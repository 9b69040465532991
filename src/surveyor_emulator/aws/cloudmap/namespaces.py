"""Operations on namespaces of all three types. Creating, changing and deleting are asynchronous."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.resource_shares import shared_with
from surveyor_emulator.aws.route53 import managed
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_policies.dependent import DEPENDENT, TYPES

from . import filters, operations, tags
from .lookup import build_arn, cloudmap_state, find_namespace, invalid_input
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


# Not documented; recorded answers of AWS have these. Route 53's zones have 900.
_SOA_TTLS: Mapping[NamespaceType, int] = {"DNS_PRIVATE": 15, "DNS_PUBLIC": 60}
_REQUESTS: Mapping[NamespaceType, str] = {
    "HTTP": "HttpNamespace",
    "DNS_PRIVATE": "PrivateDnsNamespace",
    "DNS_PUBLIC": "PublicDnsNamespace",
}


def create_http_namespace(call: Call, request: CreateHttpNamespaceRequestTypeDef) -> Document:
    """Create a namespace whose instances are discovered through the API only."""
    return _create(
        call,
        "HTTP",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        new_tags=tags.read_tags(call, request.get("Tags") or []),
    )


def create_private_dns_namespace(call: Call, request: CreatePrivateDnsNamespaceRequestTypeDef) -> Document:
    """Create a namespace with a private hosted zone in one VPC."""
    properties = request.get("Properties")
    return _create(
        call,
        "DNS_PRIVATE",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        new_tags=tags.read_tags(call, request.get("Tags") or []),
        vpc=request["Vpc"],
        soa_ttl=properties["DnsProperties"]["SOA"]["TTL"] if properties else None,
    )


def create_public_dns_namespace(call: Call, request: CreatePublicDnsNamespaceRequestTypeDef) -> Document:
    """Create a namespace with a public hosted zone."""
    properties = request.get("Properties")
    return _create(
        call,
        "DNS_PUBLIC",
        request["Name"],
        token=request.get("CreatorRequestId"),
        description=request.get("Description"),
        new_tags=tags.read_tags(call, request.get("Tags") or []),
        soa_ttl=properties["DnsProperties"]["SOA"]["TTL"] if properties else None,
    )


def _create(
    call: Call,
    kind: NamespaceType,
    name: str,
    *,
    token: str | None,
    description: str | None,
    new_tags: dict[str, str],
    vpc: str | None = None,
    soa_ttl: int | None = None,
) -> Document:
    registry = cloudmap_state(call)
    repeated = registry.tokens.get((kind, token)) if token else None
    if repeated is not None and registry.operations[repeated].status != "FAIL":
        return {"OperationId": repeated}
    subject = ("namespace", name.lower())  # whatever the types and VPCs: so AWS was seen to do
    operations.refuse_if_running(call, *subject)
    _refuse_existing(call, kind, name)
    if len(registry.namespaces) + sum(key[0] == "namespace" for key in registry.running) >= (
        call.world.settings.quotas.namespaces
    ):
        raise ServiceError("ResourceLimitExceeded", "the quota of namespaces in this region is exhausted")
    identity = f"ns-{call.world.new_id(16)}"
    created = Namespace(
        next(registry.numbers),
        identity,
        build_arn(call, "namespace", identity),
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
                soa_ttl=_SOA_TTLS[kind] if soa_ttl is None else soa_ttl,
                caller_reference=created.operation,
                namespace_arn=created.arn,
                vpc=(vpc, call.region) if vpc is not None else None,
            )
            created.zone_id, created.soa_ttl = zone.id, zone.soa_ttl
        created.http_name = _http_name(call, created)
        registry.namespaces[identity] = created
        registry.namespaces_by_http_name[created.http_name] = created
        if new_tags:
            registry.tags[created.arn] = new_tags
        call.note("namespace.created", identity, name)

    delay = call.world.settings.zone_run if kind != "HTTP" else None
    actions = DEPENDENT.get(f"servicediscovery:{call.operation}", ())
    dependent_actions = {action: TYPES.get(action, "*") for action in actions}
    answer = operations.start(
        call,
        "CREATE_NAMESPACE",
        subject,
        {"NAMESPACE": identity},
        work,
        request=f"Create{_REQUESTS[kind]}",
        run=delay,
        dependent_actions=dependent_actions,
    )
    created.operation = str(answer["OperationId"])
    if token:
        registry.tokens[kind, token] = created.operation
    return answer


def _refuse_existing(call: Call, kind: NamespaceType, name: str) -> None:
    """Raise NamespaceAlreadyExists. A private name is refused later, by Route 53: its operation fails."""
    registry = cloudmap_state(call)
    for other in registry.namespaces.values():
        if kind != "DNS_PRIVATE" and other.type == kind and _same_name(kind, other.name, name):
            raise ServiceError(
                "NamespaceAlreadyExists",
                operations.progress_message(f"Create{_REQUESTS[kind]}", other.operation, "has completed"),
                NamespaceId=other.id,
                CreatorRequestId=other.creator_request_id or "",
            )


def _same_name(kind: NamespaceType, first: str, second: str) -> bool:
    return first == second if kind == "HTTP" else first.lower().rstrip(".") == second.lower().rstrip(".")


def _http_name(call: Call, namespace: Namespace) -> str:
    """Return the name, followed by a hash if a namespace of this account and region already has it."""
    if namespace.name not in cloudmap_state(call).namespaces_by_http_name:
        return namespace.name
    return f"{namespace.name}-{hashlib.sha256(namespace.id.encode()).hexdigest()[:16]}"


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
    namespace = find_namespace(call, reference)
    if namespace.type != kind:
        raise invalid_input(f"namespace {namespace.id} is of type {namespace.type}, not {kind}")

    def work() -> None:
        if soa_ttl is not None and namespace.zone_id is not None:
            managed.set_soa_ttl(call.world, call.account, namespace.zone_id, soa_ttl)
            namespace.soa_ttl = soa_ttl
        if description is not None:
            namespace.description = description

    return operations.start(
        call,
        "UPDATE_NAMESPACE",
        ("existing namespace", namespace.id),
        {"NAMESPACE": namespace.id},
        work,
        request=f"Update{_REQUESTS[kind]}",
    )


def delete_namespace(call: Call, request: DeleteNamespaceRequestTypeDef) -> Document:
    """Delete an empty namespace, and its hosted zone."""
    namespace = find_namespace(call, request["Id"])
    subject = ("existing namespace", namespace.id)
    operations.refuse_if_running(call, *subject)
    _refuse_if_in_use(call, namespace)
    registry = cloudmap_state(call)

    def work() -> None:
        _refuse_if_in_use(call, namespace)  # a service may have been created since
        if namespace.zone_id is not None:
            managed.delete_zone(call.world, call.account, namespace.zone_id)
        del registry.namespaces[namespace.id], registry.namespaces_by_http_name[namespace.http_name]
        registry.tags.pop(namespace.arn, None)
        operations.stop_listing(call, namespace.id)
        call.note("namespace.deleted", namespace.id, namespace.name)

    delay = call.world.settings.zone_run if namespace.zone_id is not None else None
    return operations.start(call, "DELETE_NAMESPACE", subject, {"NAMESPACE": namespace.id}, work, run=delay)


def _refuse_if_in_use(call: Call, namespace: Namespace) -> None:
    refusal = ServiceError(
        "ResourceInUse", "Namespace has associated services; delete the services before deleting the namespace"
    )
    if any(service.namespace is namespace for service in cloudmap_state(call).services.values()):
        raise refusal
    if call.now < namespace.in_use_until:
        raise refusal


def get_namespace(call: Call, request: GetNamespaceRequestTypeDef) -> Document:
    """Return one namespace."""
    return {"Namespace": _describe(call, find_namespace(call, request["Id"]), whole=True)}


def list_namespaces(call: Call, request: ListNamespacesRequestTypeDef) -> Document:
    """Return a page of namespaces; filters apply within a page, so a page may be empty and not the last."""
    matches = filters.namespace_filter(call, request.get("Filters") or [])
    entries, token = page(
        list(cloudmap_state(call).namespaces.values()), request.get("NextToken"), request.get("MaxResults")
    )
    answer: dict[str, Any] = {
        "Namespaces": [_describe(call, entry, whole=False) for entry in entries if matches(entry)]
    }
    if token is None:
        answer["Namespaces"] += _shared(call, matches)  # shared ones follow the account's own, on the last page
    return {**answer, "NextToken": token} if token else answer


def _shared(call: Call, matches: Callable[[Namespace], bool]) -> list[Document]:
    descriptions = []
    for shared in shared_with(call.world, call.account):
        owner, identity = shared.split(":")[4], shared.rpartition("/")[2]
        owner_call = replace(call, account=owner)
        entry = cloudmap_state(owner_call).namespaces.get(identity)
        if entry is not None and shared.split(":")[3] == call.region and matches(entry):
            descriptions.append(_describe(owner_call, entry, whole=False))
    return descriptions


def _describe(call: Call, namespace: Namespace, *, whole: bool) -> Document:
    """Return a namespace without ServiceCount, which no recorded answer of AWS has."""
    dns: dict[str, object] = {}  # AWS shows such empty members for HTTP namespaces
    if namespace.zone_id is not None:
        dns = {"HostedZoneId": namespace.zone_id, "SOA": {"TTL": namespace.soa_ttl}}
    elif not whole:
        dns = {"SOA": {}}
    properties = {"DnsProperties": dns, "HttpProperties": {"HttpName": namespace.http_name}}
    document: dict[str, object] = {
        "Id": namespace.id,
        "Arn": namespace.arn,
        "ResourceOwner": call.account,
        "Name": namespace.name,
        "Type": namespace.type,
        "Properties": properties,
        "CreateDate": round(namespace.created, 3),  # AWS has milliseconds
    }
    if namespace.description is not None:
        document["Description"] = namespace.description
    if whole and namespace.creator_request_id is not None:
        document["CreatorRequestId"] = namespace.creator_request_id
    return document
