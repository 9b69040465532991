"""Questions as they stand on the wire, and the parts of answers (RFC 1035, 4; RFC 6891).

Written by hand because it runs a hundred thousand times a second, and strict because anybody may send anything: every
length is checked before use, and compression pointers are never followed, only stepped over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = [
    "BADVERS",
    "CLASS_IN",
    "FORMERR",
    "HEADER",
    "NOERROR",
    "NOTIMP",
    "NXDOMAIN",
    "POINTER_TO_QUESTION",
    "REFUSED",
    "SERVFAIL",
    "Malformed",
    "Query",
    "flags_of",
    "opt_record",
    "parse_query",
    "resource",
    "truncated",
]

HEADER = struct.Struct("!HHHHHH")
_QUESTION_TAIL = struct.Struct("!HH")
_RECORD_HEAD = struct.Struct("!HHIH")

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
BADVERS = 16
CLASS_IN = 1
_TYPE_OPT = 41

_QR, _AA, _TC, _RD, _RA, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
_OPCODE = 0x7800

# The question stands right behind the header, so its name can be pointed to.
POINTER_TO_QUESTION = b"\xc0\x0c"
# What a client without EDNS takes (RFC 1035, 4.2.1), and what answers over UDP never exceed (dnsflagday.net, 2020).
SMALLEST_LIMIT = 512
_LARGEST_UDP = 1232
_LONGEST_NAME = 255
_LONGEST_LABEL = 63
_POINTER = 0xC0
# What every header has, down to the byte that says whether the message is a query.
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Query:
    """One well-formed query. ``question`` is its one question as sent; ``limit`` what its sender takes over UDP."""

    id: int
    flags: int
    question: bytes
    labels: tuple[bytes, ...]
    qtype: int
    qclass: int
    edns: bool = False
    version: int = 0
    limit: int = SMALLEST_LIMIT

    @property
    def standard(self) -> bool:
        """Whether the opcode is QUERY, the only one that is implemented."""
        return not self.flags & _OPCODE


class Malformed(Exception):
    """Not a query that can be answered; ``reply`` is what to send instead, None for nothing."""

    def __init__(self, reply: bytes | None) -> None:
        super().__init__("no well-formed query")
        self.reply = reply


def parse_query(data: bytes) -> Query:
    """The query in a message. Raises Malformed for everything else, with a reply unless it might be a response."""
    if len(data) < _LEAST or data[2] & 0x80:
        raise Malformed(None)
    if len(data) < HEADER.size:
        raise Malformed(HEADER.pack(int.from_bytes(data[:2], "big"), _QR | FORMERR, 0, 0, 0, 0))
    query_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(data)
    if flags & _OPCODE:
        return Query(query_id, flags, b"", (), 0, CLASS_IN)
    refusal = HEADER.pack(query_id, flags_of(flags, FORMERR), 0, 0, 0, 0)
    if questions != 1 or answers or authorities:
        raise Malformed(refusal)
    try:
        labels, at = _read_name(data, HEADER.size)
        qtype, qclass = _QUESTION_TAIL.unpack_from(data, at)
        at += _QUESTION_TAIL.size
        edns, version, limit = _read_additionals(data, at, additionals)
    except (ValueError, struct.error, IndexError):
        raise Malformed(refusal) from None
    return Query(query_id, flags, data[HEADER.size : at], labels, qtype, qclass, edns, version, limit)


def flags_of(query_flags: int, rcode: int, *, authoritative: bool = False, recursive: bool = False) -> int:
    """The second word of an answer's header: opcode, RD and CD are the query's (RFC 1035, 4.1.1; RFC 4035, 3.2.2)."""
    flags = _QR | query_flags & (_OPCODE | _RD | _CD) | rcode & 0xF
    return flags | (_AA if authoritative else 0) | (_RA if recursive else 0)


def truncated(flags: int) -> int:
    """The same word, saying that the answer did not fit."""
    return flags | _TC


def resource(owner: bytes, kind: int, ttl: int, rdata: bytes) -> bytes:
    """One resource record of class IN."""
    return owner + _RECORD_HEAD.pack(kind, CLASS_IN, ttl, len(rdata)) + rdata


def opt_record(rcode: int = NOERROR) -> bytes:
    """Our OPT record, with the upper bits of an extended rcode (RFC 6891, 6.1)."""
    return b"\0" + _RECORD_HEAD.pack(_TYPE_OPT, _LARGEST_UDP, rcode >> 4 << 24, 0)


def _read_name(data: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    """The labels of an uncompressed name, and where it ends."""
    start = at
    labels = []
    while length := data[at]:
        if length > _LONGEST_LABEL:
            raise ValueError("a label is longer than 63 bytes, or a pointer where there is nothing to point to")
        at += 1 + length
        labels.append(data[at - length : at])
        if at - start >= _LONGEST_NAME:
            raise ValueError("the name is longer than 255 bytes")
    return tuple(labels), at + 1


def _skip_name(data: bytes, at: int) -> int:
    """Where a name ends that may be compressed."""
    start = at
    while length := data[at]:
        if length >= _POINTER:
            return at + 2
        if length > _LONGEST_LABEL or at - start >= _LONGEST_NAME:
            raise ValueError("a label is longer than 63 bytes, or the name longer than 255")
        at += 1 + length
    return at + 1


def _read_additionals(data: bytes, at: int, count: int) -> tuple[bool, int, int]:
    """Whether there is an OPT record, its version, and its sender's limit; everything else is stepped over."""
    edns, version, limit = False, 0, SMALLEST_LIMIT
    for _ in range(count):
        is_root = data[at] == 0
        at = _skip_name(data, at)
        kind, size, ttl, length = _RECORD_HEAD.unpack_from(data, at)
        at += _RECORD_HEAD.size + length
        if at > len(data):
            raise ValueError("a record ends behind the message")
        if kind == _TYPE_OPT:
            if edns or not is_root:
                raise ValueError("a message has at most one OPT record, owned by the root")
            edns, version = True, ttl >> 16 & 0xFF
            limit = min(max(size, SMALLEST_LIMIT), _LARGEST_UDP)
    if at != len(data):
        raise ValueError("bytes behind the message")
    return edns, version, limit
