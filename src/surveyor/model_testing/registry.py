"""The reference model: what the documents promise a registry to contain after calls, as values and pure functions.

Whatever the documents leave open (above all delays) is an `Eventual`, so the model returns a set of permitted answers
and never guesses a single answer.
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
    DeregisterInstance,
    Kind,
    Pairs,
    Records,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Routing,
    Status,
    Step,
)

__all__ = [
    "MANY_INSTANCES",
    "VISIBLE",
    "ModelInstance",
    "ModelNamespace",
    "ModelRegistry",
    "ModelService",
    "ObservedRevision",
    "accepts_attributes",
    "apply_step",
    "namespace_of",
]

VISIBLE = max(timeouts.DISCOVERY, timeouts.DNS_CHANGE)
"""Service seconds after the success of an operation until every view shows its effect."""

_STATUSES: tuple[Status, ...] = ("HEALTHY", "UNHEALTHY")
INITIAL_HEALTH = "AWS_INIT_HEALTH_STATUS"
MANY_INSTANCES = tuple(
    (f"many-{number}", (("AWS_INSTANCE_IPV4", f"192.0.2.{100 + number}"), ("AWS_INSTANCE_PORT", "8080")))
    for number in range(7)
)
"""The ids and attributes of the instances that RegisterMany registers."""


@dataclass(frozen=True)
class ModelInstance:
    """One instance id of a service. `attributes` None: not registered. `health` is used with custom checks only.

    `reports` is the number of health reports since it was registered; `cancelled`: one of them cancelled an earlier
    one; `repeated`: one repeated the status of the previous one before that took effect.
    """

    attributes: Eventual[Pairs | None]
    health: Eventual[Status]
    reports: int = 0
    cancelled: bool = False
    repeated: bool = False

    @property
    def is_registered(self) -> bool:
        """Whether it is finally registered."""
        return self.attributes.last is not None

    @property
    def times_registered(self) -> int:
        """The number of successful RegisterInstance calls for this id."""
        return sum(write.value is not None for write in self.attributes.writes)


@dataclass(frozen=True)
class ObservedRevision:
    """A revision that DiscoverInstances returned, with the members, and the number of changes made by then.

    `settled`: every change had to be visible by then. `members` None: the answer was filtered.
    """

    revision: int
    members: frozenset[str] | None
    changes: int
    settled: bool


@dataclass(frozen=True)
class ModelService:
    """A service with every instance id that was ever registered in it."""

    records: Records
    routing: Routing
    custom: bool
    instances: Mapping[str, ModelInstance] = field(default_factory=dict)
    changes: int = 0
    last_revision: ObservedRevision | None = None

    @property
    def registered(self) -> tuple[str, ...]:
        """The ids that are finally registered."""
        return tuple(name for name, instance in self.instances.items() if instance.is_registered)

    @property
    def settles_at(self) -> float:
        """The time by which all changes must be visible, in service seconds; without those that never settle."""
        instances = self.instances.values()
        latest = [write.latest for instance in instances for write in instance.attributes.writes]
        latest += [write.latest for instance in instances for write in instance.health.writes]
        return max((time for time in latest if math.isfinite(time)), default=-math.inf)


@dataclass(frozen=True)
class ModelNamespace:
    """A namespace; whether it is empty follows from the services."""

    kind: Kind


@dataclass(frozen=True)
class ModelRegistry:
    """Namespaces and services by their names in the history. `deleted`: names of deleted ones."""

    namespaces: Mapping[str, ModelNamespace] = field(default_factory=dict)
    services: Mapping[str, ModelService] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()

    def services_of(self, namespace: str) -> tuple[str, ...]:
        """Return the services in a namespace."""
        return tuple(name for name in self.services if namespace_of(name) == namespace)

    def with_service(self, name: str, service: ModelService) -> ModelRegistry:
        """Return the registry with one service replaced."""
        return replace(self, services={**self.services, name: service})

    def with_revision(self, name: str, revision: ObservedRevision) -> ModelRegistry:
        """Return the registry with the last observed revision of a service."""
        return self.with_service(name, replace(self.services[name], last_revision=revision))


def namespace_of(service: str) -> str:
    """Return the namespace of a service, by its name in the history."""
    return service.partition("/")[0]


def apply_step(registry: ModelRegistry, step: Step, at: Moment, tolerance: float = 0.0) -> ModelRegistry:
    """Return the registry after a step that behaved as documented; refused steps and read steps change nothing.

    `at`: from the time when the call was sent to the time when its operation was observed to have finished.
    `tolerance`: service seconds by which a delay documented with "about" may be shorter or longer.
    """
    match step:
        case CreateNamespace(name, kind):
            return replace(registry, namespaces={**registry.namespaces, name: ModelNamespace(kind)})
        case CreateService(name, records, routing, custom) if name not in registry.services:
            return registry.with_service(name, ModelService(records, routing, custom))
        case RegisterInstance(name, instance, attributes) if accepts_attributes(registry.services[name], attributes):
            return registry.with_service(name, _registered(registry.services[name], instance, attributes, at))
        case RegisterMany(name):
            service = registry.services[name]
            for instance, attributes in MANY_INSTANCES:
                service = _registered(service, instance, attributes, at)
            return registry.with_service(name, service)
        case DeregisterInstance(name, instance) if instance in registry.services[name].registered:
            return registry.with_service(name, _deregistered(registry.services[name], instance, at))
        case ReportHealth(name, instance, status):
            service = registry.services[name]
            if service.custom and instance in service.registered:
                reported = _reported(service.instances[instance], status, at, tolerance)
                service = replace(service, instances={**service.instances, instance: reported})
            return registry.with_service(name, service)
        case DeleteService(name) if not registry.services[name].registered:
            services = {key: service for key, service in registry.services.items() if key != name}
            return replace(registry, services=services, deleted=registry.deleted | {name})
        case DeleteNamespace(name) if not registry.services_of(name):
            namespaces = {key: namespace for key, namespace in registry.namespaces.items() if key != name}
            return replace(registry, namespaces=namespaces, deleted=registry.deleted | {name})
    return registry


def accepts_attributes(service: ModelService, attributes: Pairs) -> bool:
    """Return whether the attributes are sufficient for the service's records."""
    keys = {key for key, _ in attributes}
    required = {"none": set(), "A": {"AWS_INSTANCE_IPV4"}, "SRV": {"AWS_INSTANCE_IPV4", "AWS_INSTANCE_PORT"}}
    return required[service.records] <= keys


