"""The proxies between callers and the registry, one for the API and one for DNS, in which faults can change answers.

They run in this process, so that a fault ends with the process. What the first forwards may be signed with the
credentials of an account: it answers only callers that have its secret, not other users of this machine.
"""

from __future__ import annotations

import hmac
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
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

__all__ = ["FaultProxy", "Forward", "ProxyFault"]

Forward = Callable[[str, str, dict[str, str], bytes], ProxyResponse]
"""Forwards a request to the registry."""

_QUESTION = "dns:question"
_DISCOVERY = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})


@dataclass(frozen=True)
class ProxyFault:
    """A fault in effect: the `share` of requests that it hits, of these `operations`, of all if there are none.

    `amount`: of registry.partial the share of the instances that are left, of dns.packet-limit the questions that are
    answered in a wall second.
    """

    share: float = 1.0
    operations: Collection[str] = ()
    amount: float = 0.0


@dataclass
class FaultProxy:
    """`faults`: the faults in effect, none at first. `on_injection`: gets each fault that hits, and the request.

    `resolver`: before which `names` answers. `skewed`: forwards to the registry with a wrong clock; `wrong_address`: an
    unused address, for the fault dns.lie.
    """

    chance: random.Random
    registry: HttpProxy | None = None
    names: DnsProxy | None = None
    resolver: tuple[str, int] | None = None
    forward: Upstream | None = None
    skewed: Forward | None = None
    faults: dict[str, ProxyFault] = field(default_factory=dict)
    on_injection: Callable[[str, str], object] = lambda fault, call: None
    wrong_address: str = "127.255.255.254"
    secret: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)
    _kept: dict[bytes, ProxyResponse] = field(default_factory=dict)
    _failed: set[bytes] = field(default_factory=set)
    _answered: deque[float] = field(default_factory=deque)
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

    def set(self, fault: str, share: float, operations: Collection[str] = (), amount: float = 0.0) -> None:
        """Let a fault hit that share of requests; 0 ends it."""
        with self._lock:
            if share:
                self.faults[fault] = ProxyFault(share, operations, amount)
            else:
                self.faults.pop(fault, None)

    def hits(self, fault: str, call: str = "") -> bool:
        """Return whether a fault hits the present request, by chance for a share below 1, and report it.

        `call`: the operation, as `servicediscovery:DiscoverInstances`.
        """
        with self._lock:
            active = self.faults.get(fault)
            hit = active is not None and self._hits(fault, active, call)
        if hit:
            self.on_injection(fault, call)
        return hit

    def _hits(self, fault: str, active: ProxyFault, call: str) -> bool:
        if active.operations and call.rpartition(":")[2] not in active.operations:
            return False
        if fault == "dns.packet-limit" and self._is_within(active.amount):
            return False
        return active.share >= 1 or self.chance.random() < active.share

    def _is_within(self, rate: float) -> bool:
        """Return whether one more question is within the rate of a second, and count it."""
        now = time.monotonic()
        while self._answered and now - self._answered[0] >= 1:
            self._answered.popleft()
        if len(self._answered) >= rate:
            return False
        self._answered.append(now)
        return True

    def _amount(self, fault: str) -> float:
        with self._lock:
            active = self.faults.get(fault)
            return active.amount if active is not None else 0.0

    def _call(
        self, forward: Forward, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> ProxyResponse | None:
        given = [headers.pop(name) for name in tuple(headers) if name.lower() == CALLER_HEADER.lower()]
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self.secret.encode()):
            return ProxyResponse.from_json(403, {"Message": "this proxy answers only the callers of its run"})
        question: ProxyRequest = parse_request(method, path, headers, body)
        call = f"servicediscovery:{question.operation}"
        if self.hits("registry.unavailable", call):
            return None
        refusal = self._refusal(question, call, body)
        if refusal is not None:
            return refusal
        if body in self._kept and self.hits("registry.stale", call):
            return self._kept[body]
        send = self.skewed if self.skewed is not None and self.hits("clock.skew", call) else forward
        answer = send(method, path, headers, body)
        if answer.status == 200 and question.operation in _DISCOVERY:
            self._kept[body] = answer
        return self._without_instances(answer, call)

    def _refusal(self, question: ProxyRequest, call: str, body: bytes) -> ProxyResponse | None:
        """Return the error that a fault answers with, None if the request is answered.

        The errors are those that AWS documents: servicediscovery/DiscoverInstances for discovery that is throttled, the
        Common Errors of the API reference for the rest.
        """
        if self.hits("registry.throttle", call):
            code = "RequestLimitExceeded" if question.operation in _DISCOVERY else "ThrottlingException"
            return ProxyResponse.from_json(400, {"__type": code, "Message": "Rate exceeded."})
        if self.hits("registry.expired-token", call):
            text = "The security token included in the request is expired"
            return ProxyResponse.from_json(403, {"__type": "ExpiredTokenException", "message": text})
        key = question.operation.encode() + body
        if key in self._failed:  # once, and the next one passes
            self._failed.discard(key)
        elif self.hits("registry.fail-once", call):
            self._failed.add(key)
            return ProxyResponse.from_json(503, {"__type": "ServiceUnavailable", "message": "Service is unavailable."})
        return None

    def _without_instances(self, answer: ProxyResponse, call: str) -> ProxyResponse:
        """Return an answer with a part of its instances, or none, if a fault says so."""
        instances = answer.value.get("Instances") if answer.value is not None else None
        if answer.status != 200 or not isinstance(instances, list) or not instances:
            return answer
        left = len(instances)
        if self.hits("registry.partial", call):
            left = int(left * self._amount("registry.partial"))
        if self.hits("registry.empty", call):
            left = 0
        if left == len(instances):
            return answer
        return ProxyResponse.from_json(200, {**(answer.value or {}), "Instances": instances[:left]})

    def _resolve(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        if self.hits("dns.timeout", _QUESTION) or self.hits("dns.packet-limit", _QUESTION):
            return b""
        for fault, rcode in (("dns.servfail", dns.rcode.SERVFAIL), ("dns.nxdomain", dns.rcode.NXDOMAIN)):
            if self.hits(fault, _QUESTION):
                response = dns.message.make_response(dns.message.from_wire(question))
                response.set_rcode(rcode)
                return response.to_wire()
        answer = forward(question)
        return self._with_wrong_address(answer) if self.hits("dns.lie", _QUESTION) else answer

    def _with_wrong_address(self, answer: bytes) -> bytes:
        message = dns.message.from_wire(answer)
        for index, rrset in enumerate(message.answer):
            if rrset.rdtype == dns.rdatatype.A:
                message.answer[index] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "A", self.wrong_address)
        return message.to_wire()
