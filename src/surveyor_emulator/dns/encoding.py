"""Encode answers to bytes ahead of time, so that each question only needs a random choice and a copy.

An ``EncodedAnswer`` serves every question with its name and type; a renderer serves one exact message except its id.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from operator import itemgetter
from random import Random
from struct import Struct

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import DnsAnswer, DnsRecord
from surveyor_emulator.aws.route53.rdata import TYPE_NUMBERS
from surveyor_emulator.aws.route53.rdata import encode as encode_value
from surveyor_emulator.aws.route53.sections import cited_name

from . import wire

__all__ = ["EncodedAnswer", "Envelope", "Renderer", "encode", "make_renderer"]

# A function that returns a message without its id.
Renderer = Callable[[], bytes]

_HEAD = Struct("!HHHHH")
_ID_SIZE = 2
_RCODES = {
    "NOERROR": wire.NOERROR,
    "SERVFAIL": wire.SERVFAIL,
    "NXDOMAIN": wire.NXDOMAIN,
    "REFUSED": wire.REFUSED,
}
# Up to this number of records, every order is equally likely; above it, a balanced selection of orders is used.
_ALL_ORDERS = 5
_ORDERS = 64
_MAX_PRECOMPUTED = 8


@dataclass(frozen=True, slots=True)
class EncodedAnswer:
    """An answer's records in wire form; each group is (number of records, their bytes).

    ``additional`` has the group of the fixed records, then one for each option; empty if all would be. Authority and
    additional sections that are ``optional`` are left out of a message that would be too long (RFC 2181, 9).
    """

    rcode: int
    authoritative: bool
    fixed: tuple[int, bytes]
    options: tuple[tuple[int, bytes], ...]
    limit: int
    weighted: tuple[tuple[int, EncodedAnswer], ...]
    authority: tuple[int, bytes]
    additional: tuple[tuple[int, bytes], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of a message other than the records: from the query, and from the server that answers it."""

    query_flags: int
    question: bytes
    # The server's OPT record if the query had one, else empty.
    edns: bytes
    # The maximum length of the message, in bytes.
    limit: int
    recursive: bool

    def head(self, encoded: EncodedAnswer, answers: int, additional: int = 0, *, short: bool = False) -> bytes:
        """Return the header without its id, and the question; ``short``: a truncated message without records."""
        flags = wire.response_flags(
            self.query_flags, encoded.rcode, authoritative=encoded.authoritative, recursive=self.recursive
        )
        if short:
            return _HEAD.pack(wire.set_truncated(flags), 1, 0, 0, bool(self.edns)) + self.question
        return _HEAD.pack(flags, 1, answers, encoded.authority[0], additional + bool(self.edns)) + self.question


def encode(answer: DnsAnswer, question: str, *, recursive: bool) -> EncodedAnswer:
    """Return the wire form of an answer to a question about a canonical name. A resolver is never authoritative."""
    groups = answer.fixed, *answer.shuffled
    additional = tuple(_pack(_cited(answer, group), question) for group in groups) if answer.additional else ()
    return EncodedAnswer(
        rcode=_RCODES[answer.rcode],
        authoritative=answer.authoritative and not recursive,
        fixed=_pack(answer.fixed, question),
        options=tuple(_pack(option, question) for option in answer.shuffled),
        limit=answer.limit,
        weighted=tuple((weight, encode(option, question, recursive=recursive)) for weight, option in answer.weighted),
        authority=_pack(answer.authority, question),
        additional=additional,
        optional=any(groups) and all(record.type == "NS" for record in answer.authority),
    )


def make_renderer(encoded: EncodedAnswer, envelope: Envelope, generator: Random) -> Renderer:
    """Return a function that renders the message without its id, with a new random choice for each call."""
    if encoded.weighted:
        return _by_weight(encoded, envelope, generator)
    encoded = _fit(encoded, envelope)
    tail = encoded.authority[1] + envelope.edns
    options, limit = encoded.options, min(encoded.limit, len(encoded.options))
    if encoded.additional or len({count for count, _ in options}) > 1:
        render = _uneven(encoded, envelope, generator, limit)
    else:
        count = encoded.fixed[0] + (limit * options[0][0] if options else 0)
        head = envelope.head(encoded, count) + encoded.fixed[1]
        render = _even(head, [option for _, option in options], limit, tail, generator)
    if _longest(encoded, envelope) <= envelope.limit:
        return render
    return _truncate(render, envelope.limit - _ID_SIZE, envelope.head(encoded, 0, short=True) + envelope.edns)


