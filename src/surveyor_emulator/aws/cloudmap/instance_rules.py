"""Rules for an instance's attributes, which depend on the settings of its service.

Source: servicediscovery RegisterInstanceRequest.Attributes; reserved names: Cloud Map Developer Guide, registering
instances.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from surveyor_emulator.core.settings import Quotas

from .lookup import invalid_input
from .state import CloudMapService

__all__ = ["ALIAS", "CNAME", "EC2_INSTANCE", "INITIAL_HEALTH", "IPV4", "IPV6", "PORT", "check_attributes"]

ALIAS = "AWS_ALIAS_DNS_NAME"
EC2_INSTANCE = "AWS_EC2_INSTANCE_ID"
INITIAL_HEALTH = "AWS_INIT_HEALTH_STATUS"
CNAME = "AWS_INSTANCE_CNAME"
IPV4 = "AWS_INSTANCE_IPV4"
IPV6 = "AWS_INSTANCE_IPV6"
PORT = "AWS_INSTANCE_PORT"

_KNOWN = {ALIAS, EC2_INSTANCE, INITIAL_HEALTH, CNAME, IPV4, IPV6, PORT}
_ELB = re.compile(
    r"^[a-z0-9.-]+\.elb\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?\.?$|^[a-z0-9.-]+\.[a-z0-9-]+\.elb\.amazonaws\.com(\.cn)?\.?$",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"^(?=.{1,255}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$", re.IGNORECASE
)


def check_attributes(service: CloudMapService, attributes: Mapping[str, str], quotas: Quotas) -> None:
    """Raise InvalidInput for the first rule that the attributes break."""
    _sizes(attributes, quotas)
    _formats(attributes)
    if ALIAS in attributes:
        _alias(service, attributes)
    elif EC2_INSTANCE in attributes:
        _ec2_instance(service, attributes)
    else:
        _records(service, attributes)


def _sizes(attributes: Mapping[str, str], quotas: Quotas) -> None:
    custom = [key for key in attributes if key not in _KNOWN]
    for key in custom:
        if key.upper().startswith("AWS_"):
            raise invalid_input(f"attribute {key}: names that begin with AWS_ are reserved")
    if len(custom) > quotas.custom_attributes:
        raise invalid_input(f"{len(custom)} custom attributes; the maximum is {quotas.custom_attributes}")
    size = sum(len(key) + len(value) for key, value in attributes.items())
    if size > quotas.custom_attributes_characters:
        raise invalid_input(
            f"the attributes have {size} characters; the maximum is {quotas.custom_attributes_characters}"
        )


def _formats(attributes: Mapping[str, str]) -> None:
    for key, is_valid, description in _FORMATS:
        if key in attributes and not is_valid(attributes[key]):
            raise invalid_input(f"{key} must be {description}, not {attributes[key]!r}")


def _alias(service: CloudMapService, attributes: Mapping[str, str]) -> None:
    if service.dns is None or not set(service.dns.ttls) <= {"A", "AAAA"}:
        raise invalid_input(f"{ALIAS} needs a service with an A record, an AAAA record, or both")
    if service.dns.policy != "WEIGHTED":
        raise invalid_input(f"{ALIAS} needs the routing policy WEIGHTED")
    for key in attributes:
        if key.startswith("AWS_INSTANCE_") or key == EC2_INSTANCE:
            raise invalid_input(f"{key} cannot be combined with {ALIAS}")
    if not _ELB.match(attributes[ALIAS]):
        raise invalid_input(f"{ALIAS} must be the DNS name of an Elastic Load Balancing load balancer")


def _ec2_instance(service: CloudMapService, attributes: Mapping[str, str]) -> None:
    if service.namespace.type != "HTTP":
        raise invalid_input(f"{EC2_INSTANCE} is for HTTP namespaces")
    if set(attributes) - {EC2_INSTANCE, INITIAL_HEALTH}:
        raise invalid_input(f"{EC2_INSTANCE} can be combined with {INITIAL_HEALTH} only")


def _records(service: CloudMapService, attributes: Mapping[str, str]) -> None:
    types = set(service.dns.ttls) if service.dns is not None else set()
    needed = {"A": IPV4, "AAAA": IPV6, "CNAME": CNAME}
    for kind, key in needed.items():
        if kind in types and key not in attributes:
            raise invalid_input(f"a service with {kind} records needs {key}")
    if "SRV" in types and PORT not in attributes:
        raise invalid_input("A valid port number must be supplied.")
    has_address = IPV4 in attributes or IPV6 in attributes
    if "SRV" in types and not has_address:
        raise invalid_input(f"a service with SRV records needs {IPV4}, {IPV6} or both")
    if service.health is not None:
        if PORT not in attributes:
            raise invalid_input(f"a service with a Route 53 health check needs {PORT}")
        if not has_address:
            raise invalid_input(f"a service with a Route 53 health check needs {IPV4} or {IPV6}")


def _is_ipv4(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535


_FORMATS: tuple[tuple[str, Callable[[str], object], str], ...] = (
    (IPV4, _is_ipv4, "an IPv4 address"),
    (IPV6, _is_ipv6, "an IPv6 address"),
    (PORT, _is_port, "a port from 0 to 65535"),
    (CNAME, _HOST.match, "a domain name"),
    (INITIAL_HEALTH, {"HEALTHY", "UNHEALTHY"}.__contains__, "HEALTHY or UNHEALTHY"),
)
