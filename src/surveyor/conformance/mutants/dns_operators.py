"""What a mutant does to answers of DNS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from surveyor.conformance.mutants.model import Mutant

__all__ = ["DnsForger"]

# Enough answers of eight to have seen every one of a dozen addresses.
_UNION = 40


class DnsForger:
    """One active mutant and what it has seen; a new one is made for each test."""

    def __init__(self, mutant: Mutant | None) -> None:
        self._fake = mutant if mutant is not None and mutant.operator.startswith("dns-") else None
        self._memory: dict[str, bytes] = {}

    def pass_through(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        """The answer to the question, both as bytes."""
        answer = forward(question)
        fake = self._fake
        if fake is None or not answer:
            return answer
        message = dns.message.from_wire(answer)
        asked = message.question[0] if message.question else None
        if asked is None or fake.details.get("type", dns.rdatatype.to_text(asked.rdtype)) != dns.rdatatype.to_text(
            asked.rdtype
        ):
            return answer
        if fake.operator == "dns-stale":
            first = self._memory.setdefault(asked.to_text(), answer)
            return question[:2] + first[2:]
        if fake.operator == "dns-union":
            for _ in range(_UNION):
                for rrset in dns.message.from_wire(forward(question)).answer:
                    _merge(message, rrset)
        else:
            _CHANGES[fake.operator](message, fake.details)
        message.flags &= ~dns.flags.TC
        return message.to_wire(max_size=65535)


def _merge(message: dns.message.Message, more: dns.rrset.RRset) -> None:
    for rrset in message.answer:
        if rrset.match(more.name, more.rdclass, more.rdtype, more.covers):
            for rdata in more:
                rrset.add(rdata)


def _first(message: dns.message.Message, details: Any) -> None:
    for rrset in message.answer:
        for rdata in sorted(rrset, key=str)[details.get("count", 1) :]:
            rrset.remove(rdata)  # type: ignore[no-untyped-call]  # dnspython has no types there


def _ttl(message: dns.message.Message, details: Any) -> None:
    for rrset in (*message.answer, *message.authority):
        rrset.ttl = details["value"]


def _rcode(message: dns.message.Message, details: Any) -> None:
    if dns.rcode.to_text(message.rcode()) == details["from"]:
        message.set_rcode(dns.rcode.from_text(details["to"]))
        message.answer = []


def _drop(message: dns.message.Message, details: Any) -> None:
    message.answer = []


def _replace(message: dns.message.Message, details: Any) -> None:
    for rrset in (*message.answer, *message.authority):
        changed = [
            dns.rdata.from_text(rrset.rdclass, rrset.rdtype, re.sub(details["find"], details["with"], rdata.to_text()))
            for rdata in rrset
        ]
        for old, new in zip(list(rrset), changed, strict=True):
            rrset.remove(old)  # type: ignore[no-untyped-call]  # dnspython has no types there
            rrset.add(new)


_CHANGES: dict[str, Callable[[dns.message.Message, Any], None]] = {
    "dns-first": _first,
    "dns-ttl": _ttl,
    "dns-rcode": _rcode,
    "dns-drop": _drop,
    "dns-replace": _replace,
}
