"""What the documents promise a registry to hold after a series of calls: values and pure functions, no target.

Whatever the documents leave open (delays above all) stands in it as an `Eventual`, so that a reader of the model is
told a set of answers that are permitted, never one that is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from surveyor import timeouts
from surveyor.model_testing.consistency import Eventual, Moment
from surveyor.model_testing.steps import (
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    Deregister,
    Kind,
    Pairs,
    Records,
    Register,
    RegisterMany,
    Report,
    Routing,
    Status,
    Step,
)

__all__ = ["MANY", "VISIBLE", "Instance", "Namespace", "Registry", "Seen", "Service", "after", "namespace_of", "takes"]

VISIBLE = max(timeouts.DISCOVERY, timeouts.DNS_CHANGE)
"""Service seconds after the success of an operation until every view shows what it did."""

_STATUSES: tuple[Status, ...] = ("HEALTHY", "UNHEALTHY")
INITIAL = "AWS_INIT_HEALTH_STATUS"
MANY = tuple(
    (f"many-{number}", (("AWS_INSTANCE_IPV4", f"192.0.2.{100 + number}"), ("AWS_INSTANCE_PORT", "8080")))
    for number in range(7)
)
"""What RegisterMany registers: ids and attributes."""


@dataclass(frozen=True)
class Instance:
    """One instance id of a service. `attributes` None: not registered. `health` counts on custom checks only.

    `reports` since it was registered; `cancelled`: one of them took back an earlier one; `repeated`: one said the same
    as the one before while that one was still to take effect.
    """

    attributes: Eventual[Pairs | None]
    health: Eventual[Status]
    reports: int = 0
    cancelled: bool = False
    repeated: bool = False

    @property
    def is_registered(self) -> bool:
        """Whether it is there in the end."""
        return self.attributes.last is not None

    @property
    def times_registered(self) -> int:
        """How often RegisterInstance succeeded for this id."""
        return sum(write.value is not None for write in self.attributes.writes)


@dataclass(frozen=True)
class Seen:
    """A revision that DiscoverInstances told, the members it told with it, and after how many calls that change them.

    `settled`: every change was to be seen by then. `members` None: the answer was filtered.
    """

    revision: int
    members: frozenset[str] | None
    changes: int
    settled: bool


@dataclass(frozen=True)
class Service:
    """A service, with every instance id that ever was registered in it."""

    records: Records
    routing: Routing
    custom: bool
    instances: Mapping[str, Instance] = field(default_factory=dict)
    changes: int = 0
    seen: Seen | None = None

    @property
    def registered(self) -> tuple[str, ...]:
        """The ids that are there in the end."""
        return tuple(name for name, one in self.instances.items() if one.is_registered)

    @property
    def settles(self) -> float:
        """When all its changes are to be seen everywhere, in service seconds; what never settles is left out."""
        each = self.instances.values()
        latest = [write.latest for one in each for write in one.attributes.writes]
        latest += [write.latest for one in each for write in one.health.writes]
        return max((moment for moment in latest if math.isfinite(moment)), default=-math.inf)


@dataclass(frozen=True)
class Namespace:
    """A namespace; that it is empty or not is seen from the services."""

    kind: Kind


@dataclass(frozen=True)
class Registry:
    """Namespaces and services by their names in the history. `deleted`: names whose thing is gone."""

    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()

    def services_of(self, namespace: str) -> tuple[str, ...]:
        """The services that a namespace contains."""
        return tuple(name for name in self.services if namespace_of(name) == namespace)

    def with_service(self, name: str, service: Service) -> Registry:
        """The same with one service as given."""
        return replace(self, services={**self.services, name: service})

    def with_seen(self, name: str, seen: Seen) -> Registry:
        """The same after a revision was told."""
        return self.with_service(name, replace(self.services[name], seen=seen))


def namespace_of(service: str) -> str:
    """The namespace of a service, by its name in the history."""
    return service.partition("/")[0]


def after(registry: Registry, step: Step, at: Moment, tolerance: float = 0.0) -> Registry:
    """The registry after a step that went as documented; a refused step and a look change nothing.

    `at`: from when the call was sent to when its operation was seen to have ended. `tolerance`: service
    seconds by which what takes "about" so long may come sooner or later.
    """
    match step:
        case CreateNamespace(name, kind):
            return replace(registry, namespaces={**registry.namespaces, name: Namespace(kind)})
        case CreateService(name, records, routing, custom) if name not in registry.services:
            return registry.with_service(name, Service(records, routing, custom))
        case Register(name, instance, attributes) if takes(registry.services[name], attributes):
            return registry.with_service(name, _registered(registry.services[name], instance, attributes, at))
        case RegisterMany(name):
            service = registry.services[name]
            for instance, attributes in MANY:
                service = _registered(service, instance, attributes, at)
            return registry.with_service(name, service)
        case Deregister(name, instance) if instance in registry.services[name].registered:
            return registry.with_service(name, _deregistered(registry.services[name], instance, at))
        case Report(name, instance, status):
            service = registry.services[name]
            if service.custom and instance in service.registered:
                reported = _reported(service.instances[instance], status, at, tolerance)
                service = replace(service, instances={**service.instances, instance: reported})
            return registry.with_service(name, service)
        case DeleteService(name) if not registry.services[name].registered:
            left = {key: one for key, one in registry.services.items() if key != name}
            return replace(registry, services=left, deleted=registry.deleted | {name})
        case DeleteNamespace(name) if not registry.services_of(name):
            rest = {key: one for key, one in registry.namespaces.items() if key != name}
            return replace(registry, namespaces=rest, deleted=registry.deleted | {name})
    return registry


def takes(service: Service, attributes: Pairs) -> bool:
    """Whether the attributes are enough for the service's records."""
    given = {key for key, _ in attributes}
    needed = {"none": set(), "A": {"AWS_INSTANCE_IPV4"}, "SRV": {"AWS_INSTANCE_IPV4", "AWS_INSTANCE_PORT"}}
    return needed[service.records] <= given


