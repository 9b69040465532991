"""Operations on health checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from ...errors import ServiceError
from ...world import Call
from ..paging import from_marker, page_size
from ..shapes import require_unlinked
from ..state import HealthCheck, HealthCheckConfig, Route53State
from .checks import add_check, change_check, find_check, remove_check
from .rules import check_config
from .shapes import check_shape, read_config, update_config

__all__ = [
    "create_health_check",
    "delete_health_check",
    "get_health_check",
    "get_health_check_count",
    "get_health_check_last_failure_reason",
    "get_health_check_status",
    "list_health_checks",
    "update_health_check",
]

PAGE = 1_000
# Which regions check when none are named (route53/HealthCheckConfig.Regions).
_REGIONS = (
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-1",
    "us-west-2",
)


def create_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """CreateHealthCheck; a repeated caller reference with the same settings gives the check that there is."""
    state = _state(call)
    reference = str(request["CallerReference"])
    config = read_config(cast(Mapping[str, object], request["HealthCheckConfig"]))
    present = next((check for check in state.health_checks.values() if check.caller_reference == reference), None)
    if reference in state.spent_references or (present is not None and present.config != config):
        raise ServiceError("HealthCheckAlreadyExists", f"the caller reference {reference} was used for another check")
    if present is None:
        _require_children(state, config)
        present = add_check(call.world, call.account, config, caller_reference=reference)
        call.note("health-check.created", present.id, config.type)
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{present.id}"
    return {"HealthCheck": check_shape(present), "Location": location}


def update_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """UpdateHealthCheck: what is given changes, the version goes up by one."""
    state = _state(call)
    check = _own(call, request)
    version = request.get("HealthCheckVersion", check.version)
    if version != check.version:
        raise ServiceError("HealthCheckVersionMismatch", f"the check has version {check.version}, not {version}")
    config = update_config(check.config, request)
    if (config.ip_address is None) is not (check.config.ip_address is None):
        raise ServiceError("InvalidInput", "an IPAddress can be changed, but neither added nor removed")
    check_config(config)
    _require_children(state, config)
    changed = replace(check, config=config, version=check.version + 1)
    change_check(call.world, call.account, changed)
    return {"HealthCheck": check_shape(changed)}


def delete_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DeleteHealthCheck; records may still name it, they count as healthy then."""
    check = _own(call, request)
    remove_check(call.world, call.account, check)
    call.note("health-check.deleted", check.id)
    return {}


def get_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetHealthCheck."""
    return {"HealthCheck": check_shape(find_check(_state(call), str(request["HealthCheckId"])))}


def get_health_check_count(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetHealthCheckCount."""
    return {"HealthCheckCount": len(_state(call).health_checks)}


def list_health_checks(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """ListHealthChecks, in the order of their ids."""
    checks = sorted(_state(call).health_checks.values(), key=lambda check: check.id)
    size = page_size(request, PAGE)
    rest = from_marker(checks, request.get("Marker"), "InvalidInput")
    answer: dict[str, object] = {
        "HealthChecks": [check_shape(check) for check in rest[:size]],
        "Marker": str(request.get("Marker", "")),
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if len(rest) > size:
        answer["NextMarker"] = rest[size].id
    return answer


def get_health_check_status(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetHealthCheckStatus: what a checker of each region saw last; nothing while nothing was seen."""
    check = _of_endpoint(call, request)
    if check.observed is None:
        return {"HealthCheckObservations": []}
    status = f"{'Success' if check.observed else 'Failure'}: {check.reason or 'no details'}"
    return {"HealthCheckObservations": _observations(check, status)}


def get_health_check_last_failure_reason(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetHealthCheckLastFailureReason: nothing while the endpoint has not failed."""
    check = _of_endpoint(call, request)
    if check.observed is not False:
        return {"HealthCheckObservations": []}
    return {"HealthCheckObservations": _observations(check, f"Failure: {check.reason or 'no details'}")}


def _observations(check: HealthCheck, status: str) -> list[dict[str, object]]:
    report = {"Status": status, "CheckedTime": check.observed_at}
    return [
        # Where the checkers are is of no matter here, so they have addresses kept for documentation (RFC 5737).
        {"Region": region, "IPAddress": f"198.51.100.{number}", "StatusReport": report}
        for number, region in enumerate(check.config.regions or _REGIONS, start=1)
    ]


def _of_endpoint(call: Call, request: Mapping[str, object]) -> HealthCheck:
    check = find_check(_state(call), str(request["HealthCheckId"]))
    if check.config.type in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        raise ServiceError("InvalidInput", f"a health check of type {check.config.type} has no checkers")
    return check


def _own(call: Call, request: Mapping[str, object]) -> HealthCheck:
    check = find_check(_state(call), str(request["HealthCheckId"]))
    require_unlinked(f"healthcheck/{check.id}", check.owner)
    return check


def _require_children(state: Route53State, config: HealthCheckConfig) -> None:
    for child in config.children:
        check = state.health_checks.get(child)
        if check is None:
            raise ServiceError("InvalidInput", f"no health check has the id {child}")
        if check.config.type == "CALCULATED":
            raise ServiceError("InvalidInput", f"{child} is of type CALCULATED, which cannot be a child")


def _state(call: Call) -> Route53State:
    return call.world.in_account(Route53State, call.account)
