"""Queries of dnspython are parsed, everything else is refused without harm."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.dns import wire

NAMES = (
    st.lists(st.binary(min_size=1, max_size=63), max_size=5)
    .filter(lambda labels: sum(len(label) + 1 for label in labels) < 255)
    .map(lambda labels: dns.name.Name([*labels, b""]))
)
TYPES = st.integers(1, 65535).filter(lambda number: number not in (41, 250))


@st.composite
def queries(draw: st.DrawFn) -> dns.message.QueryMessage:
    """Generate any query that dnspython can create."""
    query = dns.message.make_query(
        draw(NAMES),
        dns.rdatatype.RdataType.make(draw(TYPES)),
        dns.rdataclass.RdataClass.make(draw(st.integers(1, 65534))),
        id=draw(st.integers(0, 65535)),
    )
    query.flags = dns.flags.Flag(draw(st.sampled_from([0, dns.flags.RD, dns.flags.CD | dns.flags.RD, dns.flags.AD])))
    if draw(st.booleans()):
        cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, draw(st.binary(max_size=40)))
        options: list[dns.edns.Option] = [cookie] if draw(st.booleans()) else []
        flags = draw(st.sampled_from([0, dns.flags.DO]))
        query.use_edns(draw(st.integers(0, 255)), flags, payload=draw(st.integers(0, 65535)), options=options)
    return query


@given(queries())
def test_queries_of_dnspython_are_parsed(query: dns.message.QueryMessage) -> None:
    """Every part of a query has the value that dnspython set."""
    data = query.to_wire()
    read = wire.parse_query(data)
    question = query.question[0]
    assert read.flags == int(query.flags)
    assert dns.name.Name([*read.labels, b""]) == question.name
    assert (read.qtype, read.qclass) == (question.rdtype, question.rdclass)
    assert data[12:].startswith(read.question)
    assert len(read.question) == len(question.name.to_wire() or b"") + 4
    assert read.edns is (query.edns >= 0)
    assert read.version == max(query.edns, 0)
    assert read.dnssec is bool(query.ednsflags & dns.flags.DO)
    assert read.limit == (min(max(query.payload, 512), 4096) if read.edns else 512)


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Only MalformedQuery is raised, and without a reply if the message may be a response."""
    check(data)


@given(queries(), st.data())
def test_any_damaged_query_is_read_or_refused(query: dns.message.QueryMessage, data: st.DataObject) -> None:
    """Queries with changed, removed or added bytes are read or refused."""
    packet = bytearray(query.to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(packet)))
    check(bytes(packet[:end]) + data.draw(st.binary(max_size=20)))


def check(data: bytes) -> None:
    """Check that parsing yields a query whose question is in the data, a reply that dnspython can read, or no reply."""
    try:
        query = wire.parse_query(data)
    except wire.MalformedQuery as malformed:
        if malformed.reply is None:
            assert len(data) < 12 or data[2] & 0x80
        else:
            reply = dns.message.from_wire(malformed.reply)
            assert reply.rcode() == (dns.rcode.NOTIMP if data[2] & 0x78 else dns.rcode.FORMERR)
            assert reply.id == int.from_bytes(data[:2], "big")
    else:
        assert not data[2] & 0x80
        assert data[12 : 12 + len(query.question)] == query.question


