"""IPv6 addresses at which nothing answers: a network of a sandbox, for clients that try IPv6 first."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct

__all__ = ["address_of", "own_network"]

_NETWORK = ipaddress.IPv6Network("2001:db8::/32")
"""For documentation (RFC 3849), and preferred to IPv4 as other global addresses are (RFC 6724, section 2.1)."""

_NEWADDR, _NEWROUTE, _REQUEST_CREATE = 20, 24, 0x0405  # NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE
_IFA_LOCAL, _IFA_ADDRESS, _NO_DUPLICATE_DETECTION = 2, 1, 0x02
_DESTINATION, _OUTPUT = 1, 4  # RTA_DST, RTA_OIF
_TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_GLOBAL, _TYPE_LOCAL = 255, 3, 0, 2


def address_of(address: str) -> str:
    """Return the IPv6 address that a task with this IPv4 address seems to have."""
    return str(_NETWORK[int(ipaddress.IPv4Address(address))])


def own_network() -> bool:
    """Make the addresses of the network refuse in this sandbox, and let it have one; return whether that is allowed.

    It does what these do: `ip address add 2001:db8::1/128 dev lo`, from which clients see that there is IPv6, the same
    with an IPv4 address, without which some take IPv6 for all that there is (AI_ADDRCONFIG of getaddrinfo(3)), and
    `ip -6 route add local 2001:db8::/32 dev lo`.
    """
    try:
        loopback = socket.if_nametoindex("lo")
        _add_address(loopback, socket.AF_INET, ipaddress.IPv4Address("172.31.255.254").packed)
        _add_address(loopback, socket.AF_INET6, _NETWORK[1].packed)
        route = struct.pack(
            "BBBBBBBBI", socket.AF_INET6, _NETWORK.prefixlen, 0, 0, _TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_GLOBAL,
            _TYPE_LOCAL, 0,
        )  # fmt: skip
        route += struct.pack("HH16s", 20, _DESTINATION, _NETWORK.network_address.packed)
        route += struct.pack("HHi", 8, _OUTPUT, loopback)
        _ask_kernel(_NEWROUTE, route)
        with socket.socket(socket.AF_INET6) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((str(_NETWORK[2]), 9)) == errno.ECONNREFUSED
    except OSError:
        return False  # a kernel without IPv6


def _add_address(interface: int, family: int, address: bytes) -> None:
    size = len(address)
    message = struct.pack("BBBBI", family, size * 8, _NO_DUPLICATE_DETECTION, _SCOPE_GLOBAL, interface)
    for kind in (_IFA_LOCAL, _IFA_ADDRESS):
        message += struct.pack("HH", 4 + size, kind) + address
    _ask_kernel(_NEWADDR, message)


def _ask_kernel(kind: int, message: bytes) -> None:
    """Send a request to the kernel's routing (rtnetlink(7)). Raises OSError if it refuses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(struct.pack("IHHII", 16 + len(message), kind, _REQUEST_CREATE, 1, 0) + message)
        code = -struct.unpack_from("i", kernel.recv(4_096), 16)[0]
    if code:
        raise OSError(code, os.strerror(code))
