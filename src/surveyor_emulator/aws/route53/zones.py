"""Making and taking away hosted zones, whoever asks: the API or Cloud Map."""

from __future__ import annotations

import string
from dataclasses import replace

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

from . import names
from .changes import submit
from .published import published
from .records import RecordTable
from .shapes import plain_id
from .state import Change, HostedZone, RecordSet, Route53State, VpcKey
from .vpcs import require_free, require_vpc

__all__ = ["add_zone", "find_zone", "remove_zone", "set_vpcs"]

# Route 53 Developer Guide, "NS and SOA records that Amazon Route 53 creates for a public hosted zone".
DEFAULT_SOA_TTL = 900
NS_TTL = 172_800
_SOA_VALUE = "{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
# All private zones name the same servers, which nobody can ask ("Working with private hosted zones").
_PRIVATE_SERVERS = (
    "ns-1536.awsdns-00.co.uk.",
    "ns-0.awsdns-00.com.",
    "ns-1024.awsdns-00.org.",
    "ns-512.awsdns-00.net.",
)
_ALPHABET = string.ascii_uppercase + string.digits


def find_zone(state: Route53State, zone_id: str) -> HostedZone:
    """The zone with this id, given with or without its path; NoSuchHostedZone."""
    zone = state.zones.get(plain_id(zone_id))
    if zone is None:
        raise ServiceError("NoSuchHostedZone", f"no hosted zone has the id {plain_id(zone_id)}")
    return zone


def add_zone(
    world: World,
    account: str,
    name: str,
    *,
    caller_reference: str,
    comment: str | None,
    vpc: VpcKey | None,
    owner: str | None = None,
    soa_ttl: int | None = None,
) -> tuple[HostedZone, Change]:
    """A new zone with its SOA and NS records; public when ``vpc`` is None."""
    state = world.in_account(Route53State, account)
    name = _zone_name(name, private=vpc is not None)
    if any(zone.caller_reference == caller_reference for zone in state.zones.values()):
        raise ServiceError("HostedZoneAlreadyExists", f"a zone was made with the caller reference {caller_reference}")
    if vpc is not None:
        require_vpc(world, account, vpc)
        require_free(world, name, vpc)
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
    )
    soa = _SOA_VALUE.format(zone.name_servers[0])
    first = [RecordSet(name, "NS", NS_TTL, zone.name_servers), RecordSet(name, "SOA", zone.soa_ttl, (soa,))]
    table = RecordTable()
    for record in first:
        table.put(record)
    state.zones[zone.id] = zone
    state.records[zone.id] = table

    def publish() -> None:
        public = published(world)
        public.put(zone)
        public.change(zone.id, first, ())

    return zone, submit(world, account, zone.id, publish, comment=comment)


def remove_zone(world: World, zone: HostedZone) -> Change:
    """Take a zone away with all that belongs to it; whether that is allowed is the caller's to check."""
    state = world.in_account(Route53State, zone.account)
    del state.zones[zone.id], state.records[zone.id]
    state.authorizations.pop(zone.id, None)
    state.tags.pop(("hostedzone", zone.id), None)

    def publish() -> None:
        published(world).remove(zone.id)
        state.settles_at.pop(zone.id, None)

    return submit(world, zone.account, zone.id, publish)


def set_vpcs(world: World, zone: HostedZone, vpcs: tuple[VpcKey, ...], comment: str | None) -> Change:
    """Associate a private zone with these VPCs and no others."""
    changed = replace(zone, vpcs=vpcs)
    world.in_account(Route53State, zone.account).zones[zone.id] = changed
    return submit(world, zone.account, zone.id, lambda: published(world).put(changed), comment=comment)


def _zone_name(text: str, *, private: bool) -> str:
    try:
        name = names.canonical(text)
    except ValueError as problem:
        raise ServiceError("InvalidDomainName", str(problem)) from None
    if name.startswith(names.WILDCARD + "."):
        raise ServiceError("InvalidDomainName", f"the name of a zone cannot begin with an asterisk: {text!r}")
    # "You can't create a hosted zone for a top-level domain" (route53/CreateHostedZone); private ones of one label
    # are common all the same.
    if name == names.ROOT or (not private and name.count(".") < 2):
        raise ServiceError("InvalidDomainName", f"a hosted zone cannot be a top-level domain: {text!r}")
    return name


def _public_servers(world: World) -> tuple[str, ...]:
    """Four names, one under each of four top-level domains, as each delegation set has."""
    series = world.chance.randrange(100)
    return tuple(
        f"ns-{base + world.chance.randrange(512)}.awsdns-{series:02}.{domain}."
        for base, domain in ((0, "com"), (512, "net"), (1024, "org"), (1536, "co.uk"))
    )
