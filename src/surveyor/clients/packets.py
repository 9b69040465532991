"""Read captured packets: the UDP datagrams and TCP segments in frames of a loopback interface."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

__all__ = ["ACK", "FIN", "RST", "SYN", "Packet", "read_frame"]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""Flags of a TCP segment (RFC 9293)."""

_ETHERNET, _IPV4, _IPV6 = 14, 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_IPV6_HEADER = 40


@dataclass(frozen=True)
class Packet:
    """One datagram or segment. `at`: seconds since the epoch; `flags`: of TCP, 0 of UDP."""

    at: float
    is_tcp: bool
    source: tuple[str, int]
    target: tuple[str, int]
    flags: int
    payload: bytes


def read_frame(frame: bytes, at: float) -> Packet | None:
    """Return the packet in an Ethernet frame; None if it holds neither UDP nor TCP, or is cut off."""
    try:
        kind = struct.unpack_from("!H", frame, 12)[0]
        body = memoryview(frame)[_ETHERNET:]
        if kind == _IPV4:
            start, protocol = (body[0] & 0x0F) * 4, body[9]
            length = struct.unpack_from("!H", body, 2)[0]
            source, target = (str(ipaddress.IPv4Address(bytes(body[at_byte : at_byte + 4]))) for at_byte in (12, 16))
        elif kind == _IPV6:
            start, protocol = _IPV6_HEADER, body[6]
            length = _IPV6_HEADER + struct.unpack_from("!H", body, 4)[0]
            source, target = (str(ipaddress.IPv6Address(bytes(body[at_byte : at_byte + 16]))) for at_byte in (8, 24))
        else:
            return None
        return _read_transport(bytes(body[start:length]), protocol, at, source, target)
    except (struct.error, IndexError, ValueError):
        return None


def _read_transport(part: bytes, protocol: int, at: float, source: str, target: str) -> Packet | None:
    if protocol not in (_TCP, _UDP):
        return None
    source_port, target_port = struct.unpack_from("!HH", part)
    is_tcp = protocol == _TCP
    start, flags = ((part[12] >> 4) * 4, part[13]) if is_tcp else (8, 0)
    return Packet(at, is_tcp, (source, source_port), (target, target_port), flags, part[start:])
