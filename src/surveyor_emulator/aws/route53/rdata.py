"""Encode record values: from the text in API requests to the bytes in DNS messages.

The common types (addresses, names, SRV, SOA) are encoded here, all others by dnspython, which is imported when needed.
Formats: Route 53 Developer Guide, "Supported DNS record types". Escapes in values are octal, in zone files decimal.
"""

from __future__ import annotations

import functools
import re
import socket
import struct

from . import names

__all__ = ["TYPE_NAMES", "TYPE_NUMBERS", "encode"]

TYPE_NUMBERS = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "HINFO": 13,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "NAPTR": 35,
    "DS": 43,
    "SSHFP": 44,
    "TLSA": 52,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "CAA": 257,
}
TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}

_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_SRV = re.compile(r"(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})\s+(\S+)")
_SOA = re.compile(r"(\S+)\s+(\S+)\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})")
_MAX_UINT16 = 0xFFFF
_MAX_UINT32 = 0xFFFFFFFF


@functools.lru_cache(maxsize=16_384)
def encode(kind: str, value: str) -> bytes:
    """Return the rdata of a record value. Raise ValueError with the reason if the value is invalid."""
    if kind in ("A", "AAAA"):
        return _address(socket.AF_INET if kind == "A" else socket.AF_INET6, kind, value)
    if kind in ("CNAME", "NS", "PTR"):
        return names.encode(value.strip())
    if kind == "SRV":
        return _srv(value)
    if kind == "SOA":
        return _soa(value)
    return _by_dnspython(kind, value)


def _address(family: socket.AddressFamily, kind: str, value: str) -> bytes:
    try:
        return socket.inet_pton(family, value.strip())
    except (OSError, ValueError):
        raise ValueError(f"the value of an {kind} record is an IP address of its kind, not {value!r}") from None


def _srv(value: str) -> bytes:
    fields = _SRV.fullmatch(value.strip())
    numbers = [int(field) for field in fields.groups()[:3]] if fields else []
    if fields is None or max(numbers) > _MAX_UINT16:
        raise ValueError(f"the value of an SRV record is [priority] [weight] [port] [host], not {value!r}")
    return struct.pack("!HHH", *numbers) + names.encode(fields[4])


def _soa(value: str) -> bytes:
    fields = _SOA.fullmatch(value.strip())
    numbers = [int(field) for field in fields.groups()[2:]] if fields else []
    if fields is None or max(numbers) > _MAX_UINT32:
        raise ValueError(f"the value of an SOA record is two names and five numbers, not {value!r}")
    return names.encode(fields[1]) + names.encode(fields[2]) + struct.pack("!5I", *numbers)


def _by_dnspython(kind: str, value: str) -> bytes:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass

    text = _OCTAL.sub(lambda escape: f"\\{int(escape[1], 8):03d}", value)
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin=dns.name.root)
        packed = rdata.to_wire(origin=dns.name.root)
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        raise ValueError(f"{value!r} is not a valid value of a {kind} record: {error}") from None
    if packed is None or len(packed) > _MAX_UINT16:
        raise ValueError(f"the value of a {kind} record is longer than a DNS message can carry")
    return packed
