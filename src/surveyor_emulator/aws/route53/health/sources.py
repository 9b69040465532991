"""Health check sources: the subnets of a VPC from which Route 53 checks private endpoints.

Route 53 Developer Guide, Health check sources, and the operations of the API reference. A source is created and deleted
after SETTLES_AFTER seconds; no document says how soon, but "a few minutes".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from surveyor_emulator.aws.ec2.state import Ec2State
from surveyor_emulator.aws.ec2.zones import zone_id
from surveyor_emulator.aws.route53.paging import from_marker, page_size
from surveyor_emulator.aws.route53.state import HealthCheckConfig, HealthCheckSource, Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

from .shapes import check_shape

__all__ = [
    "check_source",
    "create_health_check_source",
    "delete_health_check_source",
    "get_health_check_source",
    "list_health_check_sources",
    "list_health_checks_by_source",
]

MAX_SOURCES, MAX_CHECKS = 5, 200
SETTLES_AFTER = 60.0
PAGE, CHECKS_PAGE = 100, 1_000
_ALPHABET = "0123456789abcdef"
_BEING_CREATED = ("CREATE_PENDING", "CREATE_IN_PROGRESS")


def create_health_check_source(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle CreateHealthCheckSource; a repeated reference with the same settings returns the existing source."""
    state, config = _state(call), dict(request["HealthCheckSourceConfig"])
    reference = str(request.get("CallerReference") or call.world.new_uuid())
    existing = next((one for one in state.health_check_sources.values() if one.caller_reference == reference), None)
    if existing is not None and existing.config != config:
        raise ServiceError("HealthCheckSourceAlreadyExists", f"the caller reference {reference} was used before")
    if existing is None:
        region = _region_of(call.world, call.account, str(config["VpcId"]))
        _check_subnets(config["SubnetConfigurationList"])
        if len(state.health_check_sources) >= MAX_SOURCES:
            raise ServiceError("TooManyHealthCheckSources", f"an account has at most {MAX_SOURCES} sources")
        identity = "hcs-" + call.world.new_id(17, _ALPHABET)
        existing = HealthCheckSource(identity, reference, region, config)
        state.health_check_sources[identity] = existing
        call.world.clock.call_later(SETTLES_AFTER, _settle, call.world, call.account, identity)
        call.note("health-check-source.created", identity)
    location = f"https://route53.amazonaws.com/2013-04-01/healthchecksource/{existing.id}"
    return {"HealthCheckSourceId": existing.id, "HealthCheckSourceStatus": existing.status, "Location": location}


