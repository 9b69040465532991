"""Queries to DNS servers: over UDP, and again over TCP when the answer was truncated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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
from surveyor_agents.vantage import over_tcp, over_udp

__all__ = ["DnsAddress", "Exchange", "exchange_messages", "query_server", "query_server_repeatedly", "record_values"]


class Exchange(Protocol):
    """Sends messages to a DNS server from another place than this machine.

    Each step is a message to send, or None to receive one; over TCP what is sent are bytes of the stream. Returns what
    was received in each of `times` rounds. `name`: the one that is asked for. Raises TimeoutError and OSError.
    """

    def __call__(
        self, server: DnsAddress, steps: Sequence[bytes | None], *, name: str, tcp: bool, timeout: float, times: int
    ) -> list[list[bytes]]:
        """Return the messages of each round."""


@dataclass(frozen=True)
class DnsAddress:
    """The address and port at which a DNS server answers, over UDP and TCP.

    `exchange`: how to send something there; None: from this machine.
    """

    address: str
    port: int
    exchange: Exchange | None = field(default=None, compare=False, repr=False)


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
    except (dns.exception.DNSException, OSError, EOFError, NoAnswer) as error:
        why = "no answer" if isinstance(error, (dns.exception.Timeout, TimeoutError)) else type(error).__name__
        if evidence is not None:
            evidence.question(name, rdtype, address, started, f"{why}: {error}")
        raise NoAnswer(
            f"expected an answer to {name} {rdtype} from {address}; got {why} ({error})", actual=f"dns: {why}"
        ) from error
    if evidence is not None:
        evidence.question(name, rdtype, address, started, answer)
    return answer


def query_server_repeatedly(
    name: str, rdtype: str, server: DnsAddress, times: int, *, evidence: Evidence | None = None
) -> list[dns.message.Message]:
    """Return the answers to one question that is asked several times, as `query_server` returns each.

    From another place than this machine they are asked in one exchange.
    """
    if server.exchange is None:
        return [query_server(name, rdtype, server, evidence=evidence) for _ in range(times)]
    message, started = dns.message.make_query(name, rdtype), time.perf_counter()
    try:
        rounds = exchange_messages(server, [message.to_wire(), None], name=name, times=times)
        answers = [dns.message.from_wire(received) for [received] in rounds]
    except (
        dns.exception.DNSException,
        OSError,
        NoAnswer,
    ):  # of this many datagrams one may be lost: ask again, one by one
        return [query_server(name, rdtype, server, evidence=evidence) for _ in range(times)]
    if any(answer.flags & dns.flags.TC for answer in answers):
        return [query_server(name, rdtype, server, tcp=True, evidence=evidence) for _ in range(times)]
    if evidence is not None:
        for answer in answers:
            evidence.question(name, rdtype, f"{server.address}:{server.port}", started, answer)
    return answers


def record_values(answer: dns.message.Message, name: str, rdtype: str) -> list[str]:
    """Return the records of the answer section with that name and type, in presentation form."""
    owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    found = answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, kind)
    return [record.to_text() for record in found or ()]


def exchange_messages(
    server: DnsAddress,
    steps: Sequence[bytes | None],
    *,
    name: str,
    tcp: bool = False,
    timeout: float = timeouts.DNS_ANSWER,
    times: int = 1,
) -> list[list[bytes]]:
    """Send messages that no query is, as `Exchange` describes it, from where the server is asked.

    Raises TimeoutError, and NoAnswer if the connection is refused or closed.
    """
    try:
        if server.exchange is not None:
            return server.exchange(server, steps, name=name, tcp=tcp, timeout=timeout, times=times)
        send = over_tcp if tcp else over_udp
        return [send((server.address, server.port), steps, timeout) for _ in range(times)]
    except TimeoutError:
        raise
    except OSError as error:
        place = f"{server.address}:{server.port}"
        raise NoAnswer(f"expected answers about {name} from {place}; got {error}", actual="dns: no answer") from error


def _exchange(
    message: dns.message.Message, server: DnsAddress, *, tcp: bool, retry_truncated: bool, timeout: float
) -> dns.message.Message:
    if server.exchange is not None:
        return _exchange_elsewhere(message, server, tcp=tcp, retry_truncated=retry_truncated, timeout=timeout)
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


def _exchange_elsewhere(
    message: dns.message.Message, server: DnsAddress, *, tcp: bool, retry_truncated: bool, timeout: float
) -> dns.message.Message:
    """Do the same from another place: a datagram that is not answered is sent again, a truncated answer is not kept."""
    wire, name = message.to_wire(), message.question[0].name.to_text()
    steps = [(len(wire).to_bytes(2, "big") if tcp else b"") + wire, None]
    received = b""
    for left in reversed(range(timeouts.DNS_TRIES)):
        try:
            [[received]] = exchange_messages(server, steps, name=name, tcp=tcp, timeout=timeout)
            break
        except TimeoutError:
            if not left:
                raise
    answer = dns.message.from_wire(received)
    if answer.id != message.id:
        raise OSError(f"the answer has the id {answer.id}, the question {message.id}")
    if retry_truncated and not tcp and answer.flags & dns.flags.TC:
        return _exchange_elsewhere(message, server, tcp=True, retry_truncated=False, timeout=timeout)
    return answer
