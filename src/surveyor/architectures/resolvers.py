"""How callers of each architecture find whom to call, each with the cache that is usual for it."""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections.abc import Callable

import dns.message
import dns.query
import dns.rdatatype

from surveyor.architectures.attempts import Addresses
from surveyor.architectures.setup import ACCOUNT, ALIAS, PORT, ComparisonSetup
from surveyor.targets.running import RunningTarget

__all__ = ["finder"]

API_CACHE = 5.0
"""Service seconds that a caller of DiscoverInstances keeps what it was told."""

ANSWER = 5.0  # wall seconds


def finder(kind: str, running: RunningTarget, town: ComparisonSetup, scale: float, chance: random.Random) -> Addresses:
    """Gives where the next call goes; one of those that it knows of, at random."""
    if kind == "load balancer":
        return _cached(lambda: _by_dns(running, town, town.balancer, 80, scale), chance)
    if kind == "DNS":
        return _cached(lambda: _by_dns(running, town, town.record, PORT, scale), chance)
    if kind == "API":
        return _cached(lambda: _by_api(running, town, scale), chance)
    return _cached(lambda: _by_hosts(town), chance)


Found = tuple[list[tuple[str, int]], float]
"""Addresses with ports, and for how many wall seconds they may be used."""


def _cached(look: Callable[[], Found], chance: random.Random) -> Addresses:
    known: list[tuple[str, int]] = []
    until = 0.0

    def one() -> tuple[str, int]:
        nonlocal until
        if time.monotonic() >= until:
            found, seconds = look()
            known[:] = found
            until = time.monotonic() + seconds
        if not known:
            raise LookupError("nobody is known")
        return chance.choice(known)

    return one


def _by_dns(running: RunningTarget, town: ComparisonSetup, name: str, port: int, scale: float) -> Found:
    resolver = running.resolver(ACCOUNT, running.target.region, town.vpc)
    answer = dns.query.udp(dns.message.make_query(name, "A"), resolver.address, ANSWER, resolver.port)
    rows = [
        (rdata.to_text(), rrset.ttl) for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A for rdata in rrset
    ]
    return [(address, port) for address, _ in rows], min((ttl for _, ttl in rows), default=1) / scale


def _by_api(running: RunningTarget, town: ComparisonSetup, scale: float) -> Found:
    namespace, service = town.discovery
    client = running.clients.client("servicediscovery", ACCOUNT)
    found = client.discover_instances(NamespaceName=namespace, ServiceName=service)["Instances"]
    return [(one["Attributes"]["AWS_INSTANCE_IPV4"], PORT) for one in found], API_CACHE / scale


def _by_hosts(town: ComparisonSetup) -> Found:
    """What a program in the client's task finds: its proxy."""
    with urllib.request.urlopen(f"http://{town.client}:{PORT}/names?name={ALIAS}", timeout=ANSWER) as answer:
        return [(one, PORT) for one in json.load(answer)["addresses"]], 3_600.0
