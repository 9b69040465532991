"""How clients resolve addresses, and for how long they cache them. Times are wall seconds here.

Each resolver is asked before each call. A refresh blocks other callers, as a single resolver or cache of a process
does; a client that may use old addresses does so.
"""

from __future__ import annotations

import json
import math
import threading
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from surveyor.load.endpoints import ServiceEndpoints

__all__ = ["Address", "ApiResolver", "CachePolicy", "DnsResolver", "FixedResolver", "Resolver"]

Address = tuple[str, int]
TIMEOUT = 1.0
_TARGET = "Route53AutoNaming_v20170314"
RETRY_AFTER = 0.1
"""After a question without an answer."""


class Resolver(ABC):
    """A source of the addresses that may be called now.

    `first_share`: share of its lifetime for which the first answer is kept, since the clients of a service have not
    all started at the same time.
    """

    def __init__(self) -> None:
        self.first_share = 1.0
        self._known: Sequence[Address] = ()
        self._expires = 0.0
        self._lock = threading.Lock()

    def addresses(self) -> Sequence[Address]:
        """Return the known addresses, refreshed if they have expired; empty if none is known."""
        if time.monotonic() < self._expires:
            return self._known
        with self._lock:
            if time.monotonic() >= self._expires:
                self._known, lifetime = self._resolve()
                share, self.first_share = self.first_share, 1.0
                self._expires = time.monotonic() + lifetime * share
        return self._known

    @abstractmethod
    def _resolve(self) -> tuple[Sequence[Address], float]:
        """Return addresses, and for how many seconds they may be used."""


class FixedResolver(Resolver):
    """Fixed addresses: a load balancer, or the client's own proxy."""

    def __init__(self, *addresses: Address) -> None:
        super().__init__()
        self._known, self._expires = addresses, math.inf

    def _resolve(self) -> tuple[Sequence[Address], float]:
        return self._known, math.inf


@dataclass(frozen=True)
class CachePolicy:
    """Service seconds for which answers are cached; None for the answer's own TTL, or the SOA's minimum if empty."""

    positive: float | None = None
    negative: float | None = 0.0


class DnsResolver(Resolver):
    """Resolves by DNS, one question at a time: the name of the service, or another name with its port."""

    def __init__(self, endpoints: ServiceEndpoints, policy: CachePolicy, name: Address | None = None) -> None:
        super().__init__()
        self._endpoints, self._policy = endpoints, policy
        self._name, self._port = name or (endpoints.alias, endpoints.port)

    def _resolve(self) -> tuple[Sequence[Address], float]:
        endpoints, asked = self._endpoints, time.monotonic()
        query = dns.message.make_query(self._name, "A")
        try:
            response = dns.query.udp(query, endpoints.resolver[0], TIMEOUT, endpoints.resolver[1])
        except (dns.exception.DNSException, OSError):
            return (), RETRY_AFTER
        rrsets = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.A]
        addresses = [(record.to_text(), self._port) for rrset in rrsets for record in rrset]
        if addresses:
            ttl, lifetime = float(min(rrset.ttl for rrset in rrsets)), self._policy.positive
        else:
            ttl, lifetime = _negative_ttl(response), self._policy.negative
        # The lifetime of an answer counts from the question.
        seconds = (ttl if lifetime is None else lifetime) / endpoints.scale - (time.monotonic() - asked)
        return addresses, max(seconds, 0.0)


def _negative_ttl(response: dns.message.Message) -> float:
    """Return how long an empty answer may be cached (RFC 2308, section 5)."""
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return float(min(rrset.ttl, rrset[0].minimum))
    return 0.0


class ApiResolver(Resolver):
    """Resolves by DiscoverInstances, cached for `lifetime` service seconds.

    `by_revision`: DiscoverInstances is called only after the revision has risen. While the registry does not answer,
    the known addresses stay in use.
    """

    def __init__(self, endpoints: ServiceEndpoints, health: str, lifetime: float, *, by_revision: bool = False) -> None:
        super().__init__()
        self._endpoints, self._health, self._lifetime, self._by_revision = endpoints, health, lifetime, by_revision
        self._revision = -1
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _resolve(self) -> tuple[Sequence[Address], float]:
        lifetime = self._lifetime / self._endpoints.scale
        names = {"NamespaceName": self._endpoints.namespace, "ServiceName": self._endpoints.service}
        try:
            if self._by_revision:
                revision = int(self._call("DiscoverInstancesRevision", names)["InstancesRevision"])
                if revision == self._revision:
                    return self._known, lifetime
                self._revision = revision
            response = self._call("DiscoverInstances", {**names, "HealthStatus": self._health, "MaxResults": 1_000})
        except (OSError, ValueError, KeyError):
            return self._known, RETRY_AFTER
        port = self._endpoints.port
        return [(instance["Attributes"]["AWS_INSTANCE_IPV4"], port) for instance in response["Instances"]], lifetime

    def _call(self, operation: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Make a plain signed call: a boto3 client would add retries and connections."""
        endpoints = self._endpoints
        url = endpoints.registry + "/"
        request = AWSRequest(
            "POST",
            url,
            {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_TARGET}.{operation}"},
            json.dumps(params).encode(),
        )
        credentials = Credentials(endpoints.account, endpoints.secret)
        SigV4Auth(credentials, "servicediscovery", endpoints.region).add_auth(request)
        plain = urllib.request.Request(url, request.data, dict(request.headers.items()), method="POST")  # noqa: S310  # the target
        with self._opener.open(plain, timeout=TIMEOUT) as response:
            value: dict[str, Any] = json.load(response)
        return value
