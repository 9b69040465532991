"""Asks DNS servers as a careful client does: over UDP, and again over TCP when the answer was cut."""

from __future__ import annotations

import time
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdataclass
import dns.rdatatype

from surveyor import timeouts
from surveyor.errors import NoAnswer
from surveyor.evidence import Evidence
from surveyor.targets.control import DnsAddress

__all__ = ["ask", "record_values"]


def ask(
    name: str,
    rdtype: str,
    server: DnsAddress,
    *,
    tcp: bool = False,
    timeout: float = timeouts.DNS_ANSWER,
    evidence: Evidence | None = None,
    **query: Any,
) -> dns.message.Message:
    """The answer of `server` to one question, whatever its rcode.

    `query` goes to dns.message.make_query (use_edns, payload, flags, …); `timeout` in wall seconds. A datagram that
    is not answered is sent once more. Raises NoAnswer when nothing comes, or nothing that is DNS.
    """
    message = dns.message.make_query(name, rdtype, **query)
    shown = f"{server.address}:{server.port}"
    started = time.perf_counter()
    try:
        answer = _exchange(message, server, tcp=tcp, timeout=timeout)
    except (dns.exception.DNSException, OSError, EOFError) as broken:
        why = "no answer" if isinstance(broken, dns.exception.Timeout) else type(broken).__name__
        if evidence is not None:
            evidence.question(name, rdtype, shown, started, f"{why}: {broken}")
        raise NoAnswer(
            f"expected an answer to {name} {rdtype} from {shown}; came {why} ({broken})", actual=f"dns: {why}"
        ) from broken
    if evidence is not None:
        evidence.question(name, rdtype, shown, started, answer)
    return answer


def record_values(answer: dns.message.Message, name: str, rdtype: str) -> list[str]:
    """What the answer section holds under that name and type, in presentation form; empty if it holds nothing."""
    owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    found = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, kind)
    return [record.to_text() for record in found or ()]


def _exchange(message: dns.message.Message, server: DnsAddress, *, tcp: bool, timeout: float) -> dns.message.Message:
    for left in reversed(range(timeouts.DNS_TRIES)):
        try:
            if tcp:
                return dns.query.tcp(message, server.address, timeout=timeout, port=server.port)
            answer, _ = dns.query.udp_with_fallback(message, server.address, timeout=timeout, port=server.port)
            return answer
        except dns.exception.Timeout:
            if not left:
                raise
    raise AssertionError("unreachable: the last try answers or raises")
