"""Queries to DNS servers: over UDP, and again over TCP when the answer was truncated."""

from __future__ import annotations

import time
from dataclasses import dataclass
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

__all__ = ["DnsAddress", "query_server", "record_values"]


@dataclass(frozen=True)
class DnsAddress:
    """The address and port at which a DNS server answers, over UDP and TCP."""

    address: str
    port: int


def query_server(
    name: str,
    rdtype: str,
    server: DnsAddress,
    *,
    tcp: bool = False,
    retry_truncated: bool = True,
    timeout: float = timeouts.DNS_ANSWER,
    evidence: Evidence | None = None,
    **query: Any,
) -> dns.message.Message:
    """Return the answer of `server` to one question, whatever its rcode.

    `query` goes to dns.message.make_query (use_edns, payload, flags, …); `timeout` in wall seconds. A datagram that
    is not answered is sent once more; after a truncated answer the question is sent over TCP, unless `retry_truncated`
    is false. Raises NoAnswer if there is no answer, or none that is DNS.
    """
    message = dns.message.make_query(name, rdtype, **query)
    address = f"{server.address}:{server.port}"
    started = time.perf_counter()
    try:
        answer = _exchange(message, server, tcp=tcp, retry_truncated=retry_truncated, timeout=timeout)
    except (dns.exception.DNSException, OSError, EOFError) as error:
        why = "no answer" if isinstance(error, dns.exception.Timeout) else type(error).__name__
        if evidence is not None:
            evidence.question(name, rdtype, address, started, f"{why}: {error}")
        raise NoAnswer(
            f"expected an answer to {name} {rdtype} from {address}; got {why} ({error})", actual=f"dns: {why}"
        ) from error
    if evidence is not None:
        evidence.question(name, rdtype, address, started, answer)
    return answer


def record_values(answer: dns.message.Message, name: str, rdtype: str) -> list[str]:
    """Return the records of the answer section with that name and type, in presentation form."""
    owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    found = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, kind)
    return [record.to_text() for record in found or ()]


def _exchange(
    message: dns.message.Message, server: DnsAddress, *, tcp: bool, retry_truncated: bool, timeout: float
) -> dns.message.Message:
    for left in reversed(range(timeouts.DNS_TRIES)):
        try:
            if tcp:
                return dns.query.tcp(message, server.address, timeout=timeout, port=server.port)
            if not retry_truncated:
                return dns.query.udp(message, server.address, timeout=timeout, port=server.port)
            answer, _ = dns.query.udp_with_fallback(message, server.address, timeout=timeout, port=server.port)
            return answer
        except dns.exception.Timeout:
            if not left:
                raise
    raise AssertionError("unreachable: the last try returns or raises")
