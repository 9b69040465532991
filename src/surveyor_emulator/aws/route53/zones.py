"""Create and delete hosted zones, for the API and for Cloud Map."""

from __future__ import annotations

import string
from dataclasses import replace

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

from . import names
from .changes import submit_change
from .published_zones import published_zones
from .record_model import RecordSet
from .record_table import RecordTable
from .shapes import plain_id
from .state import STANDARD, Change, HostedZone, ResourceOwner, Route53State, VpcKey
from .vpcs import require_no_conflict, require_vpc

__all__ = ["add_zone", "find_zone", "remove_zone", "set_vpcs"]

# Route 53 Developer Guide, "NS and SOA records that Amazon Route 53 creates for a public hosted zone".
DEFAULT_SOA_TTL = 900
NS_TTL = 172_800
_SOA_VALUE = "{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
# All private zones name the same servers, which do not answer queries ("Working with private hosted zones").
_PRIVATE_SERVERS = (
    "ns-1536.awsdns-00.co.uk.",
    "ns-0.awsdns-00.com.",
    "ns-1024.awsdns-00.org.",
    "ns-512.awsdns-00.net.",
)
_DOMAINS = ("com", "net", "org", "co.uk")
_RESERVED = ("example.com.",)
"""Public domains of which AWS was seen to refuse zones, and zones below them."""
_ALPHABET = string.ascii_uppercase + string.digits


def find_zone(state: Route53State, zone_id: str) -> HostedZone:
    """Return the zone with this id, with or without its path. Raise NoSuchHostedZone."""
    zone = state.zones.get(plain_id(zone_id))
    if zone is None:
        raise ServiceError("NoSuchHostedZone", f"No hosted zone found with ID: {plain_id(zone_id)}")
    return zone


def add_zone(
    world: World,
    account: str,
    name: str,
    *,
    caller_reference: str,
    comment: str | None,
    vpc: VpcKey | None,
    owner: ResourceOwner | None = None,
    soa_ttl: int | None = None,
    tier: str = STANDARD,
    public_fallback: bool = False,
) -> tuple[HostedZone, Change]:
    """Create a zone with its SOA and NS records; public if ``vpc`` is None."""
    state = world.in_account(Route53State, account)
    name = _zone_name(name, private=vpc is not None)
    if any(zone.caller_reference == caller_reference for zone in state.zones.values()):
        raise ServiceError(
            "HostedZoneAlreadyExists", "A hosted zone has already been created with the specified caller reference."
        )
    if vpc is not None:
        require_vpc(world, account, vpc)
        require_no_conflict(world, name, vpc)
    if len(state.zones) >= world.settings.quotas.hosted_zones:
        raise ServiceError("TooManyHostedZones", f"account {account} has {len(state.zones)} hosted zones, its limit")
    zone = HostedZone(
        id="Z" + world.new_id(19, _ALPHABET),
        name=name,
        account=account,
        caller_reference=caller_reference,
        comment=comment,
        name_servers=_PRIVATE_SERVERS if vpc else _public_servers(world),
        soa_ttl=DEFAULT_SOA_TTL if soa_ttl is None else soa_ttl,
        vpcs=(vpc,) if vpc else (),
        owner=owner,
        tier=tier,
        public_fallback=public_fallback,
    )
    soa = _SOA_VALUE.format(zone.name_servers[0])
    initial = [RecordSet(name, "NS", NS_TTL, zone.name_servers), RecordSet(name, "SOA", zone.soa_ttl, (soa,))]
    table = RecordTable()
    for record in initial:
        table.put(record)
    state.zones[zone.id] = zone
    state.records[zone.id] = table

    def publish() -> None:
        public = published_zones(world)
        public.put(zone)
        public.change(zone.id, initial, ())

    return zone, submit_change(world, account, zone.id, publish, comment=comment)


def remove_zone(world: World, zone: HostedZone) -> Change:
    """Delete a zone with everything that belongs to it; the caller checks that this is allowed."""
    state = world.in_account(Route53State, zone.account)
    del state.zones[zone.id], state.records[zone.id]
    state.authorizations.pop(zone.id, None)
    state.tags.pop(("hostedzone", zone.id), None)

    def publish() -> None:
        published_zones(world).remove(zone.id)
        state.settles_at.pop(zone.id, None)

    return submit_change(world, zone.account, zone.id, publish)


def set_vpcs(world: World, zone: HostedZone, vpcs: tuple[VpcKey, ...], comment: str | None) -> Change:
    """Associate a private zone with exactly these VPCs."""
    changed = replace(zone, vpcs=vpcs)
    world.in_account(Route53State, zone.account).zones[zone.id] = changed
    return submit_change(world, zone.account, zone.id, lambda: published_zones(world).put(changed), comment=comment)


def _zone_name(text: str, *, private: bool) -> str:
    try:
        name = names.canonical(text)
    except ValueError as error:
        raise ServiceError("InvalidDomainName", str(error)) from None
    if name.startswith(names.WILDCARD + "."):
        raise ServiceError("InvalidDomainName", f"the name of a zone cannot begin with an asterisk: {text!r}")
    # "You can't create a hosted zone for a top-level domain" (route53/CreateHostedZone); private ones of one label
    # are common all the same.
    if name == names.ROOT or (not private and name.count(".") < 2):
        raise ServiceError("InvalidDomainName", f"a hosted zone cannot be a top-level domain: {text!r}")
    if not private and any(names.is_within(name, reserved) for reserved in _RESERVED):
        raise ServiceError("InvalidDomainName", f"{name.rstrip('.')} is reserved by AWS!")
    return name


def _public_servers(world: World) -> tuple[str, ...]:
    """Return four names, as in each delegation set: one of each top-level domain's 512, of four different series."""
    series = world.random.sample(range(64), len(_DOMAINS))
    return tuple(
        f"ns-{first * 512 + world.random.randrange(512)}.awsdns-{number:02}.{domain}."
        for (first, domain), number in zip(enumerate(_DOMAINS), series, strict=True)
    )
