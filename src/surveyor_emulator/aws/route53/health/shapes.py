"""Convert health checks between API shapes and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import cast

from surveyor_emulator.aws.route53.shapes import linked_service
from surveyor_emulator.aws.route53.state import HealthCheckConfig, Route53HealthCheck

__all__ = ["check_shape", "read_config", "update_config"]

# Field -> member with the same value.
_PLAIN = {
    "ip_address": "IPAddress",
    "port": "Port",
    "resource_path": "ResourcePath",
    "fully_qualified_domain_name": "FullyQualifiedDomainName",
    "search_string": "SearchString",
    "request_interval": "RequestInterval",
    "failure_threshold": "FailureThreshold",
    "measure_latency": "MeasureLatency",
    "inverted": "Inverted",
    "disabled": "Disabled",
    "health_threshold": "HealthThreshold",
    "enable_sni": "EnableSNI",
    "source_id": "HealthCheckSourceId",
}
_LISTS = {"children": "ChildHealthChecks", "regions": "Regions"}
_RESETTABLE = {
    "ChildHealthChecks": "children",
    "FullyQualifiedDomainName": "fully_qualified_domain_name",
    "Regions": "regions",
    "ResourcePath": "resource_path",
}
_DEFAULT_PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
# A calculated check is not probed, so that it has none of these.
_PROBE_MEMBERS = ("RequestInterval", "FailureThreshold", "MeasureLatency")


def read_config(shape: Mapping[str, object]) -> HealthCheckConfig:
    """Return a new check's settings, with the documented defaults; AWS shows EnableSNI for other endpoints too."""
    kind = str(shape["Type"])
    enable_sni = None if kind == "CALCULATED" else kind.startswith("HTTPS")
    config = _with_members(HealthCheckConfig(kind, enable_sni=enable_sni), shape)
    config = replace(config, endpoint_type=str(shape.get("EndpointType") or "PUBLIC"))
    return config if config.port is not None else replace(config, port=_DEFAULT_PORTS.get(kind))


def update_config(config: HealthCheckConfig, shape: Mapping[str, object]) -> HealthCheckConfig:
    """Return the settings after UpdateHealthCheck: members of the request change, ResetElements return to defaults."""
    defaults = {field.name: field.default for field in fields(HealthCheckConfig)}
    for element in cast(list[str], shape.get("ResetElements", [])):
        name = _RESETTABLE[element]
        config = replace(config, **{name: defaults[name]})  # type: ignore[arg-type]  # its own default
    return _with_members(config, shape)


def check_shape(check: Route53HealthCheck) -> dict[str, object]:
    """Return a health check as the API shows it."""
    shape: dict[str, object] = {
        "Id": check.id,
        "CallerReference": check.caller_reference,
        "HealthCheckConfig": _config_shape(check.config),
        "HealthCheckVersion": check.version,
    }
    if check.owner is not None:
        shape["LinkedService"] = linked_service(check.owner)
    return shape


def _config_shape(config: HealthCheckConfig) -> dict[str, object]:
    shape: dict[str, object] = {"Type": config.type}
    shape |= {member: getattr(config, name) for name, member in _PLAIN.items() if getattr(config, name) is not None}
    if config.endpoint_type != "PUBLIC":
        shape["EndpointType"] = config.endpoint_type
    shape |= {member: list(getattr(config, name)) for name, member in _LISTS.items() if getattr(config, name)}
    if config.type == "CALCULATED":
        for member in _PROBE_MEMBERS:
            del shape[member]
    return shape


def _with_members(config: HealthCheckConfig, shape: Mapping[str, object]) -> HealthCheckConfig:
    members: dict[str, object] = {name: shape[member] for name, member in _PLAIN.items() if member in shape}
    for name, member in _LISTS.items():
        if member in shape:
            members[name] = tuple(cast(list[str], shape[member]))
    return replace(config, **members)  # type: ignore[arg-type]  # the model has checked the types
