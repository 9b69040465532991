"""How clients come to know addresses, and for how long they believe what they were told. Times are wall seconds here.

Each finder is asked before each call. Who has to ask anew keeps the others waiting, as one resolver or one cache in a
process does; who may go on with what is old does so.
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

from surveyor.load.endpoints import Place

__all__ = ["Address", "ApiFinder", "CachePolicy", "Finder", "Fixed", "NameFinder"]

Address = tuple[str, int]
WITHIN = 1.0
_TARGET = "Route53AutoNaming_v20170314"
AGAIN = 0.1
"""After a question without an answer."""


class Finder(ABC):
    """Addresses that may be called now.

    `first`: for how much of its time the first answer is kept: clients of a service have not all begun at once.
    """

    def __init__(self) -> None:
        self.first = 1.0
        self._known: Sequence[Address] = ()
        self._until = 0.0
        self._lock = threading.Lock()

    def addresses(self) -> Sequence[Address]:
        """What is known, asked anew if it may not be used any more; empty if nobody is known."""
        if time.monotonic() < self._until:
            return self._known
        with self._lock:
            if time.monotonic() >= self._until:
                self._known, keep = self._ask()
                share, self.first = self.first, 1.0
                self._until = time.monotonic() + keep * share
        return self._known

    @abstractmethod
    def _ask(self) -> tuple[Sequence[Address], float]:
        """Addresses, and for how many seconds they may be used."""


class Fixed(Finder):
    """Always the same: a load balancer by its address, a proxy of one's own."""

    def __init__(self, *addresses: Address) -> None:
        super().__init__()
        self._known, self._until = addresses, math.inf

    def _ask(self) -> tuple[Sequence[Address], float]:
        return self._known, math.inf


@dataclass(frozen=True)
class CachePolicy:
    """Service seconds for which an answer is kept; None for as long as it says, an empty one by its SOA's minimum."""

    found: float | None = None
    nobody: float | None = 0.0


class NameFinder(Finder):
    """By DNS, one question at a time, for the service or for another name and port."""

    def __init__(self, place: Place, keeps: CachePolicy, named: Address | None = None) -> None:
        super().__init__()
        self._place, self._keeps = place, keeps
        self._name, self._port = named or (place.alias, place.port)

    def _ask(self) -> tuple[Sequence[Address], float]:
        place, asked = self._place, time.monotonic()
        query = dns.message.make_query(self._name, "A")
        try:
            answer = dns.query.udp(query, place.names[0], WITHIN, place.names[1])
        except (dns.exception.DNSException, OSError):
            return (), AGAIN
        found = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A]
        addresses = [(record.to_text(), self._port) for rrset in found for record in rrset]
        if addresses:
            told, kept = float(min(rrset.ttl for rrset in found)), self._keeps.found
        else:
            told, kept = _minimum(answer), self._keeps.nobody
        # What an answer is worth counts from when it was asked for.
        seconds = (told if kept is None else kept) / place.scale - (time.monotonic() - asked)
        return addresses, max(seconds, 0.0)


def _minimum(answer: dns.message.Message) -> float:
    """For how long it may be kept that there is nobody (RFC 2308, section 5)."""
    for rrset in answer.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return float(min(rrset.ttl, rrset[0].minimum))
    return 0.0


class ApiFinder(Finder):
    """By DiscoverInstances, kept for `keeps` service seconds; `by_revision`: asked only when the revision has risen.

    While the registry does not answer, what was known goes on being used.
    """

    def __init__(self, place: Place, health: str, keeps: float, *, by_revision: bool = False) -> None:
        super().__init__()
        self._place, self._health, self._keeps, self._by_revision = place, health, keeps, by_revision
        self._revision = -1
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _ask(self) -> tuple[Sequence[Address], float]:
        keep = self._keeps / self._place.scale
        named = {"NamespaceName": self._place.namespace, "ServiceName": self._place.service}
        try:
            if self._by_revision:
                revision = int(self._call("DiscoverInstancesRevision", named)["InstancesRevision"])
                if revision == self._revision:
                    return self._known, keep
                self._revision = revision
            found = self._call("DiscoverInstances", {**named, "HealthStatus": self._health, "MaxResults": 1_000})
        except (OSError, ValueError, KeyError):
            return self._known, AGAIN
        instances = found["Instances"]
        port = self._place.port
        return [(one["Attributes"]["AWS_INSTANCE_IPV4"], port) for one in instances], keep

    def _call(self, operation: str, params: Mapping[str, object]) -> dict[str, Any]:
        """A plain signed call: a client of boto3's would have retries and connections of its own."""
        place = self._place
        url = place.registry + "/"
        request = AWSRequest(
            "POST",
            url,
            {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_TARGET}.{operation}"},
            json.dumps(params).encode(),
        )
        SigV4Auth(Credentials(place.account, place.secret), "servicediscovery", place.region).add_auth(request)
        plain = urllib.request.Request(url, request.data, dict(request.headers.items()), method="POST")
        with self._opener.open(plain, timeout=WITHIN) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
