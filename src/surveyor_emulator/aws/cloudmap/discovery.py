"""DiscoverInstances and DiscoverInstancesRevision: the data plane, which follows the registry with a short delay.

The entries of a service are built when the service changes, not for each call; a call only selects among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.token_bucket import TokenBucket
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import cloudmap_state
from .state import CloudMapService, DiscoveryEntry, DiscoveryView, RegisteredInstance

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DiscoverInstancesRequestTypeDef,
        DiscoverInstancesRevisionRequestTypeDef,
    )

__all__ = [
    "discover_instances",
    "discover_instances_revision",
    "instance_health",
    "new_view",
    "publish_membership",
    "refresh_health",
]

DEFAULT_RESULTS = 100
# Average number of entries that are shuffled per call.
MAX_SHUFFLED = 20


def discover_instances(call: Call, request: DiscoverInstancesRequestTypeDef) -> Document:
    """Return matching instances in random order, at most MaxResults of them."""
    quotas = call.world.settings.quotas
    if quotas.discover_rate is not None:
        _throttle(call, "discover", quotas.discover_rate, quotas.discover_burst)
    service = _find(call, request["NamespaceName"], request["ServiceName"])
    health = (request.get("HealthStatus") or "HEALTHY") if service.has_health_check else "ALL"
    required, optional = request.get("QueryParameters"), request.get("OptionalParameters")
    if required or optional:
        found = _matching(_by_health(call, service, health), required or {})
        found = _matching(found, optional or {}) or found
        encoded = [entry.encoded for entry in found]
    else:
        encoded = service.view.encoded.get(health) or _encode(call, service, health)
    return {
        "Instances": _sample(call.world.request_random, encoded, request.get("MaxResults") or DEFAULT_RESULTS),
        "InstancesRevision": service.view.revision,
    }


def discover_instances_revision(call: Call, request: DiscoverInstancesRevisionRequestTypeDef) -> Document:
    """Return only the revision, so that a cache can decide whether to call DiscoverInstances."""
    quotas = call.world.settings.quotas
    if quotas.revision_rate is not None:
        _throttle(call, "revision", quotas.revision_rate, quotas.revision_burst)
    service = _find(call, request["NamespaceName"], request["ServiceName"])
    return {"InstancesRevision": service.view.revision}


def new_view(call: Call) -> DiscoveryView:
    """Return the view of a new service. Revisions of AWS have 17 digits: a client that reads them as doubles errs."""
    return DiscoveryView(revision=2**53 + int(call.now * 1e6))


def publish_membership(
    call: Call, service: CloudMapService, identity: str, instance: RegisteredInstance | None
) -> None:
    """Raise the revision, and let DiscoverInstances show the change of one instance after the propagation delay.

    ``instance`` is the new or replaced instance; None if it was deregistered.
    """
    view = service.view
    settings = call.world.settings
    delay = settings.discovery_propagation
    due = call.now + call.world.random.uniform(delay.minimum, delay.maximum)
    view.due = max(view.due, due)

    def show() -> None:
        view.revision += 1
        if instance is None:
            view.members.pop(identity, None)
        else:
            view.members[identity] = instance
        view.clear_entries()
        for listener in view.listeners:
            listener()

    call.world.clock.call_at(view.due, show)


def refresh_health(service: CloudMapService) -> None:
    """Rebuild the entries after a change of health, which does not change the revision."""
    service.view.clear_entries()


def instance_health(service: CloudMapService, instance: RegisteredInstance) -> str:
    """Return HEALTHY, UNHEALTHY, or UNKNOWN if the service has no health check."""
    if service.custom_health:
        return instance.status
    return instance.probed_health if service.health is not None else "UNKNOWN"


def _find(call: Call, namespace_name: str, service_name: str) -> CloudMapService:
    registry = cloudmap_state(call)
    namespace = registry.namespaces_by_http_name.get(namespace_name)
    if namespace is None:
        raise ServiceError("NamespaceNotFound", "Namespace not found")
    service = registry.services_by_name.get((namespace.id, service_name))
    if service is None:
        raise ServiceError("ServiceNotFound", f"namespace {namespace_name} has no service {service_name}")
    return service


def _encode(call: Call, service: CloudMapService, health: str) -> list[orjson.Fragment]:
    encoded = [entry.encoded for entry in _by_health(call, service, health)]
    service.view.encoded[health] = encoded
    return encoded


def _by_health(call: Call, service: CloudMapService, health: str) -> list[DiscoveryEntry]:
    known = service.view.entries
    found = known.get(health)
    if found is None:
        entries = known.get("ALL")
        if entries is None:
            entries = known["ALL"] = [_entry(service, member) for member in service.view.members.values()]
            call.world.request_random.shuffle(entries)
        if health == "ALL":
            found = entries
        elif health == "HEALTHY_OR_ELSE_ALL":
            found = [entry for entry in entries if entry.health == "HEALTHY"] or entries
        else:
            found = [entry for entry in entries if entry.health == health]
        known[health] = found
    return found


def _entry(service: CloudMapService, instance: RegisteredInstance) -> DiscoveryEntry:
    health = instance_health(service, instance)
    document = {
        "InstanceId": instance.id,
        "NamespaceName": service.namespace.http_name,
        "ServiceName": service.name,
        "HealthStatus": health,
        "Attributes": instance.attributes,
    }
    return DiscoveryEntry(health, instance.attributes, orjson.Fragment(orjson.dumps(document)))


def _matching(entries: list[DiscoveryEntry], attributes: Mapping[str, str]) -> list[DiscoveryEntry]:
    pairs = attributes.items()
    return [entry for entry in entries if pairs <= entry.attributes.items()]


def _sample(generator: Random, entries: list[orjson.Fragment], size: int) -> list[orjson.Fragment]:
    """Return up to ``size`` entries in random order.

    The cost of a fresh sample grows with the number of entries. So the list itself is shuffled, less often the longer
    it is, and each call takes a slice of it that begins at a random position.
    """
    count = len(entries)
    if count <= 1:
        return entries
    if count <= MAX_SHUFFLED:
        _shuffle(entries, generator)
        return entries[:size]
    if generator.random() * count < MAX_SHUFFLED:
        _shuffle(entries, generator)
    first = int(generator.random() * count)
    chosen = entries[first : first + size]
    return chosen + entries[: min(size, count) - len(chosen)]


def _shuffle(entries: list[orjson.Fragment], generator: Random) -> None:
    """Shuffle in place. Sorting by random keys is a quarter of the work of ``Random.shuffle``."""
    key = generator.random
    entries.sort(key=lambda entry: key())


def _throttle(call: Call, name: str, rate: float, burst: float) -> None:
    buckets = cloudmap_state(call).buckets
    bucket = buckets.get(name)
    if bucket is None:
        bucket = buckets[name] = TokenBucket(rate, burst, burst, call.now)
    if not bucket.take(call.now):
        raise ServiceError("RequestLimitExceeded", f"more than {rate:.0f} calls a second")
