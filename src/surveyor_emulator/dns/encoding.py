"""Answers made into bytes ahead of time: what is left for each question is chance and a copy.

An ``Encoded`` answer fits every question with its name and type; a renderer fits one exact message but for its id.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import itemgetter
from random import Random
from struct import Struct

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import Answer, Row
from surveyor_emulator.aws.route53.rdata import TYPE_NUMBERS
from surveyor_emulator.aws.route53.rdata import encode as encode_value

from . import wire

__all__ = ["Encoded", "Envelope", "Renderer", "encode", "renderer"]

# Everything of a message behind its id.
Renderer = Callable[[], bytes]

_HEAD = Struct("!HHHHH")
_ID_SIZE = 2
_RCODES = {
    "NOERROR": wire.NOERROR,
    "SERVFAIL": wire.SERVFAIL,
    "NXDOMAIN": wire.NXDOMAIN,
    "REFUSED": wire.REFUSED,
}
# Up to so many records, every order is equally likely; above, a balanced selection of orders has to do.
_ALL_ORDERS = 5
_ORDERS = 64
_FEW = 8


@dataclass(frozen=True, slots=True)
class Encoded:
    """An answer's records in wire form; each option is (how many records, their bytes)."""

    rcode: int
    authoritative: bool
    rows: tuple[int, bytes]
    options: tuple[tuple[int, bytes], ...]
    limit: int
    weighted: tuple[tuple[int, Encoded], ...]
    authority: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the records: from the query, and from the server that answers it."""

    query_flags: int
    question: bytes
    # Our OPT record if the query had one.
    edns: bytes
    # The longest message that may be sent, in bytes.
    limit: int
    recursive: bool

    def head(self, encoded: Encoded, answers: int, *, short: bool = False) -> bytes:
        """The header without its id, and the question."""
        flags = wire.flags_of(
            self.query_flags, encoded.rcode, authoritative=encoded.authoritative, recursive=self.recursive
        )
        if short:
            return _HEAD.pack(wire.truncated(flags), 1, 0, 0, bool(self.edns)) + self.question
        return _HEAD.pack(flags, 1, answers, encoded.authority[0], bool(self.edns)) + self.question


def encode(answer: Answer, question: str, *, recursive: bool) -> Encoded:
    """The wire form of an answer to a question about this (canonical) name. Resolvers are authoritative for nothing."""
    return Encoded(
        rcode=_RCODES[answer.rcode],
        authoritative=answer.authoritative and not recursive,
        rows=_pack(answer.rows, question),
        options=tuple(_pack(option, question) for option in answer.shuffled),
        limit=answer.limit,
        weighted=tuple((weight, encode(option, question, recursive=recursive)) for weight, option in answer.weighted),
        authority=_pack(answer.authority, question),
    )


def renderer(encoded: Encoded, envelope: Envelope, chance: Random) -> Renderer:
    """What makes the message, behind its id, each time anew."""
    if encoded.weighted:
        return _by_weight(encoded, envelope, chance)
    rows = encoded.rows[1]
    tail = encoded.authority[1] + envelope.edns
    options, limit = encoded.options, min(encoded.limit, len(encoded.options))
    sizes = sorted((len(option) for _, option in options), reverse=True)
    head = envelope.head(encoded, 0)
    longest = _ID_SIZE + len(head) + len(rows) + sum(sizes[:limit]) + len(tail)
    if len({count for count, _ in options}) > 1:
        render = _uneven(encoded, envelope, chance, limit)
    else:
        count = encoded.rows[0] + (limit * options[0][0] if options else 0)
        head = envelope.head(encoded, count) + rows
        render = _even(head, [option for _, option in options], limit, tail, chance)
    if longest <= envelope.limit:
        return render
    return _cut(render, envelope.limit - _ID_SIZE, envelope.head(encoded, 0, short=True) + envelope.edns)


def _pack(rows: Sequence[Row], question: str) -> tuple[int, bytes]:
    return len(rows), b"".join(
        wire.resource(
            wire.POINTER_TO_QUESTION if row.owner == question else names.to_wire(row.owner),
            TYPE_NUMBERS[row.type],
            row.ttl,
            encode_value(row.type, row.value),
        )
        for row in rows
    )


def _even(head: bytes, options: list[bytes], limit: int, tail: bytes, chance: Random) -> Renderer:
    """Options with equally many records each, so that the header never changes."""
    size, random, join = len(options), chance.random, b"".join
    if size < 2:
        message = head + join(options[:limit]) + tail
        return lambda: message
    if size == limit <= _FEW:
        orders = _orders(size, chance)
        number = len(orders)
        return lambda: head + join(orders[int(random() * number)](options)) + tail
    places = range(limit)

    def some() -> bytes:
        # The beginning of a Fisher-Yates shuffle; that the list keeps its order from last time does no harm.
        for at in places:
            other = at + int(random() * (size - at))
            options[at], options[other] = options[other], options[at]
        return head + join(options[:limit]) + tail

    return some


def _uneven(encoded: Encoded, envelope: Envelope, chance: Random, limit: int) -> Renderer:
    """Options of which some hold more records than others: the header has to be made each time."""
    tail = encoded.authority[1] + envelope.edns

    def some() -> bytes:
        picked = chance.sample(encoded.options, limit)
        head = envelope.head(encoded, encoded.rows[0] + sum(count for count, _ in picked))
        return head + encoded.rows[1] + b"".join(option for _, option in picked) + tail

    return some


def _by_weight(encoded: Encoded, envelope: Envelope, chance: Random) -> Renderer:
    options = [renderer(option, envelope, chance) for _, option in encoded.weighted]
    bounds = list(accumulate(weight for weight, _ in encoded.weighted))
    total, random = bounds[-1], chance.random

    def one() -> bytes:
        return options[bisect_right(bounds, random() * total)]()

    return one


def _cut(render: Renderer, room: int, short: bytes) -> Renderer:
    """A message that does not fit says so and carries nothing (RFC 2181, 9)."""

    def fitting() -> bytes:
        message = render()
        return message if len(message) <= room else short

    return fitting


@cache
def _orders(size: int, chance: Random) -> Sequence[Callable[[Sequence[bytes]], tuple[bytes, ...]]]:
    """Ways to order so many options, each equally likely; every option is equally often at every place."""
    places = range(size)
    if size <= _ALL_ORDERS:
        return [itemgetter(*order) for order in itertools.permutations(places)]
    bases = [chance.sample(places, size) for _ in range(_ORDERS)]
    return [itemgetter(*base[turn:], *base[:turn]) for base in bases for turn in places]
