"""From the bytes of a query to the bytes of its answer, for one server: what it has worked out once, it keeps.

Two memories, both emptied when the zones change: answers by name and type, and renderers by the exact message but for
its id, which is what most clients send again and again. Both are bounded, since anybody may ask for anything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random

from surveyor_emulator.aws.ec2 import vpcs
from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import Scope, resolve
from surveyor_emulator.aws.route53.published import published
from surveyor_emulator.aws.route53.rdata import TYPE_NAMES
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.world import World

from . import wire
from .encoding import Encoded, Envelope, Renderer, encode, renderer

__all__ = ["NameServer", "Resolver", "Responder"]

_KEPT_ANSWERS = 8_192
_KEPT_RENDERERS = 4_096
# Longer queries are answered, but not remembered.
_LONGEST_REMEMBERED = 512
_STREAM_LIMIT = 65_535
_ZONE_TRANSFERS = (251, 252)
_NO_QUESTION_TYPES = (0, 41)
_ANY = 255


class Responder(ABC):
    """What one server answers."""

    recursive: bool

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        # By all of a message but its id: what the fast path looks up.
        self.renderers: dict[bytes, Renderer] = {}
        self._answers: dict[tuple[tuple[bytes, ...], int], Encoded] = {}
        self._chance = chance
        self._published = published(world)
        self._mark: object = None
        self._layout: object = None
        self._scope: Scope | None = None

    @abstractmethod
    def _settings(self) -> object:
        """What the scope depends on besides the zones; compared by value."""

    @abstractmethod
    def _make_scope(self) -> Scope | None:
        """What is answered for; None while the server answers nothing."""

    def refresh(self) -> None:
        """Forget everything if anything has changed; to be called before each batch of queries."""
        settings = self._settings()
        mark = self._published.generation, settings
        if mark == self._mark:
            return
        self._mark = mark
        self.renderers.clear()
        self._answers.clear()
        layout = self._published.layout, settings
        if layout != self._layout:
            self._layout = layout
            self._scope = self._make_scope()

    def answer(self, data: bytes, *, stream: bool = False) -> bytes | None:
        """The reply to a message, None if there is to be none. ``stream``: it came over TCP."""
        try:
            query = wire.parse_query(data)
        except wire.Malformed as malformed:
            return malformed.reply
        if not query.standard:
            return wire.HEADER.pack(query.id, wire.flags_of(query.flags, wire.NOTIMP), 0, 0, 0, 0)
        render = self._renderer(query, _STREAM_LIMIT if stream else query.limit)
        if not stream and len(data) <= _LONGEST_REMEMBERED:
            if len(self.renderers) >= _KEPT_RENDERERS:
                self.renderers.clear()
            self.renderers[data[2:]] = render
        return data[:2] + render()

    def _renderer(self, query: wire.Query, limit: int) -> Renderer:
        rcode, encoded = wire.NOERROR, _refusal(wire.REFUSED)
        if query.version:
            rcode, encoded = wire.BADVERS, _refusal(wire.NOERROR)
        elif query.qtype in _NO_QUESTION_TYPES:
            encoded = _refusal(wire.FORMERR)
        elif query.qclass == wire.CLASS_IN and query.qtype not in _ZONE_TRANSFERS and self._scope is not None:
            encoded = self._encoded(self._scope, query)
        edns = wire.opt_record(rcode) if query.edns else b""
        envelope = Envelope(query.flags, query.question, edns, limit, self.recursive)
        return renderer(encoded, envelope, self._chance)

    def _encoded(self, scope: Scope, query: wire.Query) -> Encoded:
        labels = tuple(label.lower() for label in query.labels)
        known = self._answers.get((labels, query.qtype))
        if known is not None:
            return known
        name = names.from_labels(labels)
        kind = "ANY" if query.qtype == _ANY else TYPE_NAMES.get(query.qtype, f"TYPE{query.qtype}")
        encoded = encode(resolve(scope, name, kind), name, recursive=self.recursive)
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.clear()
        self._answers[labels, query.qtype] = encoded
        return encoded


class NameServer(Responder):
    """The name servers of all public zones."""

    recursive = False

    def _settings(self) -> object:
        return None

    def _make_scope(self) -> Scope:
        return Scope(self.world, {}, self._published.public(), recursive=False)


class Resolver(Responder):
    """The resolver of one VPC: its private zones before all public ones.

    Private zones need both of the VPC's DNS settings (Route 53 Developer Guide, "Considerations when working with a
    private hosted zone"); without ``enableDnsSupport`` the VPC has no resolver at all (Amazon VPC User Guide, "DNS
    attributes for your VPC"), which shows here as REFUSED rather than as silence.
    """

    recursive = True

    def __init__(self, world: World, chance: Random, account: str, vpc: VpcKey) -> None:
        super().__init__(world, chance)
        self._account = account
        self._vpc = vpc

    def _settings(self) -> tuple[bool, bool]:

        vpc = vpcs(self.world, self._account, self._vpc.region).get(self._vpc.id)
        return (vpc.dns_support, vpc.dns_hostnames) if vpc else (False, False)

    def _make_scope(self) -> Scope | None:
        support, hostnames = self._settings()
        if not support:
            return None
        private = self._published.private(self._vpc) if hostnames else {}
        return Scope(self.world, private, self._published.public(self._account), recursive=True)


def _refusal(rcode: int) -> Encoded:
    return Encoded(rcode, False, (0, b""), (), 0, (), (0, b""))
