"""What stands between callers and the registry: a proxy each for the API and for names, which faults can make lie.

They live in this process, so whatever ends it ends the fault.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from surveyor.proxies import Answer, Asked, DnsProxy, HttpProxy, Upstream, asked

__all__ = ["FaultProxy", "Forward"]

Forward = Callable[[str, str, dict[str, str], bytes], Answer]
"""Passes a request on to the registry."""

_DISCOVERY = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})


@dataclass
class FaultProxy:
    """Faults by name -> share of requests that they hit; none at first."""

    chance: random.Random
    registry: HttpProxy | None = None
    names: DnsProxy | None = None
    forward: Upstream | None = None
    late: Forward | None = None
    """The way to the registry of who has a wrong clock."""
    faults: dict[str, float] = field(default_factory=dict)
    lie: str = "127.255.255.254"
    """An address that belongs to nobody, for a resolver that lies."""
    _kept: dict[bytes, Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def before(
        cls,
        forward: Forward,
        resolver: tuple[str, int] | None,
        chance: random.Random,
        late: Forward | None = None,
    ) -> FaultProxy:
        """One before a registry and, where there is one, before a resolver; it answers already."""
        made = cls(chance, forward=forward if isinstance(forward, Upstream) else None, late=late)
        made.registry = HttpProxy(lambda method, path, headers, body: made._call(forward, method, path, headers, body))
        made.registry.start()
        made.names = DnsProxy(resolver, made._name) if resolver else None
        return made

    def close(self) -> None:
        """Stop answering."""
        if self.registry is not None:
            self.registry.close()
        if self.names is not None:
            self.names.close()
        if self.forward is not None:
            self.forward.close()

    def set(self, fault: str, share: float) -> None:
        """Let a fault hit that share of requests; 0 ends it."""
        with self._lock:
            if share:
                self.faults[fault] = share
            else:
                self.faults.pop(fault, None)

    def hits(self, fault: str) -> bool:
        """Whether a fault hits the request that is made now."""
        with self._lock:
            share = self.faults.get(fault, 0.0)
            return share >= 1 or (share > 0 and self.chance.random() < share)

    def _call(self, forward: Forward, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        question: Asked = asked(method, path, headers, body)
        if self.hits("registry.unavailable"):
            return None
        if self.hits("registry.throttle"):
            # The error that each documents: servicediscovery/DiscoverInstances and its kind; the others are throttled
            # as all of AWS's APIs are.
            code = "RequestLimitExceeded" if question.operation in _DISCOVERY else "ThrottlingException"
            return Answer.of(400, {"__type": code, "Message": "Rate exceeded."})
        if self.hits("registry.stale") and body in self._kept:
            return self._kept[body]
        way = self.late if self.late is not None and self.hits("clock.skew") else forward
        answer = way(method, path, headers, body)
        if answer.status == 200 and question.operation in _DISCOVERY:
            self._kept[body] = answer
        return answer

    def _name(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        if self.hits("dns.timeout"):
            return b""
        for fault, rcode in (("dns.servfail", dns.rcode.SERVFAIL), ("dns.nxdomain", dns.rcode.NXDOMAIN)):
            if self.hits(fault):
                answer = dns.message.make_response(dns.message.from_wire(question))
                answer.set_rcode(rcode)
                return answer.to_wire()
        answered = forward(question)
        return self._lied(answered) if self.hits("dns.lie") else answered

    def _lied(self, answered: bytes) -> bytes:
        message = dns.message.from_wire(answered)
        for number, found in enumerate(message.answer):
            if found.rdtype == dns.rdatatype.A:
                message.answer[number] = dns.rrset.from_text(found.name, found.ttl, "IN", "A", self.lie)
        return message.to_wire()
