"""Operations on hosted zones: create, get, list, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import names
from .changes import change_info
from .paging import from_marker, page_size
from .shapes import HostedZoneShape, VpcShape, plain_id, require_unlinked, vpc_shape, zone_shape
from .state import STANDARD, HostedZone, Route53State
from .vpcs import read_vpc
from .zone_features import fallback_status, refuse_fallback
from .zones import add_zone, find_zone, remove_zone

__all__ = [
    "create_hosted_zone",
    "delete_hosted_zone",
    "get_hosted_zone",
    "get_hosted_zone_count",
    "list_hosted_zones",
    "list_hosted_zones_by_name",
    "update_hosted_zone_comment",
]

PAGE = 100


def create_hosted_zone(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateHostedZone. Reusable delegation sets are not implemented, so every DelegationSetId is unknown."""
    config = cast(Mapping[str, object], request.get("HostedZoneConfig") or {})
    vpc = read_vpc(cast(VpcShape, request["VPC"])) if "VPC" in request else None
    if "DelegationSetId" in request:
        raise ServiceError("NoSuchDelegationSet", f"no delegation set has the id {request['DelegationSetId']}")
    if config.get("PrivateZone") and vpc is None:
        raise ServiceError("InvalidInput", "a private zone needs a VPC to be associated with")
    if request.get("ChangeGuardrails"):
        raise ServiceError("InvalidInput", "change guardrails are not implemented here")
    tier, fallback = str(config.get("HostedZoneTier") or STANDARD), bool(request.get("EnablePublicDNSFallback"))
    refuse_fallback(fallback=fallback, private=vpc is not None, tier=tier)
    zone, change = add_zone(
        call.world,
        call.account,
        str(request["Name"]),
        caller_reference=str(request["CallerReference"]),
        comment=str(config["Comment"]) if config.get("Comment") else None,
        vpc=vpc,
        tier=tier,
        public_fallback=fallback,
    )
    call.note("zone.created", zone.id, zone.name)
    state = _state(call)
    answer: dict[str, object] = {
        "HostedZone": _shape(state, zone),
        "ChangeInfo": change_info(state, change),
        "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}",
    }
    if vpc is not None:
        answer["VPC"] = vpc_shape(vpc)
    else:
        answer["DelegationSet"] = {"NameServers": _servers(zone)}
    return answer


def get_hosted_zone(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHostedZone: with name servers for a public zone, with VPCs for a private one."""
    state = _state(call)
    zone = find_zone(state, str(request["Id"]))
    shape = _shape(state, zone)
    if zone.private:
        shape["Features"] = {"PublicDNSFallbackStatus": fallback_status(call, zone)}
    answer: dict[str, object] = {"HostedZone": shape}
    if zone.private:
        answer["VPCs"] = [vpc_shape(vpc) for vpc in zone.vpcs]
    else:
        answer["DelegationSet"] = {"NameServers": _servers(zone)}
    return answer


def get_hosted_zone_count(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHostedZoneCount."""
    return {"HostedZoneCount": len(_state(call).zones)}


def update_hosted_zone_comment(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle UpdateHostedZoneComment; without a comment in the request, the existing one is removed."""
    state = _state(call)
    zone = find_zone(state, str(request["Id"]))
    require_unlinked(f"hostedzone/{zone.id}", zone.owner)
    comment = request.get("Comment")
    state.zones[zone.id] = changed = replace(zone, comment=str(comment) if comment else None)
    return {"HostedZone": _shape(state, changed)}


def delete_hosted_zone(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteHostedZone: only its own SOA and NS records may be left."""
    state = _state(call)
    zone = find_zone(state, str(request["Id"]))
    require_unlinked(f"hostedzone/{zone.id}", zone.owner)
    if any(
        record.name != zone.name or record.type not in ("NS", "SOA")
        for record in state.records[zone.id].sorted_records()
    ):
        # The two spaces are AWS's.
        text = "The specified hosted zone contains non-required resource record sets  and so cannot be deleted."
        raise ServiceError("HostedZoneNotEmpty", text)
    change = remove_zone(call.world, zone)
    call.note("zone.deleted", zone.id, zone.name)
    return {"ChangeInfo": change_info(state, change)}


def list_hosted_zones(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListHostedZones, ordered by id."""
    state = _state(call)
    if "DelegationSetId" in request:
        raise ServiceError("NoSuchDelegationSet", f"no delegation set has the id {request['DelegationSetId']}")
    zones = sorted(state.zones.values(), key=lambda zone: zone.id)
    if request.get("HostedZoneType") == "PrivateHostedZone":
        zones = [zone for zone in zones if zone.private]
    size = page_size(request, PAGE)
    rest = from_marker(zones, request.get("Marker"), "InvalidInput")
    answer: dict[str, object] = {
        "HostedZones": [_shape(state, zone) for zone in rest[:size]],
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if "Marker" in request:
        answer["Marker"] = request["Marker"]
    if len(rest) > size:
        answer["NextMarker"] = rest[size].id
    return answer


def list_hosted_zones_by_name(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListHostedZonesByName, ordered by name with its labels reversed, then by id."""
    state = _state(call)
    start = _start(request)
    keys = [key for key in sorted(map(_sort_key, state.zones.values())) if key >= start]
    size = page_size(request, PAGE)
    answer: dict[str, object] = {
        "HostedZones": [_shape(state, state.zones[zone_id]) for _, zone_id in keys[:size]],
        "IsTruncated": len(keys) > size,
        "MaxItems": str(size),
    }
    answer |= {member: request[member] for member in ("DNSName", "HostedZoneId") if member in request}
    if len(keys) > size:
        following = state.zones[keys[size][1]]
        answer |= {"NextDNSName": following.name, "NextHostedZoneId": following.id}
    return answer


def _start(request: Mapping[str, object]) -> tuple[str, str]:
    name, zone_id = request.get("DNSName"), request.get("HostedZoneId")
    if name is None:
        return ("", "")
    try:
        return names.sort_key(names.canonical(str(name))), plain_id(str(zone_id or ""))
    except ValueError as error:
        raise ServiceError("InvalidDomainName", str(error)) from None


def _sort_key(zone: HostedZone) -> tuple[str, str]:
    return names.sort_key(zone.name), zone.id


def _state(call: Call) -> Route53State:
    return call.world.in_account(Route53State, call.account)


def _shape(state: Route53State, zone: HostedZone) -> HostedZoneShape:
    return zone_shape(zone, len(state.records[zone.id]))


def _servers(zone: HostedZone) -> list[str]:
    return [name.rstrip(".") for name in zone.name_servers]
