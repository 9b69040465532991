"""Change DNS answers as the active mutant says."""

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

__all__ = ["DnsMutator"]

# This many answers of eight addresses show each of a dozen addresses.
_UNION = 40


class DnsMutator:
    """One active mutant, and the answers that it has seen. Each test gets a new one."""

    def __init__(self, mutant: Mutant | None) -> None:
        self._mutant = mutant if mutant is not None and mutant.operator.startswith("dns-") else None
        self._memory: dict[str, bytes] = {}

    def pass_through(self, query: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        """Return the mutant's answer to a query in wire format; ``forward`` asks the real server."""
        answer = forward(query)
        mutant = self._mutant
        if mutant is None or not answer:
            return answer
        message = dns.message.from_wire(answer)
        if message.flags & dns.flags.TC:  # the client asks again over TCP
            return answer
        question = message.question[0] if message.question else None
        if question is None:
            return answer
        kind = dns.rdatatype.to_text(question.rdtype)
        if mutant.details.get("type", kind) != kind:
            return answer
        if mutant.operator == "dns-stale":
            first = self._memory.setdefault(question.to_text(), answer)
            return query[:2] + first[2:]
        if mutant.operator == "dns-union":
            for _ in range(_UNION):
                for rrset in dns.message.from_wire(forward(query)).answer:
                    _merge(message, rrset)
        else:
            _CHANGES[mutant.operator](message, mutant.details)
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
        replacements = [
            dns.rdata.from_text(rrset.rdclass, rrset.rdtype, re.sub(details["find"], details["with"], rdata.to_text()))
            for rdata in rrset
        ]
        for old, new in zip(list(rrset), replacements, strict=True):
            rrset.remove(old)  # type: ignore[no-untyped-call]  # dnspython has no types there
            rrset.add(new)


_CHANGES: dict[str, Callable[[dns.message.Message, Any], None]] = {
    "dns-first": _first,
    "dns-ttl": _ttl,
    "dns-rcode": _rcode,
    "dns-drop": _drop,
    "dns-replace": _replace,
}
