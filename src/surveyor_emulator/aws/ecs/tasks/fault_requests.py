"""The requests of the fault injection endpoints: their bodies, and what is wrong with them.

ECS Developer Guide, "Amazon ECS fault injection endpoints". Where it does not give the text of an error, it is that of
the public agent (aws/amazon-ecs-agent, ecs-agent/tmds/handlers/fault/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any, cast

import orjson

from surveyor_emulator.aws.ecs.state import FaultParameters, HolePlace
from surveyor_emulator.aws.ecs.state.faults import Protocol, TrafficType

__all__ = ["BLACK_HOLE", "LATENCY", "PACKET_LOSS", "FaultRefused", "parse_fault"]

BLACK_HOLE, LATENCY, PACKET_LOSS = "network-blackhole-port", "network-latency", "network-packet-loss"

_MAX_PORT = 65_535
_MAX_MILLISECONDS = 4_294_967  # what netem can delay: 32 bits of microseconds


class FaultRefused(Exception):
    """A request that is answered with an error: its status and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def parse_fault(fault: str, body: bytes) -> FaultParameters:
    """Return the parameters in the body of a request. Raises FaultRefused."""
    if not body.strip():
        raise FaultRefused(400, "required request body is missing")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FaultRefused(400, f"invalid request body: {error}") from None
    if not isinstance(document, dict):
        raise FaultRefused(400, "invalid request body: expected a JSON object")
    spared = _networks(document, "SourcesToFilter", required=False)
    if fault == BLACK_HOLE:
        port = _number(document, "Port", _MAX_PORT)
        protocol = cast(Protocol, _choice(document, "Protocol", "tcp", "udp"))
        way = cast(TrafficType, _choice(document, "TrafficType", "ingress", "egress"))
        return FaultParameters(HolePlace(way, protocol, port), spared=spared)
    if fault == LATENCY:
        delay = _number(document, "DelayMilliseconds", _MAX_MILLISECONDS)
        jitter = _number(document, "JitterMilliseconds", _MAX_MILLISECONDS)
        return FaultParameters(delay=delay, jitter=jitter, sources=_networks(document, "Sources"), spared=spared)
    loss = _number(document, "LossPercent", 100, 1)
    return FaultParameters(loss=loss, sources=_networks(document, "Sources"), spared=spared)


def _number(document: Mapping[str, Any], name: str, maximum: int, minimum: int = 0) -> int:
    value = document.get(name)
    if value is None:
        raise FaultRefused(400, f"required parameter {name} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise FaultRefused(400, f"invalid value {_shown(value)} for parameter {name}")
    return value


def _choice(document: Mapping[str, Any], name: str, *allowed: str) -> str:
    value = document.get(name)
    if value is None or value == "":
        raise FaultRefused(400, f"required parameter {name} is missing")
    if value not in allowed:
        raise FaultRefused(400, f"invalid value {_shown(value)} for parameter {name}")
    return str(value)


def _networks(document: Mapping[str, Any], name: str, *, required: bool = True) -> tuple[IPv4Network, ...]:
    """Return the ranges of IPv4 of a list; those of IPv6 are valid, and nothing here has such an address."""
    value = document.get(name)
    if not value:
        if required:
            raise FaultRefused(400, f"required parameter {name} is missing")
        return ()
    if not isinstance(value, list):
        raise FaultRefused(400, f"invalid value {_shown(value)} for parameter {name}")
    found = [_network(name, element) for element in value]
    return tuple(network for network in found if network is not None)


def _network(name: str, element: object) -> IPv4Network | None:
    try:
        parsed = ip_network(element, strict=False) if isinstance(element, str) else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise FaultRefused(400, f"invalid value {_shown(element)} for parameter {name}")
    return parsed if isinstance(parsed, IPv4Network) else None


def _shown(value: object) -> str:
    return value[:100] if isinstance(value, str) else orjson.dumps(value).decode()[:100]
