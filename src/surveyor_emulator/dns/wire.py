"""Parse queries in wire form, and build the parts of answers (RFC 1035, 4; RFC 6891).

Written by hand because it runs a hundred thousand times a second, and strict because clients may send anything: every
length is checked before use, and compression pointers are never followed, only skipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = [
    "BADVERS",
    "CLASS_IN",
    "FORMERR",
    "HEADER",
    "MAX_UDP_BYTES",
    "NOERROR",
    "NOTIMP",
    "NXDOMAIN",
    "REFUSED",
    "SERVFAIL",
    "MalformedQuery",
    "Query",
    "opt_record",
    "pack_record",
    "parse_query",
    "pointer_into_question",
    "response_flags",
    "set_truncated",
]

HEADER = struct.Struct("!HHHHHH")
_QUESTION_TAIL = struct.Struct("!HH")
_RECORD_HEAD = struct.Struct("!HHIH")
_OPTION_HEAD = struct.Struct("!HH")

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
BADVERS = 16
CLASS_IN = 1
_TYPE_OPT = 41

_QR, _AA, _TC, _RD, _RA, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
_OPCODE = 0x7800
_DO = 0x8000  # of an OPT record

# The limit of a client without EDNS (RFC 1035, 4.2.1), and the maximum of answers over UDP: "responses up to 4096 bytes
# over UDP, without truncation" (Route 53 Developer Guide, "DNS constraints and behaviors").
MIN_UDP_LIMIT = 512
MAX_UDP_BYTES = 4096
# The size of queries that servers promise to accept (dnsflagday.net, 2020).
_ACCEPTED_BYTES = 1232
_MAX_NAME_BYTES = 255
_MAX_LABEL_BYTES = 63
_POINTER = 0xC0


@dataclass(frozen=True, slots=True)
class Query:
    """One well-formed query. ``question``: its only question as sent; ``limit``: its sender's limit over UDP, bytes.

    ``dnssec``: its sender understands records of DNSSEC (the DO bit).
    """

    flags: int
    question: bytes
    labels: tuple[bytes, ...]
    qtype: int
    qclass: int
    edns: bool
    version: int
    limit: int
    dnssec: bool


class MalformedQuery(Exception):
    """The message is not a well-formed standard query; ``reply`` is the error response, None to send nothing."""

    def __init__(self, reply: bytes | None) -> None:
        super().__init__("not a well-formed query")
        self.reply = reply


def parse_query(data: bytes) -> Query:
    """Return the query in a message. Raise MalformedQuery otherwise, without a reply to a response or half a header."""
    if len(data) < HEADER.size:
        raise MalformedQuery(None)
    query_id, flags, questions, *records = HEADER.unpack_from(data)
    if flags & _QR:
        raise MalformedQuery(None)
    # QUERY is the only opcode that is implemented.
    rcode = NOTIMP if flags & _OPCODE else FORMERR
    refusal = HEADER.pack(query_id, response_flags(flags, rcode), 0, 0, 0, 0)
    if rcode == NOTIMP or questions != 1:
        raise MalformedQuery(refusal)
    try:
        labels, at = _read_name(data, HEADER.size)
        qtype, qclass = _QUESTION_TAIL.unpack_from(data, at)
        at += _QUESTION_TAIL.size
        edns, version, limit, dnssec = _read_records(data, at, sum(records))
    except (ValueError, struct.error, IndexError):
        raise MalformedQuery(refusal) from None
    return Query(flags, data[HEADER.size : at], labels, qtype, qclass, edns, version, limit, dnssec)


def response_flags(query_flags: int, rcode: int, *, authoritative: bool = False, recursive: bool = False) -> int:
    """Return the flags of a response; opcode, RD and CD are the query's (RFC 1035, 4.1.1; RFC 4035, 3.2.2)."""
    flags = _QR | query_flags & (_OPCODE | _RD | _CD) | rcode & 0xF
    return flags | (_AA if authoritative else 0) | (_RA if recursive else 0)


def set_truncated(flags: int) -> int:
    """Return the flags with TC set: the answer did not fit."""
    return flags | _TC


def pointer_into_question(offset: int) -> bytes:
    """Return a pointer into the name of the question, which follows the header directly (RFC 1035, 4.1.4)."""
    return (_POINTER << 8 | HEADER.size + offset).to_bytes(2, "big")


def pack_record(owner: bytes, kind: int, ttl: int, rdata: bytes) -> bytes:
    """Return one resource record of class IN in wire form."""
    return owner + _RECORD_HEAD.pack(kind, CLASS_IN, ttl, len(rdata)) + rdata


def opt_record(rcode: int = NOERROR, *, dnssec: bool = False) -> bytes:
    """Return the server's OPT record, with the upper bits of an extended rcode (RFC 6891, 6.1).

    The DO bit is that of the query (RFC 3225, 3), although no zone here is signed.
    """
    return b"\0" + _RECORD_HEAD.pack(_TYPE_OPT, _ACCEPTED_BYTES, rcode >> 4 << 24 | (_DO if dnssec else 0), 0)


def _read_name(data: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    """Return the labels of an uncompressed name, and its end."""
    start = at
    labels = []
    while length := data[at]:
        if length > _MAX_LABEL_BYTES:
            raise ValueError("a label is longer than 63 bytes, or a compression pointer precedes all names")
        at += 1 + length
        labels.append(data[at - length : at])
        if at - start >= _MAX_NAME_BYTES:
            raise ValueError("the name is longer than 255 bytes")
    return tuple(labels), at + 1


def _skip_name(data: bytes, at: int) -> int:
    """Return the end of a name that may be compressed."""
    while length := data[at]:
        if length >= _POINTER:
            return at + 2
        if length > _MAX_LABEL_BYTES:
            raise ValueError("a label is longer than 63 bytes")
        at += 1 + length
    return at + 1


def _read_records(data: bytes, at: int, count: int) -> tuple[bool, int, int, bool]:
    """Return whether there is an OPT record, its version, its sender's limit and DO bit; skip all other records."""
    edns, version, limit, dnssec = False, 0, MIN_UDP_LIMIT, False
    for _ in range(count):
        is_root = data[at] == 0
        at = _skip_name(data, at)
        kind, size, ttl, length = _RECORD_HEAD.unpack_from(data, at)
        at += _RECORD_HEAD.size + length
        if kind == _TYPE_OPT:
            if edns or not is_root:
                raise ValueError("a message has at most one OPT record, owned by the root")
            edns, version, dnssec = True, ttl >> 16 & 0xFF, bool(ttl & _DO)
            if version == 0:
                _check_options(data[at - length : at])
            limit = min(max(size, MIN_UDP_LIMIT), MAX_UDP_BYTES)
    if at != len(data):
        raise ValueError("the message ends before or after its last record")
    return edns, version, limit, dnssec


def _check_options(rdata: bytes) -> None:
    """Raise ValueError unless the options fill an OPT record exactly (RFC 6891, 6.1.2)."""
    at = 0
    while at < len(rdata):
        _, length = _OPTION_HEAD.unpack_from(rdata, at)
        at += _OPTION_HEAD.size + length
    if at != len(rdata):
        raise ValueError("an option is longer than its OPT record")
