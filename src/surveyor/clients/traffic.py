"""What a client was seen to do: its questions to DNS servers, its connections, and its requests on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from surveyor.clients.packets import ACK, FIN, RST, SYN, Packet

__all__ = ["Question", "SeenConnection", "Traffic"]

DNS_PORT = 53
OTHER_DNS_PORTS = (443, 853, 5353, 8853)
"""Ports at which servers answer DNS over HTTPS, TLS or QUIC, and multicast DNS."""


@dataclass
class Question:
    """One question: a retransmission is another one. `answered`: when, None without an answer.

    `code`: the response code of the answer, `addresses` and `ttl` what it holds; `over`: "udp" or "tcp".
    """

    at: float
    name: str
    kind: str
    server: str
    over: str
    answered: float | None = None
    code: str = ""
    addresses: tuple[str, ...] = ()
    ttl: float = 0.0


@dataclass
class SeenConnection:
    """One TCP connection, or an attempt. Times are seconds since the epoch, None for what did not happen.

    `tries`: how often its first segment was sent. `requests`: when the client began to send, first or after an answer;
    `answers`: when the other side began to send. `ended_by`: "client" or "task".
    """

    began: float
    address: str
    port: int
    tries: int = 1
    opened: float | None = None
    refused: float | None = None
    ended: float | None = None
    ended_by: str = ""
    requests: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    is_client_sending: bool = False

    @property
    def failed(self) -> bool:
        """Return whether it was never opened."""
        return self.opened is None


class Traffic:
    """Follow packets in the order in which they were captured.

    Packets from or to an address in `own` are the harness's, and are left out. Connections to loopback addresses are a
    matter of the client, and are left out.
    """

    def __init__(self, own: Collection[str] = ()) -> None:
        self.own = frozenset(own)
        self.questions: list[Question] = []
        self.connections: list[SeenConnection] = []
        self.unreadable = 0
        """DNS messages that could not be read."""

        self._asked: dict[tuple[tuple[str, int], int, str], Question] = {}
        self._flows: dict[tuple[tuple[str, int], tuple[str, int]], SeenConnection] = {}

    def add(self, packet: Packet) -> None:
        """Take note of one packet."""
        if packet.source[0] in self.own or packet.target[0] in self.own:
            return
        if DNS_PORT in (packet.source[1], packet.target[1]):
            self._add_dns(packet)
        elif packet.is_tcp and not _is_loopback(packet.target[0]):
            self._add_segment(packet)

    def asked(self, name: str, *, since: float = 0.0, until: float = float("inf")) -> list[Question]:
        """Return the questions for a name, or for one below it as SRV records have, of all types, in a period."""
        wanted = name.lower().rstrip(".")
        return [
            question
            for question in self.questions
            if (question.name == wanted or question.name.endswith(f".{wanted}")) and since <= question.at < until
        ]

    def connected(
        self, addresses: Collection[str], *, since: float = 0.0, until: float = float("inf")
    ) -> list[SeenConnection]:
        """Return the connections, and attempts, to some addresses that began in a period."""
        return [
            connection
            for connection in self.connections
            if connection.address in addresses and since <= connection.began < until
        ]

    def other_dns(self) -> list[SeenConnection]:
        """Return attempts to reach name servers by ways other than port 53."""
        return [connection for connection in self.connections if connection.port in OTHER_DNS_PORTS]

    def _add_dns(self, packet: Packet) -> None:
        is_answer = packet.source[1] == DNS_PORT
        for wire in _dns_messages(packet):
            try:
                message = dns.message.from_wire(wire, ignore_trailing=True, one_rr_per_rrset=False)
            except (dns.exception.DNSException, ValueError):
                self.unreadable += 1
                continue
            if not message.question:
                continue
            name = message.question[0].name.to_text().lower().rstrip(".")
            kind = dns.rdatatype.to_text(message.question[0].rdtype)
            client = packet.target if is_answer else packet.source
            key = (client, message.id, f"{name} {kind}")
            if not is_answer:
                over = "tcp" if packet.is_tcp else "udp"
                self._asked[key] = question = Question(packet.at, name, kind, packet.target[0], over)
                self.questions.append(question)
            elif key in self._asked:
                _note_answer(self._asked.pop(key), message, packet.at)

    def _add_segment(self, packet: Packet) -> None:
        if packet.flags & (SYN | ACK) == SYN:
            flow = (packet.source, packet.target)
            known = self._flows.get(flow)
            if known is not None and known.failed and known.refused is None:
                known.tries += 1
                return
            self._flows[flow] = connection = SeenConnection(packet.at, *packet.target)
            self.connections.append(connection)
            return
        from_client = (packet.source, packet.target) in self._flows
        flow = (packet.source, packet.target) if from_client else (packet.target, packet.source)
        if flow in self._flows:
            _note_segment(self._flows[flow], packet, from_client=from_client)


def _note_segment(connection: SeenConnection, packet: Packet, *, from_client: bool) -> None:
    if not from_client and packet.flags & SYN and packet.flags & ACK:
        connection.opened = connection.opened or packet.at
    if packet.payload:
        if from_client and not connection.is_client_sending:
            connection.requests.append(packet.at)
        elif not from_client and (connection.is_client_sending or not connection.answers):
            connection.answers.append(packet.at)
        connection.is_client_sending = from_client
    if packet.flags & RST and connection.failed:
        connection.refused = packet.at
    elif packet.flags & (FIN | RST) and connection.ended is None:
        connection.ended, connection.ended_by = packet.at, "client" if from_client else "task"


def _note_answer(question: Question, message: dns.message.Message, at: float) -> None:
    question.answered, question.code = at, dns.rcode.to_text(message.rcode())
    records = [rrset for rrset in message.answer if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)]
    question.addresses = tuple(sorted(record.to_text() for rrset in records for record in rrset))
    question.ttl = float(min((rrset.ttl for rrset in records), default=0))


def _dns_messages(packet: Packet) -> Iterator[bytes]:
    """Yield the messages in a packet; over TCP each has its length before it (RFC 1035, section 4.2.2)."""
    if not packet.is_tcp:
        yield packet.payload
        return
    rest = packet.payload
    while len(rest) > 2:  # a message that is split over segments is not read: questions for one name are short
        length = int.from_bytes(rest[:2], "big")
        yield rest[2 : 2 + length]
        rest = rest[2 + length :]


def _is_loopback(address: str) -> bool:
    return address.startswith(("127.", "169.254.")) or address == "::1"
