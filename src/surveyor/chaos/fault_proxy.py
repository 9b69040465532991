"""The proxies between callers and the registry, one for the API and one for DNS, in which faults can change answers.

They run in this process, so that a fault ends with the process. What the first forwards may be signed with the
credentials of an account: it answers only callers that have its secret, not other users of this machine.
"""

from __future__ import annotations

import hmac
import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from surveyor.callers import CALLER_HEADER
from surveyor.proxies import DnsProxy, HttpProxy, ProxyRequest, ProxyResponse, Upstream, parse_request
from surveyor.secret_values import register

__all__ = ["FaultProxy", "Forward"]

Forward = Callable[[str, str, dict[str, str], bytes], ProxyResponse]
"""Forwards a request to the registry."""

_DISCOVERY = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})


@dataclass
class FaultProxy:
    """`faults`: the faults in effect, each with the share of requests that it hits; none at first.

    `resolver`: before which `names` answers. `skewed`: forwards to the registry with a wrong clock; `wrong_address`: an
    unused address, for the fault dns.lie.
    """

    chance: random.Random
    registry: HttpProxy | None = None
    names: DnsProxy | None = None
    resolver: tuple[str, int] | None = None
    forward: Upstream | None = None
    skewed: Forward | None = None
    faults: dict[str, float] = field(default_factory=dict)
    wrong_address: str = "127.255.255.254"
    secret: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)
    _kept: dict[bytes, ProxyResponse] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(
        cls,
        forward: Forward,
        resolver: tuple[str, int] | None,
        chance: random.Random,
        skewed: Forward | None = None,
    ) -> FaultProxy:
        """Return a started proxy before a registry and, if there is one, before a resolver."""
        proxy = cls(chance, forward=forward if isinstance(forward, Upstream) else None, skewed=skewed)
        proxy.registry = HttpProxy(
            lambda method, path, headers, body: proxy._call(forward, method, path, headers, body)
        )
        proxy.registry.start()
        register(proxy.secret)
        proxy.resolver = resolver
        proxy.names = DnsProxy(resolver, proxy._resolve) if resolver else None
        return proxy

    @property
    def url(self) -> str:
        """Return the endpoint of the registry, with the secret as its user name, for RegistryClient."""
        assert self.registry is not None, "started"
        return self.registry.url.replace("://", f"://{self.secret}@", 1)

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
        """Return whether a fault hits the present request, by chance for a share below 1."""
        with self._lock:
            share = self.faults.get(fault, 0.0)
            return share >= 1 or (share > 0 and self.chance.random() < share)

    def _call(
        self, forward: Forward, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> ProxyResponse | None:
        given = [headers.pop(name) for name in tuple(headers) if name.lower() == CALLER_HEADER.lower()]
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self.secret.encode()):
            return ProxyResponse.from_json(403, {"Message": "this proxy answers only the callers of its run"})
        question: ProxyRequest = parse_request(method, path, headers, body)
        if self.hits("registry.unavailable"):
            return None
        if self.hits("registry.throttle"):
            # The errors that AWS documents: servicediscovery/DiscoverInstances for discovery; the other operations
            # are throttled as all AWS APIs are.
            code = "RequestLimitExceeded" if question.operation in _DISCOVERY else "ThrottlingException"
            return ProxyResponse.from_json(400, {"__type": code, "Message": "Rate exceeded."})
        if self.hits("registry.stale") and body in self._kept:
            return self._kept[body]
        send = self.skewed if self.skewed is not None and self.hits("clock.skew") else forward
        answer = send(method, path, headers, body)
        if answer.status == 200 and question.operation in _DISCOVERY:
            self._kept[body] = answer
        return answer

    def _resolve(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        if self.hits("dns.timeout"):
            return b""
        for fault, rcode in (("dns.servfail", dns.rcode.SERVFAIL), ("dns.nxdomain", dns.rcode.NXDOMAIN)):
            if self.hits(fault):
                response = dns.message.make_response(dns.message.from_wire(question))
                response.set_rcode(rcode)
                return response.to_wire()
        answer = forward(question)
        return self._with_wrong_address(answer) if self.hits("dns.lie") else answer

    def _with_wrong_address(self, answer: bytes) -> bytes:
        message = dns.message.from_wire(answer)
        for index, rrset in enumerate(message.answer):
            if rrset.rdtype == dns.rdatatype.A:
                message.answer[index] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "A", self.wrong_address)
        return message.to_wire()
