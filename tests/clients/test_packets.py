"""Reading frames, and following questions and connections."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.clients.packets import ACK, FIN, RST, SYN, Packet, read_frame
from surveyor.clients.traffic import Traffic
from tests.clients.traffic_of import NAME, Script


def frame(protocol: int, part: bytes, *, version: int = 4) -> bytes:
    """Return an Ethernet frame as a loopback interface has it."""
    if version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), 0, 0, 64, protocol, 0)
        head += socket.inet_aton("10.0.0.1") + socket.inet_aton("10.0.0.2")
    else:
        head = struct.pack("!IHBB", 6 << 28, len(part), protocol, 64)
        head += socket.inet_pton(socket.AF_INET6, "fd00::1") + socket.inet_pton(socket.AF_INET6, "fd00::2")
    return bytes(12) + struct.pack("!H", 0x0800 if version == 4 else 0x86DD) + head + part


def test_datagrams_and_segments_are_read() -> None:
    """Addresses, ports, flags and payload are those of the packet, for IPv4 and IPv6."""
    udp = struct.pack("!HHHH", 5_000, 53, 8 + 5, 0) + b"hello"
    tcp = struct.pack("!HHIIBBHHH", 5_001, 8_080, 0, 0, 6 << 4, SYN, 0, 0, 0) + bytes(4) + b"data"
    assert read_frame(frame(17, udp), 1.5) == Packet(1.5, False, ("10.0.0.1", 5_000), ("10.0.0.2", 53), 0, b"hello")
    assert read_frame(frame(6, tcp), 2.0) == Packet(2.0, True, ("10.0.0.1", 5_001), ("10.0.0.2", 8_080), SYN, b"data")
    found = read_frame(frame(17, udp, version=6), 0.0)
    assert found is not None
    assert (found.source, found.target) == (("fd00::1", 5_000), ("fd00::2", 53))
    assert read_frame(frame(1, b"ping"), 0.0) is None


@given(st.binary(max_size=80), st.sampled_from([b"\x08\x00", b"\x86\xdd", b"\x08\x06"]))
def test_anything_can_be_captured(data: bytes, kind: bytes) -> None:
    """A frame that is cut off or no packet at all is no error, and so is a message that is no DNS."""
    traffic = Traffic()
    packet = read_frame(bytes(12) + kind + data, 0.0)
    if packet is not None:
        traffic.add(packet)
    for is_tcp in (True, False):
        traffic.add(Packet(0.0, is_tcp, ("10.0.0.1", 1), ("10.0.0.2", 53), ACK, data))
        traffic.add(Packet(0.0, is_tcp, ("10.0.0.2", 53), ("10.0.0.1", 1), ACK, data))
    assert not traffic.connections or packet is not None


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_question_has_its_answer(*, over_tcp: bool) -> None:
    """Addresses, code and TTL belong to the question with the same port and id."""
    script = Script()
    script.ask(1.0, "172.31.0.9", kinds=("A", "AAAA"), over_tcp=over_tcp)
    script.ask(2.0, over_tcp=over_tcp)
    first, second, third = script.traffic.asked(f"{NAME.upper()}.")
    assert (first.kind, first.addresses, first.ttl, first.code) == ("A", ("172.31.0.9",), 5.0, "NOERROR")
    assert (second.kind, second.addresses) == ("AAAA", ())
    assert (third.code, third.addresses) == ("NXDOMAIN", ())
    assert {question.over for question in (first, second, third)} == {"tcp" if over_tcp else "udp"}


def test_connections_have_their_requests_and_their_end() -> None:
    """A refused one has never opened; retransmitted segments are tries of one connection."""
    script = Script()
    script.connect(1.0, "10.0.0.1", 1.0, 1.5, 2.0, ended=3.0)
    script.refused(4.0, "10.0.0.2")
    for at in (5.0, 6.0):
        script.traffic.add(Packet(at, True, ("10.0.0.9", 1), ("10.0.0.3", 80), SYN, b""))
    kept, refused, swallowed = script.traffic.connections
    assert (kept.requests, kept.ended, kept.ended_by, kept.failed) == ([1.0, 1.5, 2.0], 3.0, "task", False)
    assert (refused.failed, refused.refused) == (True, 4.0)
    assert (swallowed.failed, swallowed.refused, swallowed.tries) == (True, None, 2)


def test_what_is_not_the_clients_is_left_out() -> None:
    """Packets of the harness, connections on loopback, and segments of connections that began before."""
    traffic = Traffic(["127.87.0.1"])
    for source, target in (("127.87.0.1", "10.0.0.1"), ("10.0.0.2", "127.0.0.1"), ("127.87.0.1", "172.31.0.2")):
        traffic.add(Packet(0.0, True, (source, 5), (target, 80), SYN, b""))
    for flags in (ACK, FIN | ACK, RST, SYN | ACK):
        traffic.add(Packet(0.0, True, ("10.0.0.1", 80), ("10.0.0.2", 7), flags, b"data"))
    assert (traffic.connections, traffic.questions) == ([], [])
