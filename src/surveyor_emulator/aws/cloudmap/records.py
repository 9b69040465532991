"""Keep the Route 53 records of an instance, and the health check that is attached to them, up to date."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.route53 import managed
from surveyor_emulator.aws.route53.record_model import AliasTarget, RecordKey, RecordSet
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import discovery
from .instance_rules import ALIAS, CNAME, IPV4, IPV6, PORT
from .state import CloudMapService, DnsConfig, RegisteredInstance, ServiceHealthCheck

__all__ = ["create_checks", "remove", "rewrite", "set_health", "write"]

_ADDRESS = {"A": IPV4, "AAAA": IPV6}
# On AWS the alias zone of load balancers differs by region; here all regions share one.
_ELB_ZONE = "Z35SXDOTRQ7X7K"


def write(
    call: Call, service: CloudMapService, instance: RegisteredInstance, before: RegisteredInstance | None
) -> None:
    """Create or replace the records and the health check; ``before`` is the instance that had that id until now."""
    new_check = _create_check(call, service, instance, service.health)
    instance.health_check_id = new_check
    old = _record_sets(service, before, service.dns) if before is not None else []
    try:
        _apply(call, service, _record_sets(service, instance, service.dns), old)
    except Exception:
        if new_check is not None:
            managed.delete_health_check(call.world, call.account, new_check)
        raise
    if before is not None and before.health_check_id is not None:
        managed.delete_health_check(call.world, call.account, before.health_check_id)


def create_checks(call: Call, service: CloudMapService, health: ServiceHealthCheck | None) -> dict[str, str | None]:
    """Create a health check with these settings for each instance, all or none: instance id -> id of its check."""
    created: dict[str, str | None] = {}
    try:
        for instance in service.instances.values():
            created[instance.id] = _create_check(call, service, instance, health)
    except ServiceError:
        for check in filter(None, created.values()):
            managed.delete_health_check(call.world, call.account, check)
        raise
    return created


def rewrite(
    call: Call,
    service: CloudMapService,
    instance: RegisteredInstance,
    before: DnsConfig | None,
    checks: Mapping[str, str | None] | None,
) -> None:
    """Apply changed settings of the service to the records and, if there are new health checks, put these there."""
    old_check = instance.health_check_id
    old = _record_sets(service, instance, before)
    if checks is not None:
        instance.health_check_id, instance.probed_health = checks.get(instance.id), "HEALTHY"
    _apply(call, service, _record_sets(service, instance, service.dns), old)
    if old_check is not None and checks is not None:
        managed.delete_health_check(call.world, call.account, old_check)


def remove(call: Call, service: CloudMapService, instance: RegisteredInstance) -> None:
    """Delete the records and the health check."""
    _apply(call, service, [], _record_sets(service, instance, service.dns))
    if instance.health_check_id is not None:
        managed.delete_health_check(call.world, call.account, instance.health_check_id)


def set_health(call: Call, service: CloudMapService, instance: RegisteredInstance) -> None:
    """Copy the custom health status of an instance to its records."""
    if service.namespace.zone_id is None:
        return
    for record in _record_sets(service, instance, service.dns):
        if record.set_identifier is not None:
            key = RecordKey(record.name, record.type, record.set_identifier)
            managed.set_health(call.world, call.account, service.namespace.zone_id, key, instance.status == "HEALTHY")


def _apply(call: Call, service: CloudMapService, records: list[RecordSet], old: list[RecordSet]) -> None:
    zone = service.namespace.zone_id
    if zone is None:
        return
    kept = {_key(record) for record in records}
    deleted = [_key(record) for record in old if _key(record) not in kept]
    if records or deleted:
        managed.apply_changes(call.world, call.account, zone, records, deleted)


def _key(record: RecordSet) -> RecordKey:
    return RecordKey(record.name, record.type, record.set_identifier)


def _record_sets(service: CloudMapService, instance: RegisteredInstance, dns: DnsConfig | None) -> list[RecordSet]:
    if dns is None:
        return []
    name = _absolute(service.name, service.namespace.name)
    sets = []
    for kind, ttl in dns.ttls.items():
        alias = instance.attributes.get(ALIAS)
        if alias is not None:
            sets.append(_record(dns, instance, name, kind, None, (), AliasTarget(_ELB_ZONE, _dotted(alias), True)))
        elif kind == "SRV":
            host = _absolute(instance.id, service.name, service.namespace.name)
            sets.append(_record(dns, instance, name, kind, ttl, (f"1 1 {instance.attributes[PORT]} {host}",)))
            sets += [
                RecordSet(host, helper, ttl, (instance.attributes[key],))
                for helper, key in _ADDRESS.items()
                if key in instance.attributes
            ]
        else:
            value = instance.attributes[_ADDRESS.get(kind, CNAME)]
            sets.append(_record(dns, instance, name, kind, ttl, (value,)))
    return sets


def _record(
    dns: DnsConfig,
    instance: RegisteredInstance,
    name: str,
    kind: str,
    ttl: int | None,
    values: tuple[str, ...],
    alias: AliasTarget | None = None,
) -> RecordSet:
    weighted = dns.policy == "WEIGHTED"
    return RecordSet(
        name,
        kind,
        ttl,
        values,
        set_identifier=instance.id,
        multivalue=not weighted,
        weight=1 if weighted else None,
        # An alias record carries no health check (RegisterInstance: it "doesn't associate" one).
        health_check_id=instance.health_check_id if alias is None else None,
        alias=alias,
        healthy=instance.status == "HEALTHY",
    )


def _create_check(
    call: Call, service: CloudMapService, instance: RegisteredInstance, health: ServiceHealthCheck | None
) -> str | None:
    has_address = PORT in instance.attributes and (IPV4 in instance.attributes or IPV6 in instance.attributes)
    # An instance that was registered before the service had a check may lack what a check needs.
    if health is None or not has_address:
        return None
    config = managed.HealthCheckConfig(
        type=health.type,
        # With both addresses Route 53 probes the IPv4 one.
        ip_address=instance.attributes.get(IPV4) or instance.attributes[IPV6],
        port=int(instance.attributes[PORT]),
        resource_path=health.path,
        failure_threshold=health.threshold or 3,
        fully_qualified_domain_name=None,
        enable_sni=health.type == "HTTPS",
    )

    def follow(healthy: bool) -> None:
        if instance.health_check_id == check.id:
            instance.probed_health = "HEALTHY" if healthy else "UNHEALTHY"
            discovery.refresh_health(service)
            call.note("instance.health", instance.id, instance.probed_health)

    check = managed.create_health_check(call.world, call.account, config, service_arn=service.arn, follower=follow)
    return check.id


def _absolute(*labels: str) -> str:
    # A service may be named ".", which stands for the namespace's own name.
    return _dotted(".".join(label for label in labels if label != "."))


def _dotted(name: str) -> str:
    return name.lower().rstrip(".") + "."
