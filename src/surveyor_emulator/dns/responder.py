"""Turn the bytes of a query into the bytes of its answer, for one server.

Two caches, both cleared when the zones change: answers by name and type, and renderers by the exact message except its
id, since most clients repeat the same messages. Both are bounded, since clients may ask for anything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import ResolutionScope, resolve
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.rdata import TYPE_NAMES
from surveyor_emulator.aws.route53.sections import add_sections
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.world import World

from . import wire
from .encoding import EncodedAnswer, Envelope, Renderer, encode, make_renderer

__all__ = ["NameServer", "Resolver", "Responder"]

# Entries of a cache, beyond which the next batch of queries begins with empty ones.
_MAX_CACHED = 4_096
_STREAM_LIMIT = 65_535
_ZONE_TRANSFERS = (251, 252)
_ANY = 255


class Responder(ABC):
    """Answers the queries to one server."""

    recursive: bool

    def __init__(self, world: World, generator: Random) -> None:
        self.world = world
        # Message without its id -> renderer; the servers look renderers up here first.
        self.renderers: dict[bytes, Renderer] = {}
        self._answers: dict[tuple[tuple[bytes, ...], int], EncodedAnswer] = {}
        self._generator = generator
        self._published = published_zones(world)
        self._version: object = None
        self._layout: object = None
        # Set by the first refresh.
        self._scope: ResolutionScope | None

    @abstractmethod
    def _settings(self) -> object:
        """Return the settings that the scope depends on besides the zones; they are compared by value."""

    @abstractmethod
    def _make_scope(self) -> ResolutionScope | None:
        """Return the zones that the server answers for; None if it refuses everything."""

    def refresh(self) -> None:
        """Clear the caches if anything has changed, or if they are full; call this before each batch of queries."""
        settings = self._settings()
        version = self._published.generation, settings
        if version == self._version and max(len(self.renderers), len(self._answers)) < _MAX_CACHED:
            return
        self._version = version
        self.renderers.clear()
        self._answers.clear()
        layout = self._published.layout, settings
        if layout != self._layout:
            self._layout = layout
            self._scope = self._make_scope()

    def answer(self, data: bytes, *, stream: bool = False) -> bytes | None:
        """Return the reply to a message, None if none must be sent. ``stream``: the message was received over TCP."""
        try:
            query = wire.parse_query(data)
        except wire.MalformedQuery as malformed:
            return malformed.reply
        render = self._make_renderer(query, _STREAM_LIMIT if stream else query.limit)
        if not stream:
            self.renderers[data[2:]] = render
        return data[:2] + render()

    def _make_renderer(self, query: wire.Query, limit: int) -> Renderer:
        rcode, encoded = wire.NOERROR, _refusal(wire.REFUSED)
        if query.version:
            rcode, encoded = wire.BADVERS, _refusal(wire.NOERROR)
        elif query.qclass == wire.CLASS_IN and query.qtype not in _ZONE_TRANSFERS and self._scope is not None:
            encoded = self._encode_answer(self._scope, query)
        edns = wire.opt_record(rcode, dnssec=query.dnssec) if query.edns else b""
        envelope = Envelope(query.flags, query.question, edns, limit, self.recursive)
        return make_renderer(encoded, envelope, self._generator)

    def _encode_answer(self, scope: ResolutionScope, query: wire.Query) -> EncodedAnswer:
        labels = tuple(label.lower() for label in query.labels)
        encoded = self._answers.get((labels, query.qtype))
        if encoded is not None:
            return encoded
        name = names.from_labels(labels)
        kind = "ANY" if query.qtype == _ANY else TYPE_NAMES.get(query.qtype, f"TYPE{query.qtype}")
        answer = resolve(scope, name, kind)
        if not self.recursive:
            answer = add_sections(scope, name, answer)
        encoded = encode(answer, name, recursive=self.recursive)
        self._answers[labels, query.qtype] = encoded
        return encoded


class NameServer(Responder):
    """The authoritative name servers of all public zones."""

    recursive = False

    def _settings(self) -> object:
        return None

    def _make_scope(self) -> ResolutionScope:
        return ResolutionScope(self.world, {}, self._published.public(), recursive=False)


class Resolver(Responder):
    """The resolver of one VPC: its private zones take precedence over public ones.

    Private zones need both of the VPC's DNS settings (Route 53 Developer Guide, "Considerations when working with a
    private hosted zone"); without ``enableDnsSupport`` the VPC has no resolver at all (Amazon VPC User Guide, "DNS
    attributes for your VPC"): here it answers REFUSED rather than not at all.
    """

    recursive = True

    def __init__(self, world: World, generator: Random, account: str, vpc: VpcKey) -> None:
        super().__init__(world, generator)
        self._account = account
        self._vpc = vpc

    def _settings(self) -> tuple[bool, bool]:

        vpc = vpcs_of(self.world, self._account, self._vpc.region).get(self._vpc.id)
        return (vpc.dns_support, vpc.dns_hostnames) if vpc else (False, False)

    def _make_scope(self) -> ResolutionScope | None:
        support, hostnames = self._settings()
        if not support:
            return None
        private = self._published.private(self._vpc) if hostnames else {}
        return ResolutionScope(self.world, private, self._published.public(self._account), recursive=True)


def _refusal(rcode: int) -> EncodedAnswer:
    return EncodedAnswer(rcode, False, (0, b""), (), 0, (), (0, b""))
