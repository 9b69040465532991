"""What another AWS service does in Route 53 on behalf of its user: Cloud Map's zones, records and health checks.

Such zones and checks carry the service's principal (LinkedService), and Route 53's own API leaves them alone. The
limits on one API request do not apply here, nor the limit of 100 records with one name and type: Cloud Map documents
1,000 instances a service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from surveyor_emulator.aws.route53.health.checks import add_check, find_check, leave_later
from surveyor_emulator.aws.route53.health.prober import watch
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

from . import names
from .changes import submit
from .published import published
from .rdata import encode
from .state import (
    CLOUD_MAP,
    Change,
    HealthCheck,
    HealthCheckConfig,
    HostedZone,
    RecordKey,
    RecordSet,
    Route53State,
    VpcKey,
)
from .zones import add_zone, find_zone, remove_zone

__all__ = [
    "HealthCheckConfig",
    "apply",
    "create_health_check",
    "create_zone",
    "delete_health_check",
    "delete_zone",
    "records",
    "set_health",
    "set_soa_ttl",
]


def create_zone(
    world: World, account: str, name: str, *, soa_ttl: int | None, comment: str, vpc: tuple[str, str] | None
) -> HostedZone:
    """A zone of Cloud Map's; ``vpc`` is (id, region), None makes it public.

    Raises ServiceError: InvalidDomainName, InvalidVPCId, ConflictingDomainExists, TooManyHostedZones.
    """
    zone, _ = add_zone(
        world,
        account,
        name,
        caller_reference="servicediscovery-" + world.new_id(16),
        comment=comment or None,
        vpc=VpcKey(*vpc) if vpc else None,
        owner=CLOUD_MAP,
        soa_ttl=soa_ttl,
    )
    return zone


def delete_zone(world: World, account: str, zone_id: str) -> None:
    """Delete a zone with all its records. Raises NoSuchHostedZone."""
    remove_zone(world, find_zone(world.in_account(Route53State, account), zone_id))


def set_soa_ttl(world: World, account: str, zone_id: str, ttl: int) -> Change:
    """Set the TTL of a zone's SOA record, in seconds. Raises NoSuchHostedZone."""
    zone = find_zone(world.in_account(Route53State, account), zone_id)
    present = records(world, account, zone_id, zone.name)
    return apply(world, account, zone_id, [replace(record, ttl=ttl) for record in present if record.type == "SOA"], [])


def records(world: World, account: str, zone_id: str, name: str) -> tuple[RecordSet, ...]:
    """The record sets of one name, as the API shows them. Raises NoSuchHostedZone."""
    state = world.in_account(Route53State, account)
    return tuple(state.records[find_zone(state, zone_id).id].at(_canonical(name)).values())


def apply(
    world: World, account: str, zone_id: str, upserts: Sequence[RecordSet], deletes: Sequence[RecordKey]
) -> Change:
    """Change records all at once: in ListResourceRecordSets now, in answers after the propagation delay.

    Deleting what is not there is no error, so that clean-up may be repeated. Raises NoSuchHostedZone, and
    InvalidChangeBatch for a name outside the zone, a value that is none of its type, or a full zone.
    """
    state = world.in_account(Route53State, account)
    zone = find_zone(state, zone_id)
    table = state.records[zone.id]
    upserts = [replace(record, name=_canonical(record.name)) for record in upserts]
    gone = [key._replace(name=_canonical(key.name)) for key in deletes]
    _check_values(upserts)
    outside = [record.name for record in upserts if not names.is_within(record.name, zone.name)]
    if outside:
        raise ServiceError("InvalidChangeBatch", f"{', '.join(outside)} is not in zone {zone.name}")
    new = {record.key for record in upserts if table.get(record.key) is None}
    leaving = {key for key in gone if table.get(key) is not None}
    limit = world.settings.quotas.records_per_zone
    if new and len(table) + len(new) - len(leaving) > limit:
        raise ServiceError("InvalidChangeBatch", f"zone {zone.name} would have more than {limit} records, its limit")
    for key in gone:
        table.remove(key)
    for record in upserts:
        table.put(record)

    def publish() -> None:
        # Custom health moves at once, so it may have changed since this batch set out.
        current = [replace(record, healthy=_healthy_now(state, zone.id, record)) for record in upserts]
        published(world).change(zone.id, current, gone)

    return submit(world, account, zone.id, publish)


def set_health(world: World, account: str, zone_id: str, key: RecordKey, healthy: bool) -> None:
    """Custom health of one record: answers go by it at once. A record that is not there is left so."""
    state = world.in_account(Route53State, account)
    zone = find_zone(state, zone_id)
    key = key._replace(name=_canonical(key.name))
    record = state.records[zone.id].get(key)
    if record is not None:
        state.records[zone.id].put(replace(record, healthy=healthy))
    published(world).set_health(zone.id, key, healthy)


def create_health_check(
    world: World,
    account: str,
    config: HealthCheckConfig,
    *,
    owner: str,
    follower: Callable[[bool], object] | None = None,
) -> HealthCheck:
    """A health check that belongs to a service (its principal). Raises TooManyHealthChecks, InvalidInput.

    ``follower`` is called whenever the check turns healthy (True) or unhealthy.
    """
    check = add_check(world, account, config, caller_reference=f"{owner}-{world.new_id(16)}"[-64:], owner=owner)
    if follower is not None:
        world.in_account(Route53State, account).followers[check.id] = follower
    watch(world, account, check)
    return check


def delete_health_check(world: World, account: str, check_id: str) -> None:
    """Delete a service's health check: it stays in lists for a while (route53/DeleteHealthCheck: "several hours").

    Raises NoSuchHealthCheck.
    """
    leave_later(world, account, find_check(world.in_account(Route53State, account), check_id))


def _check_values(records: Sequence[RecordSet]) -> None:
    for record in records:
        for value in record.values:
            try:
                encode(record.type, value)
            except ValueError as problem:
                raise ServiceError("InvalidChangeBatch", f"{record.name}: {problem}") from None


def _canonical(name: str) -> str:
    try:
        return names.canonical(name)
    except ValueError as problem:
        raise ServiceError("InvalidChangeBatch", str(problem)) from None


def _healthy_now(state: Route53State, zone_id: str, record: RecordSet) -> bool:
    table = state.records.get(zone_id)
    shown = table.get(record.key) if table else None
    return shown.healthy if shown else record.healthy
