"""Operations on health checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from surveyor_emulator.aws.route53.health_check_rules import check_config
from surveyor_emulator.aws.route53.health_checks import add_check, change_check, find_check, remove_check
from surveyor_emulator.aws.route53.paging import from_marker, page_size
from surveyor_emulator.aws.route53.shapes import require_unlinked
from surveyor_emulator.aws.route53.state import (
    Checker,
    HealthCheckConfig,
    ProbeReport,
    Route53HealthCheck,
    Route53State,
)
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .prober import start_probing
from .shapes import check_shape, read_config, update_config
from .sources import check_source

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


def create_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateHealthCheck; a repeated caller reference with the same settings returns the existing check."""
    state = _state(call)
    reference = str(request["CallerReference"])
    shape = cast(Mapping[str, object], request["HealthCheckConfig"])
    config = read_config(shape)
    existing = next((check for check in state.health_checks.values() if check.caller_reference == reference), None)
    if reference in state.used_references or (existing is not None and existing.config != config):
        raise ServiceError("HealthCheckAlreadyExists", f"the caller reference {reference} was used for another check")
    if existing is None:
        _require_children(state, config)
        check_source(call, config)
        existing = add_check(call.world, call.account, config, caller_reference=reference)
        start_probing(call.world, call.account, existing)
        call.note("health-check.created", existing.id, config.type)
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{existing.id}"
    return {"HealthCheck": check_shape(existing), "Location": location}


def update_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle UpdateHealthCheck: change the members in the request, and raise the version by 1."""
    state = _state(call)
    check = _find_unlinked(call, request)
    version = request.get("HealthCheckVersion", check.version)
    if version != check.version:
        raise ServiceError("HealthCheckVersionMismatch", f"the check has version {check.version}, not {version}")
    config = update_config(check.config, request)
    if (config.ip_address is None) is not (check.config.ip_address is None):
        raise ServiceError("InvalidInput", "an IPAddress can be changed, but neither added nor removed")
    check_config(config, loopback=call.world.settings.probe_loopback)
    _require_children(state, config)
    check_source(call, config, check.id)
    changed = replace(check, config=config, version=check.version + 1)
    change_check(call.world, call.account, changed)
    if config.regions != check.config.regions:
        state.checkers.pop(check.id, None)
    start_probing(call.world, call.account, changed)
    return {"HealthCheck": check_shape(changed)}


def delete_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteHealthCheck; records that still name the check count as healthy."""
    check = _find_unlinked(call, request)
    remove_check(call.world, call.account, check)
    call.note("health-check.deleted", check.id)
    return {}


def get_health_check(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHealthCheck."""
    return {"HealthCheck": check_shape(find_check(_state(call), str(request["HealthCheckId"])))}


def get_health_check_count(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHealthCheckCount."""
    return {"HealthCheckCount": len(_state(call).health_checks)}


def list_health_checks(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListHealthChecks, ordered by id."""
    checks = sorted(_state(call).health_checks.values(), key=lambda check: check.id)
    size = page_size(request, PAGE)
    rest = from_marker(checks, request.get("Marker"), "InvalidInput")
    answer: dict[str, object] = {
        "HealthChecks": [check_shape(check) for check in rest[:size]],
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if "Marker" in request:
        answer["Marker"] = request["Marker"]
    if len(rest) > size:
        answer["NextMarker"] = rest[size].id
    return answer


def get_health_check_status(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHealthCheckStatus: each checker's latest result; a checker without a result is left out."""
    return _observations((checker, checker.last) for checker in _checkers(call, request))


def get_health_check_last_failure_reason(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetHealthCheckLastFailureReason: each checker's latest failure; a checker without one is left out."""
    return _observations((checker, checker.last_failure) for checker in _checkers(call, request))


def _observations(reports: Iterable[tuple[Checker, ProbeReport | None]]) -> dict[str, object]:
    return {
        "HealthCheckObservations": [
            {
                "Region": checker.region,
                "IPAddress": checker.address,
                "StatusReport": {
                    "Status": f"{'Success' if report.succeeded else 'Failure'}: {report.reason}",
                    "CheckedTime": report.at,
                },
            }
            for checker, report in reports
            if report is not None
        ]
    }


def _checkers(call: Call, request: Mapping[str, object]) -> list[Checker]:
    check = find_check(_state(call), str(request["HealthCheckId"]))
    return _state(call).checkers.get(check.id, [])


def _find_unlinked(call: Call, request: Mapping[str, object]) -> Route53HealthCheck:
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
