"""DiscoverInstances and its revision: the data plane, a moment behind the registry.

The answers of a service are made when it changes, not when they are asked for; a call only picks among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .find import state
from .state import Instance, Service
from .throttle import Bucket

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DiscoverInstancesRequestTypeDef,
        DiscoverInstancesRevisionRequestTypeDef,
    )

__all__ = ["discover_instances", "discover_instances_revision", "health_changed", "health_of", "membership_changed"]

DEFAULT_RESULTS = 100
# Entries that may be shuffled for one call, on average.
SHUFFLED = 20


def discover_instances(call: Call, request: DiscoverInstancesRequestTypeDef) -> Document:
    """Instances that match, in random order, at most MaxResults of them."""
    quotas = call.world.settings.quotas
    _throttle(call, "discover", quotas.discover_rate, quotas.discover_burst)
    service = _find(call, request["NamespaceName"], request["ServiceName"], request.get("OwnerAccount"))
    found = _by_health(call, service, request.get("HealthStatus") or "HEALTHY")
    found = _matching(found, request.get("QueryParameters") or {})
    optional = request.get("OptionalParameters")
    if optional:
        found = _matching(found, optional) or found
    return {
        "Instances": _some(call, found, request.get("MaxResults") or DEFAULT_RESULTS),
        "InstancesRevision": service.view.revision,
    }


def discover_instances_revision(call: Call, request: DiscoverInstancesRevisionRequestTypeDef) -> Document:
    """The revision alone, so that a cache can tell whether to ask for more."""
    quotas = call.world.settings.quotas
    _throttle(call, "revision", quotas.revision_rate, quotas.revision_burst)
    service = _find(call, request["NamespaceName"], request["ServiceName"], request.get("OwnerAccount"))
    return {"InstancesRevision": service.view.revision}


def membership_changed(call: Call, service: Service, identity: str, now: Instance | None) -> None:
    """An instance came, was replaced or went: the revision rises, and DiscoverInstances will show it soon."""
    service.revision += 1
    revision = service.revision
    view = service.view
    settings = call.world.settings
    delay = settings.discovery_propagation
    due = call.now + call.world.chance.uniform(delay.least, delay.most)
    view.due = max(view.due, due)

    def show() -> None:
        view.revision = revision
        if now is None:
            view.members.pop(identity, None)
        else:
            view.members[identity] = now
        view.summaries.clear()
        for heard in view.heard:
            heard()

    call.world.clock.call_at(view.due, show)


def health_changed(service: Service) -> None:
    """The health of instances changed; the revision does not."""
    service.view.summaries.clear()


def health_of(service: Service, instance: Instance) -> str:
    """HEALTHY, UNHEALTHY, or UNKNOWN where the service has no health check."""
    if service.custom_health:
        return instance.status
    return instance.probed if service.health is not None else "UNKNOWN"


def _find(call: Call, namespace_name: str, service_name: str, owner: str | None) -> Service:
    registry = state(call)
    namespace = registry.namespaces_by_http_name.get(namespace_name)
    if namespace is None or (owner is not None and owner != call.account):
        raise ServiceError("NamespaceNotFound", f"there is no namespace {namespace_name}")
    service = registry.services_by_name.get((namespace.id, service_name))
    if service is None:
        raise ServiceError("ServiceNotFound", f"namespace {namespace_name} has no service {service_name}")
    return service


def _by_health(call: Call, service: Service, wanted: str) -> list[dict[str, object]]:
    if not service.checked:
        wanted = "ALL"
    summaries = service.view.summaries
    found = summaries.get(wanted)
    if found is None:
        everything = summaries.get("ALL")
        if everything is None:
            everything = summaries["ALL"] = [_summary(service, member) for member in service.view.members.values()]
            call.world.chance_of_requests.shuffle(everything)
        if wanted == "ALL":
            found = everything
        elif wanted == "HEALTHY_OR_ELSE_ALL":
            found = [one for one in everything if one["HealthStatus"] == "HEALTHY"] or everything
        else:
            found = [one for one in everything if one["HealthStatus"] == wanted]
        summaries[wanted] = found
    return found


def _summary(service: Service, instance: Instance) -> dict[str, object]:
    return {
        "InstanceId": instance.id,
        "NamespaceName": service.namespace.http_name,
        "ServiceName": service.name,
        "HealthStatus": health_of(service, instance),
        "Attributes": instance.attributes,
    }


def _matching(found: list[dict[str, object]], wanted: Mapping[str, str]) -> list[dict[str, object]]:
    if not wanted:
        return found
    pairs = wanted.items()
    return [one for one in found if pairs <= one["Attributes"].items()]  # type: ignore[attr-defined]  # a dict of strings


def _some(call: Call, found: list[dict[str, object]], size: int) -> list[dict[str, object]]:
    """Up to ``size`` of them in random order.

    A fresh sample costs more the more there are. So the list itself is shuffled, the more seldom the longer it is, and
    each call takes a stretch of it from a random place on.
    """
    chance = call.world.chance_of_requests
    count = len(found)
    if count <= 1:
        return found
    if chance.random() * count < SHUFFLED:
        chance.shuffle(found)
    first = int(chance.random() * count)
    stretch = found[first : first + size]
    return stretch + found[: min(size, count) - len(stretch)]


def _throttle(call: Call, name: str, rate: float | None, burst: float) -> None:
    if rate is None:
        return
    buckets = state(call).buckets
    bucket = buckets.get(name)
    if bucket is None:
        bucket = buckets[name] = Bucket(rate, burst, burst, call.now)
    if not bucket.take(call.now):
        raise ServiceError("RequestLimitExceeded", f"more than {rate:.0f} calls a second")
