"""Services: made and deleted at once, changed by an operation that rewrites what all their instances have in DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import discovery, filters, operations, records, tags
from .find import arn, invalid, namespace, service, state
from .paging import page
from .service_rules import changed_dns, changed_health, dns_config, health_check_config
from .state import Namespace, Service

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        CreateServiceRequestTypeDef,
        DeleteServiceRequestTypeDef,
        GetServiceRequestTypeDef,
        ListServicesRequestTypeDef,
        UpdateServiceRequestTypeDef,
    )

__all__ = ["create_service", "delete_service", "get_service", "list_services", "update_service"]


def create_service(call: Call, request: CreateServiceRequestTypeDef) -> Document:
    """Make a service; the answer is the service."""
    registry = state(call)
    dns_request = request.get("DnsConfig")
    reference = request.get("NamespaceId")
    if not reference and dns_request is not None:
        reference = dns_request.get("NamespaceId")  # where the first version of the API had it
    if not reference:
        raise invalid("NamespaceId is needed")
    within = namespace(call, reference)
    if within.deleting:
        raise ServiceError("NamespaceNotFound", f"namespace {within.id} is being deleted")
    given_tags = tags.read(call, request.get("Tags") or [])
    api_only = request.get("Type") == "HTTP"
    custom = request.get("HealthCheckCustomConfig") is not None
    dns = dns_config(within, dns_request, api_only=api_only)
    health = health_check_config(within, dns, request.get("HealthCheckConfig"), custom=custom)
    token = request.get("CreatorRequestId")
    other = _of_that_name(call, within, request["Name"])
    if other is not None:
        if token is not None and token == other.creator_request_id:
            return {"Service": _describe(call, other)}
        raise ServiceError(
            "ServiceAlreadyExists",
            f"service {other.id} has that name",
            ServiceId=other.id,
            ServiceArn=other.arn,
            CreatorRequestId=other.creator_request_id or "",
        )
    identity = f"srv-{call.world.new_id(16)}"
    made = Service(
        next(registry.numbers),
        identity,
        arn(call, "service", identity),
        request["Name"],
        within,
        request.get("Description"),
        token,
        created=call.now,
        dns=dns,
        health=health,
        custom_health=custom,
        api_only=api_only or dns is None,
        created_by=call.creator,
    )
    registry.services[identity] = made
    registry.services_by_name[within.id, made.name] = made
    if given_tags:
        registry.tags[made.arn] = given_tags
    call.note("service.created", identity, made.name)
    return {"Service": _describe(call, made)}


def _of_that_name(call: Call, within: Namespace, name: str) -> Service | None:
    """In DNS namespaces names that differ only in case are one name; in HTTP namespaces they are two."""
    if within.type == "HTTP":
        return state(call).services_by_name.get((within.id, name))
    for other in state(call).services.values():
        if other.namespace is within and other.name.lower() == name.lower():
            return other
    return None


def update_service(call: Call, request: UpdateServiceRequestTypeDef) -> Document:
    """Replace TTLs and health check settings; what is left out of the request is removed from the service."""
    found = service(call, request["Id"])
    change = request["Service"]
    if found.namespace.type == "HTTP":
        raise invalid("services in HTTP namespaces cannot be updated")
    given_dns = change.get("DnsConfig")
    dns = changed_dns(found, given_dns["DnsRecords"] if given_dns is not None else None)
    health = changed_health(found, dns, change.get("HealthCheckConfig"))

    def work() -> None:
        before, checked_anew = found.dns, health != found.health
        found.dns, found.health = dns, health
        if change.get("Description") is not None:
            found.description = change["Description"]
        for instance in found.instances.values():
            records.rewrite(call, found, instance, before, checked_anew=checked_anew)
        discovery.health_changed(found)

    return operations.start(call, "UPDATE_SERVICE", ("service", found.id), {"SERVICE": found.id}, work)


def delete_service(call: Call, request: DeleteServiceRequestTypeDef) -> Document:
    """Delete a service that has no instances, with its attributes."""
    found = service(call, request["Id"])
    if found.instances or found.arriving:
        raise ServiceError("ResourceInUse", f"service {found.id} still has registered instances")
    registry = state(call)
    del registry.services[found.id], registry.services_by_name[found.namespace.id, found.name]
    registry.tags.pop(found.arn, None)
    call.note("service.deleted", found.id, found.name)
    return {}


def get_service(call: Call, request: GetServiceRequestTypeDef) -> Document:
    """One service."""
    return {"Service": _describe(call, service(call, request["Id"]))}


def list_services(call: Call, request: ListServicesRequestTypeDef) -> Document:
    """Summaries, a page at a time; filters apply to what the page holds."""
    wanted = filters.services(call, request.get("Filters") or [])
    entries, token = page(list(state(call).services.values()), request.get("NextToken"), request.get("MaxResults"))
    summaries = []
    for entry in entries:
        if wanted(entry):
            summary = _describe(call, entry)
            del summary["NamespaceId"]
            summary.pop("CreatorRequestId", None)
            summaries.append(summary)
    answer: dict[str, object] = {"Services": summaries}
    return {**answer, "NextToken": token} if token else answer


def _describe(call: Call, of: Service) -> dict[str, object]:
    document: dict[str, object] = {
        "Id": of.id,
        "Arn": of.arn,
        "ResourceOwner": call.account,
        "Name": of.name,
        "NamespaceId": of.namespace.id,
        "InstanceCount": len(of.instances),
        "Type": "HTTP" if of.api_only else "DNS_HTTP",
        "CreateDate": of.created,
        "CreatedByAccount": of.created_by,
    }
    if of.description is not None:
        document["Description"] = of.description
    if of.creator_request_id is not None:
        document["CreatorRequestId"] = of.creator_request_id
    if of.dns is not None:
        document["DnsConfig"] = {
            "NamespaceId": of.namespace.id,
            "RoutingPolicy": of.dns.policy,
            "DnsRecords": [{"Type": kind, "TTL": ttl} for kind, ttl in of.dns.ttls.items()],
        }
    if of.health is not None:
        optional = {"ResourcePath": of.health.path, "FailureThreshold": of.health.threshold}
        document["HealthCheckConfig"] = {
            "Type": of.health.type,
            **{name: value for name, value in optional.items() if value is not None},
        }
    if of.custom_health:
        document["HealthCheckCustomConfig"] = {"FailureThreshold": 1}  # "always set to 1"
    return document
