"""Features of hosted zones: their tier, and public DNS fallback, which private zones of the tier ADVANCED may have.

Route 53 Developer Guide, Hosted zone tiers, and Public DNS fallback for private hosted zones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .changes import submit_change
from .published_zones import published_zones
from .shapes import require_unlinked
from .state import ADVANCED, HostedZone, Route53State
from .zones import find_zone

__all__ = ["fallback_status", "refuse_fallback", "update_hosted_zone_features", "update_hosted_zone_tier"]


def update_hosted_zone_tier(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle UpdateHostedZoneTier: what the new tier does not include is turned off."""
    zone = _find(call, request)
    tier = str(request["HostedZoneTier"])
    _change(call, replace(zone, tier=tier, public_fallback=zone.public_fallback and tier == ADVANCED), request)
    return {}


def update_hosted_zone_features(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle UpdateHostedZoneFeatures, of which public DNS fallback is implemented."""
    zone = _find(call, request)
    if request.get("EnableAcceleratedRecovery") or request.get("ChangeGuardrails"):
        raise ServiceError("InvalidInput", "accelerated recovery and change guardrails are not implemented here")
    if "EnablePublicDNSFallback" in request:
        fallback = bool(request["EnablePublicDNSFallback"])
        refuse_fallback(fallback=fallback, private=zone.private, tier=zone.tier)
        _change(call, replace(zone, public_fallback=fallback), request)
    return {}


def refuse_fallback(*, fallback: bool, private: bool, tier: str) -> None:
    """Refuse public DNS fallback for a public zone, and for one whose tier does not have it."""
    if fallback and not private:
        raise ServiceError("InvalidInput", "Public DNS fallback is supported only for private hosted zones.")
    if fallback and tier != ADVANCED:
        raise ServiceError("InvalidInput", f"The tier {tier} does not offer public DNS fallback; {ADVANCED} does.")


def fallback_status(call: Call, zone: HostedZone) -> str:
    """Return PublicDNSFallbackStatus: ENABLING or DISABLING until the name servers have the change."""
    published = published_zones(call.world).get(zone.id)
    has_settled = published is not None and published.zone.public_fallback is zone.public_fallback
    if zone.public_fallback:
        return "ENABLED" if has_settled else "ENABLING"
    return "DISABLED" if has_settled or published is None else "DISABLING"


def _find(call: Call, request: Mapping[str, Any]) -> HostedZone:
    zone = find_zone(call.world.in_account(Route53State, call.account), str(request["HostedZoneId"]))
    require_unlinked(f"hostedzone/{zone.id}", zone.owner)
    return zone


def _change(call: Call, changed: HostedZone, request: Mapping[str, Any]) -> None:
    if request.get("DryRun"):
        return
    world, state = call.world, call.world.in_account(Route53State, call.account)
    state.zones[changed.id] = changed

    def publish() -> None:
        published = published_zones(world).get(changed.id)
        if published is not None:
            fields = {"tier": changed.tier, "public_fallback": changed.public_fallback}
            published_zones(world).put(replace(published.zone, **fields))  # type: ignore[arg-type]  # of two types

    submit_change(world, call.account, changed.id, publish)
    call.note("zone.features", changed.id, f"{changed.tier}, fallback {changed.public_fallback}")
