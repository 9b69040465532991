"""Manage zones, records and health checks for another AWS service, Cloud Map, on behalf of its user.

Such zones and checks carry the service's principal (LinkedService), and Route 53's own API cannot change them. The
limits on one API request do not apply here, nor the limit of 100 records with one name and type: Cloud Map documents
1,000 instances per service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from surveyor_emulator.aws.route53.health.prober import start_probing
from surveyor_emulator.aws.route53.health_checks import add_check, find_check, remove_check_later
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

from . import names
from .changes import submit_change
from .published_zones import published_zones
from .rdata import encode
from .record_model import RecordKey, RecordSet
from .record_table import RecordTable
from .state import (
    CLOUD_MAP,
    Change,
    HealthCheckConfig,
    HostedZone,
    ResourceOwner,
    Route53HealthCheck,
    Route53State,
    VpcKey,
)
from .zones import add_zone, find_zone, remove_zone

__all__ = [
    "HealthCheckConfig",
    "apply_changes",
    "create_health_check",
    "create_zone",
    "delete_health_check",
    "delete_zone",
    "find_records",
    "set_health",
    "set_soa_ttl",
]


def create_zone(
    world: World,
    account: str,
    name: str,
    *,
    soa_ttl: int,
    caller_reference: str,
    namespace_arn: str,
    vpc: tuple[str, str] | None,
) -> HostedZone:
    """Create the zone of a namespace of Cloud Map; ``vpc`` is (id, region), None for a public zone.

    Raise ServiceError: InvalidDomainName, InvalidVPCId, ConflictingDomainExists, TooManyHostedZones.
    """
    zone, _ = add_zone(
        world,
        account,
        name,
        caller_reference=caller_reference,
        comment=f"Created by AWS Cloud Map namespace with ARN {namespace_arn}",
        vpc=VpcKey(*vpc) if vpc else None,
        owner=ResourceOwner(CLOUD_MAP, namespace_arn),
        soa_ttl=soa_ttl,
    )
    return zone


def delete_zone(world: World, account: str, zone_id: str) -> None:
    """Delete a zone with all its records. Raise NoSuchHostedZone."""
    remove_zone(world, find_zone(world.in_account(Route53State, account), zone_id))


def set_soa_ttl(world: World, account: str, zone_id: str, ttl: int) -> Change:
    """Set the TTL of a zone's SOA record, in seconds. Raise NoSuchHostedZone."""
    zone = find_zone(world.in_account(Route53State, account), zone_id)
    existing = find_records(world, account, zone_id, zone.name)
    return apply_changes(
        world, account, zone_id, [replace(record, ttl=ttl) for record in existing if record.type == "SOA"], []
    )


def find_records(world: World, account: str, zone_id: str, name: str) -> tuple[RecordSet, ...]:
    """Return the record sets of one name, as the API shows them. Raise NoSuchHostedZone."""
    state = world.in_account(Route53State, account)
    return tuple(state.records[find_zone(state, zone_id).id].at(_canonical(name)).values())


def apply_changes(
    world: World, account: str, zone_id: str, upserts: Sequence[RecordSet], deletes: Sequence[RecordKey]
) -> Change:
    """Change records as one batch: in ListResourceRecordSets now, in answers after the propagation delay.

    Deleting a record that does not exist is no error, so that clean-up may be repeated. Raise NoSuchHostedZone, and
    InvalidChangeBatch for a name outside the zone, a value that does not fit its type, or a full zone.
    """
    state = world.in_account(Route53State, account)
    zone = find_zone(state, zone_id)
    table = state.records[zone.id]
    upserts = [replace(record, name=_canonical(record.name)) for record in upserts]
    deleted = [key._replace(name=_canonical(key.name)) for key in deletes]
    _check_values(upserts)
    outside = [record.name for record in upserts if not names.is_within(record.name, zone.name)]
    if outside:
        raise ServiceError("InvalidChangeBatch", f"{', '.join(outside)} is not in zone {zone.name}")
    _refuse_shared_addresses(table, upserts, deleted)
    new = {record.key for record in upserts if table.get(record.key) is None}
    being_deleted = {key for key in deleted if table.get(key) is not None}
    limit = world.settings.quotas.records_per_zone
    if new and len(table) + len(new) - len(being_deleted) > limit:
        raise ServiceError("InvalidChangeBatch", f"zone {zone.name} would have more than {limit} records, its limit")
    for key in deleted:
        table.remove(key)
    for record in upserts:
        table.put(record)

    def publish() -> None:
        # Custom health changes without delay, so it may have changed since this batch was submitted.
        current = [replace(record, healthy=_is_healthy_now(state, zone.id, record)) for record in upserts]
        published_zones(world).change(zone.id, current, deleted)

    return submit_change(world, account, zone.id, publish)