def get_health_check_source(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle GetHealthCheckSource."""
    return {"HealthCheckSource": _shape(_find(call, request))}


def list_health_check_sources(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle ListHealthCheckSources, ordered by id."""
    sources = sorted(_state(call).health_check_sources.values(), key=lambda source: source.id)
    rest = from_marker(sources, request.get("NextToken"), "InvalidInput")
    size = page_size({"MaxItems": request.get("MaxResults") or PAGE}, PAGE)
    answer: dict[str, object] = {"HealthCheckSources": [_shape(source) for source in rest[:size]]}
    return {**answer, "NextToken": rest[size].id} if len(rest) > size else answer


def list_health_checks_by_source(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle ListHealthChecksBySource, ordered by id."""
    source = _find(call, request)
    checks = sorted(
        (check for check in _state(call).health_checks.values() if check.config.source_id == source.id),
        key=lambda check: check.id,
    )
    size = page_size(request, CHECKS_PAGE)
    rest = from_marker(checks, request.get("Marker"), "InvalidInput")
    answer: dict[str, object] = {
        "HealthChecks": [check_shape(check) for check in rest[:size]],
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if "Marker" in request:
        answer["Marker"] = request["Marker"]
    return {**answer, "NextMarker": rest[size].id} if len(rest) > size else answer


def delete_health_check_source(call: Call, request: Mapping[str, Any]) -> dict[str, object]:
    """Handle DeleteHealthCheckSource: not while it is being created, nor while checks use it."""
    source, state = _find(call, request), _state(call)
    if source.status in _BEING_CREATED:
        raise ServiceError("InvalidInput", f"The health check source {source.id} is {source.status}.")
    if any(check.config.source_id == source.id for check in state.health_checks.values()):
        raise ServiceError("InvalidInput", f"Health checks use the health check source {source.id}.")
    if source.status != "DELETE_PENDING":
        source = state.health_check_sources[source.id] = replace(source, status="DELETE_PENDING")
        call.world.clock.call_later(SETTLES_AFTER, state.health_check_sources.pop, source.id, None)
        call.note("health-check-source.deleted", source.id)
    return {"HealthCheckSourceId": source.id, "HealthCheckSourceStatus": source.status}


def check_source(call: Call, config: HealthCheckConfig, check_id: str | None = None) -> None:
    """Raise InvalidInput for a source that does not fit a check; ``check_id``: the check itself, if it exists."""
    if config.endpoint_type != "PRIVATE":
        if config.source_id is not None:
            raise ServiceError("InvalidInput", "Only a health check of the EndpointType PRIVATE has a source.")
        return
    if config.type == "CALCULATED":
        raise ServiceError("InvalidInput", "A health check of the type CALCULATED has no private endpoint.")
    source = _state(call).health_check_sources.get(config.source_id or "")
    if source is None or source.status != "CREATE_COMPLETED":
        raise ServiceError("InvalidInput", "EndpointType PRIVATE needs a HealthCheckSourceId that is CREATE_COMPLETED.")
    used = sum(
        check.config.source_id == source.id and check.id != check_id for check in _state(call).health_checks.values()
    )
    if used >= MAX_CHECKS:
        raise ServiceError("TooManyHealthChecks", f"a health check source has at most {MAX_CHECKS} health checks")


def _settle(world: World, account: str, identity: str) -> None:
    state = world.in_account(Route53State, account)
    source = state.health_check_sources.get(identity)
    if source is not None and source.status in _BEING_CREATED:
        reason = _problem(world, account, source)
        status = "CREATE_FAILED" if reason else "CREATE_COMPLETED"
        state.health_check_sources[identity] = replace(source, status=status, reason=reason)


def _problem(world: World, account: str, source: HealthCheckSource) -> str:
    """Return the StatusReasonCode of a source that cannot be created, "" if it can."""
    ec2 = world.regional(Ec2State, account, source.region)
    for entry in source.config["SubnetConfigurationList"]:
        subnet = ec2.subnets.get(entry["SubnetId"])
        if subnet is None or zone_id(subnet.zone) != entry["AvailabilityZoneId"]:
            return "INVALID_SUBNET"
        if subnet.vpc != source.config["VpcId"]:
            return "INVALID_CONFIGURATION"
        if any(group not in ec2.groups for group in entry["SecurityGroupIdList"]):
            return "INVALID_SECURITY_GROUP"
    return ""


def _check_subnets(entries: Sequence[Mapping[str, Any]]) -> None:
    zones = {entry["AvailabilityZoneId"] for entry in entries}
    if len(zones) < len(entries):
        raise ServiceError("InvalidInput", "the subnets of a source are in distinct Availability Zones")


def _region_of(world: World, account: str, vpc: str) -> str:
    for owner, region, state in world.everywhere(Ec2State):
        if owner == account and vpc in state.vpcs:
            return region
    raise ServiceError("InvalidVPCId", f"account {account} has no VPC {vpc}")


def _find(call: Call, request: Mapping[str, Any]) -> HealthCheckSource:
    identity = str(request["HealthCheckSourceId"])
    source = _state(call).health_check_sources.get(identity)
    if source is None:
        raise ServiceError("NoSuchHealthCheckSource", f"no health check source has the id {identity}", status=404)
    return source


def _shape(source: HealthCheckSource) -> dict[str, object]:
    shape: dict[str, object] = {
        "HealthCheckSourceId": source.id,
        "HealthCheckSourceStatus": source.status,
        "HealthCheckSourceConfig": source.config,
    }
    if source.reason:
        shape |= {"StatusReasonCode": source.reason, "StatusReason": f"The source has failed: {source.reason}."}
    return shape


def _state(call: Call) -> Route53State:
    return call.world.in_account(Route53State, call.account)