def _registered(service: Service, instance: str, attributes: Pairs, at: Moment) -> Service:
    initial: Status = "UNHEALTHY" if dict(attributes).get(INITIAL) == "UNHEALTHY" else "HEALTHY"
    known, seen_by = service.instances.get(instance), at.end + VISIBLE
    if known is None:
        absent: Eventual[Pairs | None] = Eventual.always(None)
        made = Instance(absent.write(attributes, at.start, seen_by), Eventual.always(initial))
    else:
        health = known.health.write(initial, at.start, seen_by)
        if known.is_registered:
            # No document says whether registering again keeps the status that was reported: both for ever.
            for status in _STATUSES:
                health = health.write(status, at.start, math.inf)
        made = Instance(known.attributes.write(attributes, at.start, seen_by), health)
    return replace(service, instances={**service.instances, instance: made}, changes=service.changes + 1)


def _deregistered(service: Service, instance: str, at: Moment) -> Service:
    known = service.instances[instance]
    gone = replace(known, attributes=known.attributes.write(None, at.start, at.end + VISIBLE))
    return replace(service, instances={**service.instances, instance: gone}, changes=service.changes + 1)


def _reported(instance: Instance, status: Status, at: Moment, tolerance: float) -> Instance:
    """As servicediscovery/HealthCheckCustomConfig has it: 30 seconds from the first report; the opposite cancels."""
    health, last = instance.health, instance.health.writes[-1]
    told = replace(instance, reports=instance.reports + 1)
    if last.value == status and last.latest < math.inf:
        return replace(told, repeated=told.repeated or last.latest > at.start)
    if last.value != status and last.earliest > at.end:
        return replace(told, health=health.without_last(), cancelled=True)
    # The guide tells of the wait for UNHEALTHY only; and what comes amid another change may take that one back at once.
    waits = status == "UNHEALTHY" and last.latest <= at.start
    earliest = at.start + (timeouts.CUSTOM_HEALTH - tolerance if waits else 0.0)
    latest = at.end + timeouts.CUSTOM_HEALTH + tolerance + VISIBLE
    return replace(told, health=health.write(status, earliest, latest))