def _fit(encoded: EncodedAnswer, envelope: Envelope) -> EncodedAnswer:
    """Leave out optional sections that might make the message too long, the additional section first."""
    if encoded.optional and _longest(encoded, envelope) > envelope.limit:
        encoded = replace(encoded, additional=())
        if _longest(encoded, envelope) > envelope.limit:
            return replace(encoded, authority=(0, b""))
    return encoded


def _longest(encoded: EncodedAnswer, envelope: Envelope) -> int:
    """Return a length that no message of this answer exceeds."""
    fixed = (
        encoded.fixed[1] + encoded.authority[1] + envelope.edns + b"".join(part for _, part in encoded.additional[:1])
    )
    sizes = sorted((len(option) for _, option in encoded.options), reverse=True)
    more = sorted((len(addresses) for _, addresses in encoded.additional[1:]), reverse=True)
    return (
        _ID_SIZE
        + len(envelope.head(encoded, 0))
        + len(fixed)
        + sum(sizes[: encoded.limit])
        + sum(more[: encoded.limit])
    )


def _cited(answer: DnsAnswer, group: Sequence[DnsRecord]) -> list[DnsRecord]:
    """Return the additional records of the names that a group of records cites."""
    cited = {cited_name(record) for record in group}
    return [record for record in answer.additional if record.owner in cited]


def _pack(records: Sequence[DnsRecord], question: str) -> tuple[int, bytes]:
    return len(records), b"".join(
        wire.pack_record(
            _owner(record.owner, question),
            TYPE_NUMBERS[record.type],
            record.ttl,
            encode_value(record.type, record.value),
        )
        for record in records
    )


def _owner(name: str, question: str) -> bytes:
    """Return an owner's name in wire form: a pointer into the question if its name ends with this one."""
    if name == names.ROOT or not names.is_within(question, name):
        return names.to_wire(name)
    return wire.pointer_into_question(len(names.to_wire(question)) - len(names.to_wire(name)))


def _even(head: bytes, options: list[bytes], limit: int, tail: bytes, generator: Random) -> Renderer:
    """Return a renderer for options with the same number of records each, so that the header never changes."""
    size, random, join = len(options), generator.random, b"".join
    if size < 2:
        message = head + join(options[:limit]) + tail
        return lambda: message
    if size == limit <= _MAX_PRECOMPUTED:
        orders = _orders(size, generator)
        number = len(orders)
        return lambda: head + join(orders[int(random() * number)](options)) + tail
    positions = range(limit)

    def render() -> bytes:
        # A partial Fisher-Yates shuffle; it is correct whatever order the list had before.
        for position in positions:
            other = position + int(random() * (size - position))
            options[position], options[other] = options[other], options[position]
        return head + join(options[:limit]) + tail

    return render


def _uneven(encoded: EncodedAnswer, envelope: Envelope, generator: Random, limit: int) -> Renderer:
    """Return a renderer that builds the header for each message: options differ in their numbers of records."""
    tail = encoded.authority[1]
    none = [(0, b"")] * (len(encoded.options) + 1)
    (more, addresses), *additional = encoded.additional or none
    pairs = list(zip(encoded.options, additional, strict=True))

    def render() -> bytes:
        picked = generator.sample(pairs, limit)
        answers = encoded.fixed[0] + sum(count for (count, _), _ in picked)
        head = envelope.head(encoded, answers, more + sum(count for _, (count, _) in picked))
        records = b"".join(option for (_, option), _ in picked)
        return (
            head
            + encoded.fixed[1]
            + records
            + tail
            + addresses
            + b"".join(part for _, (_, part) in picked)
            + envelope.edns
        )

    return render


def _by_weight(encoded: EncodedAnswer, envelope: Envelope, generator: Random) -> Renderer:
    options = [make_renderer(option, envelope, generator) for _, option in encoded.weighted]
    bounds = list(accumulate(weight for weight, _ in encoded.weighted))
    total, random = bounds[-1], generator.random

    def render() -> bytes:
        return options[bisect_right(bounds, random() * total)]()

    return render


def _truncate(render: Renderer, limit: int, short: bytes) -> Renderer:
    """Return a renderer that replaces a message longer than ``limit`` by ``short``, without records (RFC 2181, 9)."""

    def render_or_truncate() -> bytes:
        message = render()
        return message if len(message) <= limit else short

    return render_or_truncate


@cache
def _orders(size: int, generator: Random) -> Sequence[Callable[[Sequence[bytes]], tuple[bytes, ...]]]:
    """Return functions that order ``size`` options; each option is equally often in each position."""
    positions = range(size)
    if size <= _ALL_ORDERS:
        return [itemgetter(*order) for order in itertools.permutations(positions)]
    bases = [generator.sample(positions, size) for _ in range(_ORDERS)]
    return [itemgetter(*base[shift:], *base[:shift]) for base in bases for shift in positions]