def set_health(world: World, account: str, zone_id: str, key: RecordKey, healthy: bool) -> None:
    """Set the custom health of one record; answers use it without delay. Ignore a record that does not exist."""
    state = world.in_account(Route53State, account)
    zone = find_zone(state, zone_id)
    key = key._replace(name=_canonical(key.name))
    record = state.records[zone.id].get(key)
    if record is not None:
        state.records[zone.id].put(replace(record, healthy=healthy))
    published_zones(world).set_health(zone.id, key, healthy)


def create_health_check(
    world: World,
    account: str,
    config: HealthCheckConfig,
    *,
    service_arn: str,
    follower: Callable[[bool], object] | None = None,
) -> Route53HealthCheck:
    """Create a health check for a service of Cloud Map. Raise TooManyHealthChecks, InvalidInput.

    ``follower`` is called whenever the check becomes healthy (True) or unhealthy (False).
    """
    owner = ResourceOwner(CLOUD_MAP, service_arn)
    reference = f"{CLOUD_MAP}-{world.new_id(16)}"[-64:]
    check = add_check(world, account, config, caller_reference=reference, owner=owner)
    if follower is not None:
        world.in_account(Route53State, account).followers[check.id] = follower
    start_probing(world, account, check)
    return check


def delete_health_check(world: World, account: str, check_id: str) -> None:
    """Delete a service's health check; it stays in lists for a while (route53/DeleteHealthCheck: "several hours").

    Raise NoSuchHealthCheck.
    """
    remove_check_later(world, account, find_check(world.in_account(Route53State, account), check_id))


def _refuse_shared_addresses(table: RecordTable, upserts: Sequence[RecordSet], deleted: Sequence[RecordKey]) -> None:
    """Raise InvalidChangeBatch if two multivalue answer records of a name would have one address.

    No document says so; two instances that share an address cannot both be registered (hashicorp/consul-aws#20).
    """
    routed = [record for record in upserts if record.multivalue and record.type in ("A", "AAAA")]
    taken = {
        (other.name, other.type, other.values): other.set_identifier
        for name in dict.fromkeys(record.name for record in routed)
        for other in table.at(name).values()
        if other.key not in deleted
    }
    for record in routed:
        holder = taken.get((record.name, record.type, record.values), record.set_identifier)
        if holder != record.set_identifier:
            raise ServiceError(
                "InvalidChangeBatch",
                f"[Tried to create resource record set [name='{record.name}', type='{record.type}', set"
                f" identifier='{record.set_identifier}'] but '{holder}' has the same value]",
            )


def _check_values(records: Sequence[RecordSet]) -> None:
    for record in records:
        for value in record.values:
            try:
                encode(record.type, value)
            except ValueError as error:
                raise ServiceError("InvalidChangeBatch", f"{record.name}: {error}") from None


def _canonical(name: str) -> str:
    try:
        return names.canonical(name)
    except ValueError as error:
        raise ServiceError("InvalidChangeBatch", str(error)) from None


def _is_healthy_now(state: Route53State, zone_id: str, record: RecordSet) -> bool:
    table = state.records.get(zone_id)
    shown = table.get(record.key) if table else None
    return shown.healthy if shown else record.healthy
