"""The rules of an audit about what registers instances beside ECS: scripts, controllers, and what they leave."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor.audit.findings import Finding, Severity
from surveyor.audit.network import Network
from surveyor.audit.snapshot import PORT, Instance, Snapshot

__all__ = ["flapping_registrations", "leftovers", "ports_of_some_instances", "registries_of_external_dns"]

_OWNER = "heritage=external-dns"
"""The mark of external-dns in the description of its services (its provider aws-sd)."""

FLAPS = 3
"""How often an instance is registered within an hour before it is said to flap: a restart or two are normal."""


def flapping_registrations(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    """Yield a finding for each instance that was registered again and again lately."""
    for registry in snapshot.registries.values():
        counts = network.registrations.get(registry.arn, {})
        for instance, count in sorted(counts.items()):
            if count >= FLAPS:
                yield Finding(
                    "registration-flaps", Severity.HURTS, registry.host,
                    f"{instance} was registered {count} times within {network.period / 60:.0f} minutes: each time "
                    "resolvers and clients learn of it anew",
                    "have the heart-beat report its health with UpdateInstanceCustomHealthStatus, and register once",
                    "instances.register-again-replaces-attributes",
                )  # fmt: skip


def leftovers(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    """Yield a finding for each instance of an ECS service that is gone, or with the address of a task."""
    for registry in snapshot.registries.values():
        gone = [instance for instance in registry.instances if _ecs_service(instance) in network.unknown_services]
        tasks = {task.id for service in snapshot.services for task in service.tasks}
        held = {
            instance.attributes.get("AWS_INSTANCE_IPV4"): instance.id
            for instance in registry.instances
            if instance.id in tasks
        }
        twice = [
            instance for instance in registry.instances
            if instance.id not in tasks and instance not in gone
            and instance.attributes.get("AWS_INSTANCE_IPV4") in held and not _ecs_service(instance)
        ]  # fmt: skip
        for instance in (*gone, *twice):
            source = _ecs_service(instance)
            why = (
                f"names the ECS service {source}, which does not exist" if source
                else f"has the address of the task {held[instance.attributes['AWS_INSTANCE_IPV4']]}"
            )  # fmt: skip
            yield Finding(
                "left-by-another-registrar", Severity.BREAKS, registry.host,
                f"the instance {instance.id} ({instance.attributes.get('AWS_INSTANCE_IPV4', 'no address')}) {why}: "
                "nothing deregisters it",
                f"aws servicediscovery deregister-instance --service-id {registry.id} --instance-id {instance.id}",
                "on-premises.beside-ecs.tasks-come-and-go-alone",
            )  # fmt: skip


def ports_of_some_instances(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    """Yield a finding for each service in which some instances have a port and others none."""
    for registry in snapshot.registries.values():
        without = [instance.id for instance in registry.instances if PORT not in instance.attributes]
        if without and len(without) < len(registry.instances):
            yield Finding(
                "ports-of-some-instances", Severity.HURTS, registry.host,
                f"{len(without)} of {len(registry.instances)} instances have no {PORT} ({', '.join(without[:3])}): "
                "clients that read it cannot call them",
                "register all with a port; tasks of ECS by a port in serviceRegistries of a Cloud Map service with SRV "
                "records",
                "registrars.api-gateway.needs-a-service-with-srv", "openabdev/openab#1275",
            )  # fmt: skip


def registries_of_external_dns(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    """Yield a finding for each ECS service whose registry an installation of external-dns takes for its own."""
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is not None and _OWNER in registry.description:
            yield Finding(
                "registry-of-external-dns", Severity.HURTS, f"{service.cluster}/{service.name}",
                f"the description of its registry {registry.host} says {_OWNER}: external-dns takes the addresses of "
                "tasks for its targets, fails to deregister them, and with --aws-sd-service-cleanup deletes the "
                "registry while no task runs",
                "create another Cloud Map service for the tasks, or take the owner out of the description",
                "registrars.external-dns.unknown-id-removes-nothing",
            )  # fmt: skip


def _ecs_service(instance: Instance) -> str:
    """Return CLUSTER/SERVICE that an instance names, "" if it names none."""
    cluster, service = (instance.attributes.get(name) for name in ("ECS_CLUSTER_NAME", "ECS_SERVICE_NAME"))
    return f"{cluster}/{service}" if cluster and service else ""
