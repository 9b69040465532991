"""Packets as a client and its tasks would send them, and the traffic that they make."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from surveyor.clients.packets import ACK, FIN, RST, SYN, Packet
from surveyor.clients.traffic import Traffic

CLIENT, RESOLVER, PORT = "172.31.0.4", "172.31.0.2", 8080
NAME = "backend.clients.internal"


class Script:
    """A client that does what a test says, packet by packet. Each connection has a port of its client."""

    def __init__(self) -> None:
        self.traffic = Traffic(["127.87.0.1"])
        self._port = 40_000

    def ask(self, at: float, *addresses: str, kinds: tuple[str, ...] = ("A",), over_tcp: bool = False) -> None:
        """Ask for the name; without addresses it does not exist."""
        for kind in kinds:
            self._port += 1
            question = dns.message.make_query(NAME, kind)
            answer = dns.message.make_response(question)
            if not addresses:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif own := [address for address in addresses if (":" in address) == (kind == "AAAA")]:
                answer.answer.append(dns.rrset.from_text(f"{NAME}.", 5, "IN", kind, *own))
            for offset, message, is_answer in ((0.0, question, False), (0.001, answer, True)):
                wire = message.to_wire()
                payload = len(wire).to_bytes(2, "big") + wire if over_tcp else wire
                ends = ((CLIENT, self._port), (RESOLVER, 53))
                source, target = ends[::-1] if is_answer else ends
                self.traffic.add(Packet(at + offset, over_tcp, source, target, ACK if over_tcp else 0, payload))

    def connect(self, at: float, address: str, *requests: float, port: int = PORT, ended: float | None = None) -> None:
        """Connect, and send a request at each of these times. `ended`: when the task resets the connection."""
        self._port += 1
        ends = ((CLIENT, self._port), (address, port))
        self._send(at, ends, SYN)
        self._send(at, ends[::-1], SYN | ACK)
        for moment in requests:
            self._send(moment, ends, ACK, b"GET / HTTP/1.1\r\n\r\n")
            self._send(moment + 0.001, ends[::-1], ACK, b"HTTP/1.1 200 OK\r\n\r\n")
        if ended is not None:
            self._send(ended, ends[::-1], FIN | ACK)

    def refused(self, at: float, address: str, port: int = PORT) -> None:
        """Try to connect to an address at which nothing listens."""
        self._port += 1
        ends = ((CLIENT, self._port), (address, port))
        self._send(at, ends, SYN)
        self._send(at, ends[::-1], RST | ACK)

    def call(self, at: float, address: str) -> None:
        """Make one call by a new connection."""
        self.connect(at, address, at, ended=at + 0.01)

    def _send(self, at: float, ends: tuple[tuple[str, int], tuple[str, int]], flags: int, payload: bytes = b"") -> None:
        self.traffic.add(Packet(at, True, *ends, flags, payload))
