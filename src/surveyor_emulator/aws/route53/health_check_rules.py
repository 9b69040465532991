"""Rules for the settings of health checks (route53/HealthCheckConfig and its members)."""

from __future__ import annotations

import ipaddress

from surveyor_emulator.aws.route53.state import HealthCheckConfig
from surveyor_emulator.core.errors import ServiceError

__all__ = ["ENDPOINTS", "check_config", "is_loopback"]

ENDPOINTS = ("HTTP", "HTTP_STR_MATCH", "HTTPS", "HTTPS_STR_MATCH", "TCP")
_INTERVALS = (10, 30)
# Addresses that no health checker can reach (route53/HealthCheckConfig.IPAddress). The documentation networks are not
# among them, since the documents themselves use them in examples.
_UNREACHABLE = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "224.0.0.0/3",
            "::/128",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
        ),
    )
)
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def check_config(config: HealthCheckConfig, *, loopback: bool) -> None:
    """Raise InvalidInput for settings that contradict each other; ``loopback``: such addresses can be checked."""
    if config.request_interval not in _INTERVALS:
        raise _invalid(f"RequestInterval is 10 or 30 seconds, not {config.request_interval}")
    if config.type in ENDPOINTS:
        _check_endpoint(config, loopback=loopback)
    elif config.type != "CALCULATED":
        raise _invalid(f"health checks of type {config.type} are not implemented here")
    elif config.ip_address is not None or config.port is not None:
        raise _invalid("a health check of type CALCULATED has no IPAddress and no Port")


def _check_endpoint(config: HealthCheckConfig, *, loopback: bool) -> None:
    if config.ip_address is None and config.fully_qualified_domain_name is None:
        raise _invalid("a health check of an endpoint needs IPAddress or FullyQualifiedDomainName")
    if config.type == "TCP" and config.port is None:
        raise _invalid("a health check of type TCP needs Port")
    if config.type == "TCP" and config.resource_path is not None:
        raise _invalid("a health check of type TCP has no ResourcePath")
    if config.type.endswith("_STR_MATCH") is not bool(config.search_string):
        raise _invalid("SearchString and the types HTTP_STR_MATCH and HTTPS_STR_MATCH must be set together")
    if config.children:
        raise _invalid("only a health check of type CALCULATED has ChildHealthChecks")
    if config.ip_address is not None:
        _check_address(config.ip_address, loopback=loopback, private=config.endpoint_type == "PRIVATE")


def _check_address(text: str, *, loopback: bool, private: bool) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise _invalid(f"IPAddress is an IPv4 or IPv6 address, not {text!r}") from None
    if private:
        if address.is_global:
            raise _invalid(f"IPAddress {text} is no private address, which a private endpoint has")
        return
    if any(address in network for network in _UNREACHABLE) or (is_loopback(text) and not loopback):
        raise _invalid(f"IPAddress {text} is in a local, private, non-routable or multicast range")


def is_loopback(address: str) -> bool:
    """Whether an IP address is a loopback address: 127.0.0.0/8 or ::1."""
    return ipaddress.ip_address(address) in _LOOPBACK[":" in address]


def _invalid(text: str) -> ServiceError:
    return ServiceError("InvalidInput", text)
