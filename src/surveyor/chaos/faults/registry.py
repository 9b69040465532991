"""Faults of the registry: what callers of its API receive, and changes of its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from surveyor.callers import DISCOVERY
from surveyor.chaos.actions import BUSY, ActionContext, ApiAction, FaultFailed, Restoration
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.errors import UsageError
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["REGISTRY_FAULTS"]

_CLOUDMAP = frozenset({"cloudmap"})
_NAMES = frozenset({"cloudmap", "dns"})
_IAM = frozenset({"cloudmap", "iam"})
_SHARED = frozenset({"cloudmap", "sharing"})
_GONE = ("InstanceNotFound", "ServiceNotFound")

GHOST = "127.255.255.253"
"""A loopback address at which nothing listens: calls are refused."""

UNUSED = "192.0.2.1"
"""An address of no network (RFC 5737, TEST-NET-1), for services of others: their clients' calls are not answered."""


def _proxied(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    """Return a plan for `share` of callers' requests, of `operations` only if they are given."""
    share = float(victims.parameters.get("share", 1.0))
    operations = tuple(map(str, victims.parameters.get("operations", ())))
    if unknown := sorted(set(operations) - DISCOVERY):
        raise UsageError(f"expected operations of {', '.join(sorted(DISCOVERY))}, got {', '.join(unknown)}")
    of = f", of {', '.join(operations)}" if operations else ""
    return FaultPlan(proxy_share=share, operations=operations, description=f"{share:.0%} of callers' requests{of}")


def _partial(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    left = float(victims.parameters.get("left", 0.5))
    plan = _proxied(service, victims, context)
    return replace(plan, amount=left, description=f"{plan.description}; {left:.0%} of the instances are left")


def _ghost(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    name = str(victims.parameters.get("name", "ghost"))
    address = str(victims.parameters.get("address", GHOST if service.temporary else UNUSED))
    instance = {"ServiceId": service.registry, "InstanceId": name}
    if not service.temporary and _registered(context, instance):
        raise FaultFailed(f"registry.ghost: the instance {name} exists already: it would be overwritten")
    health = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"} if service.health else {}
    attributes = {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(service.port), **health}
    return FaultPlan(
        (ApiAction("servicediscovery", "register_instance", {**instance, "Attributes": attributes}),),
        (Restoration("instance", {"registry": service.registry, "instance": name, "address": address}),),
        description=f"the instance {name} at {address}",
    )


def _registered(context: ActionContext, instance: dict[str, str]) -> Mapping[str, Any]:
    """Return the instance as GetInstance describes it; nothing if it is not registered."""
    try:
        found: Mapping[str, Any] = context.client("servicediscovery").get_instance(**instance)["Instance"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "InstanceNotFound":
            return {}
        raise
    return found


def _deregister(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    begin, undo = [], []
    for task in victims.tasks:
        instance = {"ServiceId": service.registry, "InstanceId": task.id}
        described = _registered(context, instance)
        if "Attributes" not in described:
            raise FaultFailed(f"registry.deregister-live: the task {task.id} is not registered with attributes")
        begin.append(ApiAction("servicediscovery", "deregister_instance", instance, _GONE, BUSY))
        registered = {"registry": service.registry, "instance": task.id, "attributes": dict(described["Attributes"])}
        undo.append(Restoration("registration", {**registered, "cluster": service.cluster, "task": task.arn}))
    return FaultPlan(tuple(begin), tuple(undo))


def _ttl(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    described = context.client("servicediscovery").get_service(Id=service.registry)["Service"]
    new_ttl, records = int(victims.parameters.get("ttl", 300)), described.get("DnsConfig", {}).get("DnsRecords", [])
    if not records:
        raise FaultFailed(f"registry.ttl: the service {service.name} has no DNS records")

    # A request deletes what it leaves out, so everything besides the TTL is repeated.
    changed = [{"Type": record["Type"], "TTL": new_ttl} for record in records]
    kept = {name: described[name] for name in ("Description", "HealthCheckConfig") if name in described}
    params = {"Id": service.registry, "Service": {**kept, "DnsConfig": {"DnsRecords": changed}}}
    old_ttls = {str(record["Type"]): int(record["TTL"]) for record in records}
    return FaultPlan(
        (ApiAction("servicediscovery", "update_service", params, _GONE, BUSY),),
        (Restoration("ttls", {"registry": service.registry, "before": old_ttls, "after": new_ttl}),),
        description=f"from {', '.join(map(str, old_ttls.values()))} to {new_ttl} s",
    )


def _withdraw(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    params = {"resourceShareArn": service.share, "resourceArns": [service.namespace_arn]}
    return FaultPlan(
        (ApiAction("ram", "disassociate_resource_share", params),),
        (ApiAction("ram", "associate_resource_share", params),),
        description=f"the namespace {service.namespace}",
    )


REGISTRY_FAULTS = (
    Fault(
        "registry.throttle",
        "answers callers' requests to Cloud Map with a throttling error",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.fail-once",
        "fails each of callers' requests to Cloud Map once, and lets the retry pass",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.partial",
        "answers callers of DiscoverInstances with half of the instances",
        (FaultImplementation(_CLOUDMAP, _partial),),
        lasting=True,
    ),
    Fault(
        "registry.empty",
        "answers callers of DiscoverInstances with an empty list instead of an error",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.expired-token",
        "answers callers' requests to Cloud Map as if their credentials had expired",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.unavailable",
        "closes callers' connections to Cloud Map without an answer",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.stale",
        "answers callers with an earlier response of DiscoverInstances",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "registry.ghost",
        "registers an instance that is no task (RegisterInstance)",
        (FaultImplementation(_CLOUDMAP, _ghost),),
        lasting=True,
    ),
    Fault(
        "registry.deregister-live",
        "deregisters tasks that keep running (DeregisterInstance)",
        (FaultImplementation(_CLOUDMAP, _deregister),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "registry.ttl",
        "changes the TTL of the service's DNS records (UpdateService)",
        (FaultImplementation(_NAMES, _ttl),),
        lasting=True,
    ),
    Fault(
        "clock.skew",
        "makes callers sign requests to Cloud Map with a clock twenty minutes ahead",
        (FaultImplementation(_CLOUDMAP, _proxied),),
        lasting=True,
    ),
    Fault(
        "permission.revoke",
        "gives callers a session without permission to discover instances",
        (FaultImplementation(_IAM, _proxied),),
        lasting=True,
    ),
    Fault(
        "share.withdraw",
        "removes the namespace from the resource share of callers in another account",
        (FaultImplementation(_SHARED, _withdraw),),
        lasting=True,
    ),
)