def _registered(service: ModelService, instance: str, attributes: Pairs, at: Moment) -> ModelService:
    initial: Status = "UNHEALTHY" if dict(attributes).get(INITIAL_HEALTH) == "UNHEALTHY" else "HEALTHY"
    known, latest = service.instances.get(instance), at.end + VISIBLE
    if known is None:
        absent: Eventual[Pairs | None] = Eventual.constant(None)
        registered = ModelInstance(absent.write(attributes, at.start, latest), Eventual.constant(initial))
    else:
        health = known.health.write(initial, at.start, latest)
        if known.is_registered:
            # No document says whether registering again keeps the reported status: both are permitted from now on.
            for status in _STATUSES:
                health = health.write(status, at.start, math.inf)
        registered = ModelInstance(known.attributes.write(attributes, at.start, latest), health)
    return replace(service, instances={**service.instances, instance: registered}, changes=service.changes + 1)


def _deregistered(service: ModelService, instance: str, at: Moment) -> ModelService:
    known = service.instances[instance]
    deregistered = replace(known, attributes=known.attributes.write(None, at.start, at.end + VISIBLE))
    return replace(service, instances={**service.instances, instance: deregistered}, changes=service.changes + 1)


def _reported(instance: ModelInstance, status: Status, at: Moment, tolerance: float) -> ModelInstance:
    """Apply a health report (servicediscovery/HealthCheckCustomConfig).

    It takes effect 30 seconds after the first report; the opposite report cancels it.
    """
    health, last = instance.health, instance.health.writes[-1]
    reported = replace(instance, reports=instance.reports + 1)
    if last.value == status and last.latest < math.inf:
        return replace(reported, repeated=reported.repeated or last.latest > at.start)
    if last.value != status and last.earliest > at.end:
        return replace(reported, health=health.without_last(), cancelled=True)
    # The guide describes the wait for UNHEALTHY only; a report during another change may cancel that at once.
    delayed = status == "UNHEALTHY" and last.latest <= at.start
    earliest = at.start + (timeouts.CUSTOM_HEALTH - tolerance if delayed else 0.0)
    latest = at.end + timeouts.CUSTOM_HEALTH + tolerance + VISIBLE
    return replace(reported, health=health.write(status, earliest, latest))
