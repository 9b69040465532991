"""GetAccountLimit and GetHostedZoneLimit (default values: Route 53 Developer Guide, "Quotas")."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import Route53State
from .vpc_associations import VPCS_LIMIT
from .zones import find_zone

__all__ = ["get_account_limit", "get_hosted_zone_limit"]

# Limits on features that are not implemented here; their usage is always 0.
_UNUSED = {
    "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER": 100,
    "MAX_TRAFFIC_POLICIES_BY_OWNER": 50,
    "MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER": 5,
    "MAX_HEALTH_CHECK_SOURCES_BY_OWNER": 5,  # from the page "Health check sources"; "Quotas" does not name it
}


def get_account_limit(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetAccountLimit: the limit and its current usage."""
    state = call.world.in_account(Route53State, call.account)
    quotas = call.world.settings.quotas
    kind = str(request["Type"])
    limits = {
        "MAX_HOSTED_ZONES_BY_OWNER": (quotas.hosted_zones, len(state.zones)),
        "MAX_HEALTH_CHECKS_BY_OWNER": (quotas.health_checks, len(state.health_checks)),
    } | {name: (value, 0) for name, value in _UNUSED.items()}
    value, used = limits[kind]
    return {"Limit": {"Type": kind, "Value": value}, "Count": used}


def get_hosted_zone_limit(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHostedZoneLimit: the limit and its current usage."""
    state = call.world.in_account(Route53State, call.account)
    zone = find_zone(state, str(request["HostedZoneId"]))
    kind = str(request["Type"])
    if kind == "MAX_RRSETS_BY_ZONE":
        value, used = call.world.settings.quotas.records_per_zone, len(state.records[zone.id])
    elif zone.private:
        value, used = VPCS_LIMIT, len(zone.vpcs)
    else:
        raise ServiceError("HostedZoneNotPrivate", f"zone {zone.name} is public, it has no VPCs")
    return {"Limit": {"Type": kind, "Value": value}, "Count": used}
