"""How callers of each architecture resolve addresses, each with the usual cache."""

from __future__ import annotations

import ipaddress
import json
import random
import time
import urllib.request
from collections.abc import Callable

import dns.message
import dns.query
import dns.rdatatype

from surveyor.architectures.attempts import NextAddress
from surveyor.architectures.setup import ACCOUNT, ALIAS, PORT, ComparisonSetup
from surveyor.targets.running import RunningTarget

__all__ = ["address_source"]

API_CACHE = 5.0
"""Service seconds for which a caller of DiscoverInstances caches a response."""

TIMEOUT = 5.0  # wall seconds


def address_source(
    kind: str, running: RunningTarget, setup: ComparisonSetup, scale: float, chance: random.Random
) -> NextAddress:
    """Return a function that returns the next address to call, a random one of those known."""
    if kind == "load balancer":
        return _cached(lambda: _by_dns(running, setup, setup.load_balancer, 80, scale), chance)
    if kind == "DNS":
        return _cached(lambda: _by_dns(running, setup, setup.record, PORT, scale), chance)
    if kind == "API":
        return _cached(lambda: _by_api(running, setup, scale), chance)
    return _cached(lambda: _by_hosts(setup), chance)


Resolved = tuple[list[tuple[str, int]], float]
"""Addresses with ports, and for how many wall seconds they may be used."""


def _cached(resolve: Callable[[], Resolved], chance: random.Random) -> NextAddress:
    known: list[tuple[str, int]] = []
    expires = 0.0

    def next_address() -> tuple[str, int]:
        nonlocal expires
        if time.monotonic() >= expires:
            addresses, seconds = resolve()
            known[:] = addresses
            expires = time.monotonic() + seconds
        if not known:
            raise LookupError("no address known")
        return chance.choice(known)

    return next_address


def _by_dns(running: RunningTarget, setup: ComparisonSetup, name: str, port: int, scale: float) -> Resolved:
    resolver = running.resolver(ACCOUNT, running.target.region, setup.vpc)
    response = dns.query.udp(dns.message.make_query(name, "A"), resolver.address, TIMEOUT, resolver.port)
    records = [
        (rdata.to_text(), rrset.ttl) for rrset in response.answer if rrset.rdtype == dns.rdatatype.A for rdata in rrset
    ]
    return [(address, port) for address, _ in records], min((ttl for _, ttl in records), default=1) / scale


def _by_api(running: RunningTarget, setup: ComparisonSetup, scale: float) -> Resolved:
    namespace, service = setup.discovery
    client = running.clients.client("servicediscovery", ACCOUNT)
    instances = client.discover_instances(NamespaceName=namespace, ServiceName=service)["Instances"]
    return [(instance["Attributes"]["AWS_INSTANCE_IPV4"], PORT) for instance in instances], API_CACHE / scale


def _by_hosts(setup: ComparisonSetup) -> Resolved:
    """Return what a program in the client's task resolves: its proxy. Nothing listens at the alias's IPv6 address."""
    with urllib.request.urlopen(f"http://{setup.client}:{PORT}/names?name={ALIAS}", timeout=TIMEOUT) as response:
        addresses = json.load(response)["addresses"]
    return [(address, PORT) for address in addresses if ipaddress.ip_address(address).is_loopback], 3_600.0
