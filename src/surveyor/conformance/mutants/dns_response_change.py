"""Response mutants of DNS: one part of the answers of one type and response code is dropped, inverted or shifted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from surveyor.conformance.mutants.response_change import STEP, ResponseChange

__all__ = ["change_dns_answer", "changes_of_dns"]

_FLAGS = {"AA": dns.flags.AA, "RA": dns.flags.RA, "RD": dns.flags.RD}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "SRV": ("priority", "weight", "port"),
    "SOA": ("minimum", "refresh", "retry", "expire", "serial"),
}
"""Type -> numbers in its data."""

_SECTIONS = ("answer", "authority")
_DIRECTIONS = {"more": STEP, "less": -STEP}


def changes_of_dns(message: dns.message.Message) -> set[ResponseChange]:
    """Return the changes that can be made to an answer."""
    name = _name(message)
    return {ResponseChange(name, path, change) for path, change in _changes(message)} if name else set()


def change_dns_answer(change: ResponseChange, message: dns.message.Message) -> None:
    """Make the change, if the message is an answer of its kind."""
    if _name(message) != change.answer:
        return
    section, *rest = change.path.split(".")
    if section == "header":
        message.flags ^= _FLAGS[rest[0]]
    elif section == "rcode":
        message.set_rcode(dns.rcode.SERVFAIL)
    else:
        rrsets = getattr(message, section)
        rdtype, *member = rest
        for rrset in [found for found in rrsets if dns.rdatatype.to_text(found.rdtype) == rdtype]:
            if change.change == "drop":
                rrsets.remove(rrset)
            elif change.change == "drop-one":
                rrset.remove(min(rrset, key=str))
            elif member == ["ttl"]:
                rrset.ttl = max(0, rrset.ttl + _DIRECTIONS[change.change])
            else:
                _change_data(rrset, _shift(member[0], change.change) if member else _next_address)


def _changes(message: dns.message.Message) -> Iterator[tuple[str, str]]:
    yield from ((f"header.{flag}", "invert") for flag in _FLAGS)
    yield "rcode", "change"
    for section in _SECTIONS:
        for rrset in getattr(message, section):
            rdtype = dns.rdatatype.to_text(rrset.rdtype)
            path = f"{section}.{rdtype}"
            yield path, "drop"
            if len(rrset) > 1:
                yield path, "drop-one"
            if rdtype in ("A", "AAAA"):
                yield path, "change"
            for member in ("ttl", *_FIELDS.get(rdtype, ())):
                yield from ((f"{path}.{member}", direction) for direction in _DIRECTIONS)


def _name(message: dns.message.Message) -> str:
    if not message.question:
        return ""
    return f"DNS {dns.rdatatype.to_text(message.question[0].rdtype)} {dns.rcode.to_text(message.rcode())}"


def _change_data(rrset: dns.rrset.RRset, change: Callable[[dns.rdata.Rdata], dns.rdata.Rdata]) -> None:
    for rdata in list(rrset):
        rrset.remove(rdata)  # type: ignore[no-untyped-call]  # dnspython has no types there
        rrset.add(change(rdata))


def _shift(member: str, direction: str) -> Callable[[dns.rdata.Rdata], dns.rdata.Rdata]:
    def shift(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
        return rdata.replace(**{member: max(0, getattr(rdata, member) + _DIRECTIONS[direction])})

    return shift


def _next_address(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
    """Return the record of an address that differs in its last bit."""
    packed = bytearray(rdata.to_digestable())
    packed[-1] ^= 1
    return dns.rdata.from_wire(rdata.rdclass, rdata.rdtype, bytes(packed), 0, len(packed))