def test_other_opcodes_are_recognised() -> None:
    """A message with another opcode than QUERY is answered with NOTIMP."""
    notify = dns.message.make_query("example.com", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    with pytest.raises(wire.MalformedQuery) as refused:
        wire.parse_query(notify.to_wire())
    assert refused.value.reply is not None
    assert dns.message.from_wire(refused.value.reply).rcode() == dns.rcode.NOTIMP


HEADER = bytes.fromhex("abcd 0100 0001 0000 0000 0000")
QUESTION = b"\x01a\0\0\x01\0\x01"
OPT = bytes.fromhex("00 0029 04d0 00000000 0000")


@pytest.mark.parametrize(
    "data",
    [
        HEADER,
        HEADER + QUESTION[:-1],
        HEADER + b"\xc0\x0c\0\x01\0\x01",
        HEADER + b"\x01a\xc0\x0c\0\x01\0\x01",
        HEADER + b"\x40" + b"a" * 64 + b"\0\0\x01\0\x01",
        HEADER + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\x01\0\x01",
        HEADER + QUESTION + b"more",
        HEADER[:4] + bytes(2) + HEADER[6:] + QUESTION,
        HEADER[:4] + b"\0\2" + HEADER[6:] + QUESTION + QUESTION,
        HEADER[:6] + b"\0\1" + HEADER[8:] + QUESTION,
        HEADER[:8] + b"\0\1" + HEADER[10:] + QUESTION,
        HEADER[:10] + b"\0\1" + QUESTION,
        HEADER[:10] + b"\0\1" + QUESTION + OPT[:-1],
        HEADER[:10] + b"\0\1" + QUESTION + OPT[:-1] + b"\1",
        HEADER[:10] + b"\0\2" + QUESTION + OPT + OPT,
        HEADER[:10] + b"\0\1" + QUESTION + b"\x01a" + OPT,
        HEADER[:10] + b"\xff\xff" + QUESTION + OPT,
    ],
)
def test_malformed_queries_are_format_errors(data: bytes) -> None:
    """Truncated names, pointers, too long labels and names, invalid counts and records are format errors."""
    with pytest.raises(wire.MalformedQuery) as refused:
        wire.parse_query(data)
    assert refused.value.reply is not None
    assert dns.message.from_wire(refused.value.reply).rcode() == dns.rcode.FORMERR


@pytest.mark.parametrize(
    "data", [b"", b"\xab", b"\xab\xcd", b"\xab\xcd\x80", HEADER[:2] + b"\x81" + HEADER[3:] + QUESTION]
)
def test_responses_and_scraps_are_not_answered(data: bytes) -> None:
    """Responses get no reply, so that two servers cannot answer each other for ever."""
    with pytest.raises(wire.MalformedQuery) as refused:
        wire.parse_query(data)
    assert refused.value.reply is None


def test_other_additional_records_are_skipped() -> None:
    """Records other than OPT are skipped, also with a compressed name."""
    extra = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01"
    assert wire.parse_query(HEADER[:10] + b"\0\2" + QUESTION + extra + OPT).edns


@given(NAMES, st.integers(1, 65535), st.integers(0, 2**31 - 1), st.binary(max_size=100))
def test_dnspython_reads_packed_records(owner: dns.name.Name, kind: int, ttl: int, rdata: bytes) -> None:
    """dnspython reads the owner, TTL and data that were packed."""
    packed = wire.pack_record(owner.to_wire() or b"", 65280, ttl, rdata)
    message = dns.message.from_wire(HEADER[:4] + bytes(2) + b"\0\1" + bytes(4) + packed)
    found = message.answer[0]
    assert (found.name, found.ttl) == (owner, ttl)
    assert found[0].to_wire() == rdata


def test_a_header_copies_flags_of_the_query() -> None:
    """RD and CD are copied from the query, AA and RA are set by the server, AD and Z are never set."""
    assert wire.response_flags(0x0110, wire.NXDOMAIN) == 0x8113
    assert wire.response_flags(0x0020, wire.NOERROR, authoritative=True) == 0x8400
    assert wire.response_flags(0x0000, wire.NOERROR, recursive=True) == 0x8080
    assert wire.set_truncated(wire.response_flags(0, 0)) == 0x8200


def test_the_opt_record_can_be_read() -> None:
    """It announces the maximum answer over UDP, and carries the upper bits of an rcode."""
    message = dns.message.from_wire(HEADER[:10] + b"\0\1" + QUESTION + wire.opt_record(wire.BADVERS))
    assert (message.edns, message.payload, message.rcode()) == (0, 1232, dns.rcode.BADVERS)


@pytest.mark.parametrize(
    "options",
    [b"\0", b"\0\x0a\0", b"\0\x0a\0\1", b"\0\x0a\0\x09eightate", b"\0\x0a\xff\xff" + b"a" * 40, b"\0\x0a\0\1ab"],
    ids=["half a code", "no length", "no data", "one byte short", "64 kB", "one byte left"],
)
def test_an_option_that_lies_about_its_length_is_refused(options: bytes) -> None:
    """The options must fill their record exactly; with another version of EDNS they are not read."""
    head, record = HEADER[:10] + b"\0\1" + QUESTION, b"\0\0\x29\x04\xd0\0%b\0\0" + len(options).to_bytes(2, "big")
    with pytest.raises(wire.MalformedQuery) as refused:
        wire.parse_query(head + record.replace(b"%b", b"\0") + options)
    assert refused.value.reply is not None
    assert dns.message.from_wire(refused.value.reply, ignore_trailing=True).rcode() == dns.rcode.FORMERR
    assert wire.parse_query(head + record.replace(b"%b", b"\1") + options).version == 1
