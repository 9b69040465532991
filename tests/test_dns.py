"""Queries to a DNS server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rrset
import pytest

from surveyor.dns import DnsAddress, query_server
from surveyor.errors import NoAnswer
from surveyor.evidence import Evidence


def reply(question: bytes, count: int, *, truncated: bool = False) -> bytes:
    """Return an answer with `count` addresses, or an empty one with the truncation flag."""
    message = dns.message.make_response(dns.message.from_wire(question))
    if truncated:
        message.flags |= dns.flags.TC
    else:
        addresses = [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(count)]
        message.answer.append(dns.rrset.from_text_list(message.question[0].name, 10, "IN", "A", addresses))
    return message.to_wire(max_size=65535)


@pytest.fixture
def truncating() -> Iterator[DnsAddress]:
    """Provide a server that answers over UDP with the truncation flag only, over TCP with 200 addresses."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        tcp.listen()

        def serve() -> None:
            question, client = udp.recvfrom(512)
            udp.sendto(reply(question, 0, truncated=True), client)
            connection, _ = tcp.accept()
            with connection:
                length = int.from_bytes(connection.recv(2))
                answer = reply(connection.recv(length), 200)
                connection.sendall(len(answer).to_bytes(2) + answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield DnsAddress(*tcp.getsockname())
        thread.join(5)


def test_a_truncated_answer_is_requested_again_over_tcp(truncating: DnsAddress) -> None:
    """An answer that does not fit into a datagram arrives complete, and is recorded as evidence."""
    evidence = Evidence(lambda: 0.0)
    answer = query_server("web.example.com", "A", truncating, evidence=evidence)
    assert len(answer.answer[0]) == 200
    assert evidence.entries()[0].get("question") == "web.example.com A"


def test_a_lost_datagram_is_sent_again() -> None:
    """A question that gets lost is sent a second time, and the answer to it is returned."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))

        def serve() -> None:
            udp.recvfrom(512)
            question, client = udp.recvfrom(512)
            udp.sendto(reply(question, 1), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert len(query_server("web.example.com", "A", DnsAddress(*udp.getsockname()), timeout=0.2).answer[0]) == 1
        thread.join(5)


def test_a_silent_server_is_a_failure_with_evidence() -> None:
    """A server that does not answer fails the test with the same message each time."""
    evidence = Evidence(lambda: 0.0)
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match=r"expected an answer to web\.example\.com A") as failure:
            query_server("web.example.com", "A", DnsAddress(*silent.getsockname()), timeout=0.05, evidence=evidence)
    assert failure.value.actual == "dns: no answer"
    assert str(evidence.entries()[0].get("answer")).startswith("no answer")
