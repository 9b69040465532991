"""Operations on services. Only UpdateService is asynchronous: it rewrites the records of all instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from surveyor_emulator.aws.resource_shares import is_in_a_share, shared_with
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import discovery, filters, operations, records, tags
from .lookup import build_arn, cloudmap_state, find_namespace, find_service, invalid_input
from .paging import page
from .service_rules import read_dns_config, read_health_check, update_dns_config, update_health_check
from .state import CloudMapService, Namespace

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
    """Create a service and return it."""
    registry = cloudmap_state(call)
    dns_request = request.get("DnsConfig")
    reference = request.get("NamespaceId")
    if not reference and dns_request is not None:
        reference = dns_request.get("NamespaceId")  # its place in the first version of the API
    if not reference:
        raise invalid_input("Service namespace id cannot be null")
    namespace = find_namespace(call, reference)
    new_tags = tags.read_tags(call, request.get("Tags") or [])
    api_only = request.get("Type") == "HTTP"
    custom = request.get("HealthCheckCustomConfig") is not None
    dns = read_dns_config(namespace, dns_request, api_only=api_only)
    health = read_health_check(namespace, dns, request.get("HealthCheckConfig"), custom=custom)
    token = request.get("CreatorRequestId")
    other = _find_by_name(call, namespace, request["Name"])
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
    created = CloudMapService(
        next(registry.numbers),
        identity,
        build_arn(call, "service", identity),
        request["Name"],
        namespace,
        request.get("Description"),
        token,
        created=call.now,
        dns=dns,
        health=health,
        custom_health=custom,
        api_only=api_only or dns is None,
        created_by=call.creator,
        view=discovery.new_view(call),
    )
    registry.services[identity] = created
    registry.services_by_name[namespace.id, created.name] = created
    if new_tags:
        registry.tags[created.arn] = new_tags
    call.note("service.created", identity, created.name)
    return {"Service": _describe(call, created)}


def _find_by_name(call: Call, namespace: Namespace, name: str) -> CloudMapService | None:
    """Return the service with a name. Case matters in HTTP namespaces, but not in DNS namespaces."""
    if namespace.type == "HTTP":
        return cloudmap_state(call).services_by_name.get((namespace.id, name))
    for other in cloudmap_state(call).services.values():
        if other.namespace is namespace and other.name.lower() == name.lower():
            return other
    return None


def update_service(call: Call, request: UpdateServiceRequestTypeDef) -> Document:
    """Replace TTLs and health check settings; settings that the request omits are removed from the service."""
    service = find_service(call, request["Id"])
    change = request["Service"]
    if service.namespace.type == "HTTP":
        raise invalid_input("services in HTTP namespaces cannot be updated")
    if is_in_a_share(call.world, service.namespace.arn) and any(
        instance.registered_by != call.creator for instance in service.instances.values()
    ):
        raise invalid_input("a service in a shared namespace that has instances of other accounts cannot be updated")
    dns_request = change.get("DnsConfig")
    dns = update_dns_config(service, dns_request["DnsRecords"] if dns_request is not None else None)
    health = update_health_check(service, dns, change.get("HealthCheckConfig"))

    def work() -> None:
        # What Route 53 may refuse is first, so that nothing has changed if the operation fails.
        checks = records.create_checks(call, service, health) if health != service.health else None
        before = service.dns
        service.dns, service.health = dns, health
        if change.get("Description") is not None:
            service.description = change["Description"]
        for instance in service.instances.values():
            records.rewrite(call, service, instance, before, checks)
        discovery.refresh_health(service)

    return operations.start(call, "UPDATE_SERVICE", ("service", service.id), {"SERVICE": service.id}, work)


def delete_service(call: Call, request: DeleteServiceRequestTypeDef) -> Document:
    """Delete a service that has no instances, with its attributes."""
    service = find_service(call, request["Id"])
    registry = cloudmap_state(call)
    if service.instances or any(subject[:2] == ("instance", service.id) for subject in registry.running):
        raise ServiceError(
            "ResourceInUse",
            "Service contains registered instances; delete the instances before deleting the service",
        )
    del registry.services[service.id], registry.services_by_name[service.namespace.id, service.name]
    registry.tags.pop(service.arn, None)
    lingers = call.world.settings.namespace_in_use
    if lingers.maximum:
        service.namespace.in_use_until = call.now + call.world.random.uniform(lingers.minimum, lingers.maximum)
    call.note("service.deleted", service.id, service.name)
    return {}


def get_service(call: Call, request: GetServiceRequestTypeDef) -> Document:
    """Return one service."""
    return {"Service": _describe(call, find_service(call, request["Id"]))}


def list_services(call: Call, request: ListServicesRequestTypeDef) -> Document:
    """Return a page of summaries; filters apply within a page."""
    matches = filters.service_filter(call, request.get("Filters") or [])
    entries, token = page(
        list(cloudmap_state(call).services.values()), request.get("NextToken"), request.get("MaxResults")
    )
    summaries = [_summarise(call, entry) for entry in entries if matches(entry)]
    if token is None:  # those in shared namespaces follow the account's own, on the last page
        summaries += [_summarise(owner_call, entry) for owner_call, entry in _shared(call) if matches(entry)]
    answer: dict[str, object] = {"Services": summaries}
    return {**answer, "NextToken": token} if token else answer


def _shared(call: Call) -> Iterator[tuple[Call, CloudMapService]]:
    """Yield the services in namespaces that other accounts share with the caller, each with a call of its owner."""
    for arn in shared_with(call.world, call.account):
        owner_call = replace(call, account=arn.split(":")[4])
        for service in cloudmap_state(owner_call).services.values():
            if service.namespace.arn == arn:
                yield owner_call, service


def _summarise(call: Call, service: CloudMapService) -> dict[str, object]:
    """Return a service as ListServices shows it: without its namespace, also within DnsConfig."""
    summary = _describe(call, service)
    del summary["NamespaceId"]
    summary.pop("CreatorRequestId", None)
    summary["DnsConfig"] = _describe_dns(service)
    return summary


def _describe_dns(service: CloudMapService) -> dict[str, object]:
    """Return the DNS settings; AWS was seen to show them without members for a service that has none."""
    if service.dns is None:
        return {}
    records = [{"Type": kind, "TTL": ttl} for kind, ttl in service.dns.ttls.items()]
    return {"RoutingPolicy": service.dns.policy, "DnsRecords": records}


def _describe(call: Call, service: CloudMapService) -> dict[str, object]:
    """Return a service without InstanceCount, which no recorded answer of AWS has."""
    document: dict[str, object] = {
        "Id": service.id,
        "Arn": service.arn,
        "ResourceOwner": call.account,
        "Name": service.name,
        "NamespaceId": service.namespace.id,
        "DnsConfig": _describe_dns(service),
        "Type": "HTTP" if service.api_only else "DNS_HTTP",
        "CreateDate": round(service.created, 3),
        "CreatedByAccount": service.created_by,
    }
    if service.description is not None:
        document["Description"] = service.description
    if service.creator_request_id is not None:
        document["CreatorRequestId"] = service.creator_request_id
    if service.dns is not None:
        document["DnsConfig"] = {"NamespaceId": service.namespace.id, **_describe_dns(service)}
    if service.health is not None:
        optional = {"ResourcePath": service.health.path, "FailureThreshold": service.health.threshold}
        document["HealthCheckConfig"] = {
            "Type": service.health.type,
            **{name: value for name, value in optional.items() if value is not None},
        }
    if service.custom_health:
        document["HealthCheckCustomConfig"] = {"FailureThreshold": 1}  # "always set to 1"
    return document
