"""Turn the bytes of a query into the bytes of its answer, for one server, or into one that comes later.

Two caches, both cleared when the zones change: answers by name and type, and renderers by the exact message except its
id, since most clients repeat the same messages. Both are bounded, since clients may ask for anything.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.resolver.state import resolver_state
from surveyor_emulator.aws.resolver.vpc_policy import VpcPolicy, make_route, vpc_policy
from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import DnsAnswer, ResolutionScope, resolve
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.rdata import TYPE_NAMES
from surveyor_emulator.aws.route53.sections import add_sections
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.events import Event
from surveyor_emulator.core.world import World

from . import wire
from .encoding import EncodedAnswer, Envelope, Renderer, encode, make_renderer
from .forwarding import QuestionForwarder
from .packet_limit import PacketLimit

__all__ = ["Later", "NameServer", "Resolver", "Responder"]

Later = Coroutine[Any, Any, bytes]
"""A reply that others are asked for first."""

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
        # Whether a packet of a client is answered, by the bytes of its address; None: each is.
        self.admit: Callable[[bytes], bool] | None = None
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

    def answer(self, data: bytes, *, stream: bool = False) -> bytes | Later | None:
        """Return the reply to a message, None if none must be sent. ``stream``: the message was received over TCP."""
        try:
            query = wire.parse_query(data)
        except wire.MalformedQuery as malformed:
            return malformed.reply
        limit = _STREAM_LIMIT if stream else query.limit
        render = self._make_renderer(query, limit)
        if isinstance(render, DnsAnswer):
            return self._forward(query, int.from_bytes(data[:2], "big"), render, limit)
        if not stream:
            self.renderers[data[2:]] = render
        return data[:2] + render()

    def _forward(self, query: wire.Query, query_id: int, answer: DnsAnswer, limit: int) -> Later:
        raise NotImplementedError  # only resolvers have rules

    def _resolve(self, scope: ResolutionScope, name: str, kind: str) -> DnsAnswer:
        return resolve(scope, name, kind)

    def _make_renderer(self, query: wire.Query, limit: int) -> Renderer | DnsAnswer:
        """Return what renders the reply, or an answer that is forwarded."""
        rcode, encoded = wire.NOERROR, _refusal(wire.REFUSED)
        if query.version:
            rcode, encoded = wire.BADVERS, _refusal(wire.NOERROR)
        elif query.qclass == wire.CLASS_IN and query.qtype not in _ZONE_TRANSFERS and self._scope is not None:
            found = self._encode_answer(self._scope, query)
            if isinstance(found, DnsAnswer):
                return found
            encoded = found
        edns = wire.opt_record(rcode, dnssec=query.dnssec) if query.edns else b""
        envelope = Envelope(query.flags, query.question, edns, limit, self.recursive)
        return make_renderer(encoded, envelope, self._generator)

    def _encode_answer(self, scope: ResolutionScope, query: wire.Query) -> EncodedAnswer | DnsAnswer:
        labels = tuple(label.lower() for label in query.labels)
        encoded = self._answers.get((labels, query.qtype))
        if encoded is not None:
            return encoded
        name = names.from_labels(labels)
        kind = "ANY" if query.qtype == _ANY else TYPE_NAMES.get(query.qtype, f"TYPE{query.qtype}")
        answer = self._resolve(scope, name, kind)
        if not self.recursive:
            answer = add_sections(scope, name, answer)
        if answer.forwarded or any(option.forwarded for _, option in answer.weighted):
            return answer
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

    def __init__(
        self,
        world: World,
        generator: Random,
        account: str,
        vpc: VpcKey,
        forwarder: QuestionForwarder | None = None,
        *,
        limited: bool = True,
    ) -> None:
        """``limited``: the packets of a client are, as those of an instance are and those to an endpoint are not."""
        super().__init__(world, generator)
        self._account = account
        self._vpc = vpc
        self._forwarder = forwarder or QuestionForwarder(generator)
        self._limit = PacketLimit(time.monotonic) if limited else None
        self._policy: VpcPolicy

    def refresh(self) -> None:
        """Clear the caches if anything has changed, and follow the setting of the packet limit."""
        super().refresh()
        rate = self.world.settings.resolver_packets
        if self._limit is not None:
            self._limit.rate = rate or 0.0
            self.admit = self._limit.admits if rate is not None else None

    def _settings(self) -> tuple[bool, bool, int, str]:
        vpc = vpcs_of(self.world, self._account, self._vpc.region).get(self._vpc.id)
        state = resolver_state(self.world, self._account, self._vpc.region)
        firewall = self.world.settings.dns_firewall
        return (*((vpc.dns_support, vpc.dns_hostnames) if vpc else (False, False)), state.generation, firewall)

    def _make_scope(self) -> ResolutionScope | None:
        support, hostnames, *_ = self._settings()
        self._policy = vpc_policy(self.world, self._account, self._vpc.region, self._vpc.id)
        if not support:
            return None
        private = self._published.private(self._vpc) if hostnames else {}
        return ResolutionScope(
            self.world, private, self._published.public(self._account), recursive=True, rules=self._policy.forwarded
        )

    def _resolve(self, scope: ResolutionScope, name: str, kind: str) -> DnsAnswer:
        """Return the answer, unless DNS Firewall blocks it.

        Without a reply of the firewall the failure mode of the VPC decides (Developer Guide, "DNS Firewall VPC
        configuration").
        """
        policy = self._policy
        if policy.is_filtered and self.world.settings.dns_firewall == "impaired":
            return resolve(scope, name, kind) if policy.fails_open else DnsAnswer("SERVFAIL", authoritative=False)
        answer = resolve(scope, name, kind)
        if not policy.firewall:
            return answer
        options = tuple((weight, self._filtered(option, name, kind)) for weight, option in answer.weighted)
        return replace(answer, weighted=options) if options else self._filtered(answer, name, kind)

    def _filtered(self, answer: DnsAnswer, name: str, kind: str) -> DnsAnswer:
        chain = tuple(names.canonical(record.value) for record in answer.fixed if record.type == "CNAME")
        alert = self._policy.alerts(name, kind)
        if alert is not None:
            now = self.world.clock.now()
            detail = f"{kind} {alert.name}"
            self.world.events.add(Event(now, "resolver.alert", self._account, self._vpc.region, name, detail))
        return self._policy.blocked(name, kind, chain) or answer

    def _forward(self, query: wire.Query, query_id: int, answer: DnsAnswer, limit: int) -> Later:
        """Return the reply of what a rule names; of several weighted answers one is chosen first."""
        if answer.weighted:
            weights, options = zip(*answer.weighted, strict=True)
            [answer] = self._generator.choices(options, weights)
        return self._forwarded(query, query_id, answer, limit)

    async def _forwarded(self, query: wire.Query, query_id: int, answer: DnsAnswer, limit: int) -> bytes:
        from .forwarded_messages import redirections, reply_to

        name = answer.forwarded
        asked = names.from_labels(label.lower() for label in query.labels)
        if name is None:  # the chosen one of several answers leads nowhere else
            edns = wire.opt_record(wire.NOERROR, dnssec=query.dnssec) if query.edns else b""
            envelope = Envelope(query.flags, query.question, edns, limit, self.recursive)
            encoded = encode(answer, asked, recursive=self.recursive)
            return query_id.to_bytes(2, "big") + make_renderer(encoded, envelope, self._generator)()
        policy = self._policy
        route = make_route(self.world, self._account, self._vpc.region, policy.rule_for(name))
        key = self._account, self._vpc, name, query.qtype
        wait = self.world.settings.forward_wait
        found = await self._forwarder.ask(key, name, query.qtype, route, wait)
        if found is not None:
            kind = TYPE_NAMES.get(query.qtype, f"TYPE{query.qtype}")
            chain = redirections(answer, found)
            blocked = policy.blocked(asked, kind, chain)
            if blocked is not None:
                return await self._forwarded(query, query_id, blocked, limit)
        return reply_to(query, query_id, answer, found, limit)


def _refusal(rcode: int) -> EncodedAnswer:
    return EncodedAnswer(rcode, False, (0, b""), (), 0, (), (0, b""))
