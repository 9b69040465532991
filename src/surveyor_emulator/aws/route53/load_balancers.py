"""Resolve names of load balancers: those of this target to their addresses, all others to documentation addresses.

The same name always resolves to the same addresses (RFC 5737 and 3849), to which no traffic is routed.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from surveyor_emulator.core.world import World

__all__ = ["LoadBalancerAddresses", "is_load_balancer", "load_balancer_addresses", "own_load_balancers"]

# Application and Classic: name.region.elb.amazonaws.com; Network: name.elb.region.amazonaws.com.
_NAME = re.compile(r"(?:[^.]+\.)+elb\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?\.")
# "The TTL for load balancers" (route53/ResourceRecordSet.TTL).
_TTL = 60
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


@dataclass(frozen=True, slots=True)
class LoadBalancerAddresses:
    """The addresses of a load balancer: ``values`` of the requested type, empty if it has none of that type."""

    ttl: int
    values: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.values)


def is_load_balancer(name: str) -> bool:
    """Whether a canonical name has the format of Elastic Load Balancing's names."""
    return _NAME.fullmatch(name) is not None


class _OwnLoadBalancers(dict[str, str]):
    """Canonical name -> address of this target's load balancers."""


def own_load_balancers(world: World) -> dict[str, str]:
    """Return canonical name -> address of this target's load balancers; the elb package keeps it up to date."""
    return world.in_account(_OwnLoadBalancers, "*")


def load_balancer_addresses(world: World, name: str, kind: str) -> LoadBalancerAddresses:
    """Return two addresses for A; for AAAA two if the name begins with ``dualstack.``, else none."""
    own = own_load_balancers(world).get(name.removeprefix("dualstack."))
    if own is not None:
        return LoadBalancerAddresses(_TTL, (own,) if kind == "A" else ())
    checksum = zlib.crc32(name.removeprefix("dualstack.").encode())
    first, second = checksum % 254 + 1, (checksum >> 8) % 254 + 1
    if kind == "A":
        start = checksum % 3
        return LoadBalancerAddresses(_TTL, (f"{_NETWORKS[start]}.{first}", f"{_NETWORKS[(start + 1) % 3]}.{second}"))
    if kind == "AAAA" and name.startswith("dualstack."):
        return LoadBalancerAddresses(_TTL, (f"2001:db8:0:1::{first:x}", f"2001:db8:0:2::{second:x}"))
    return LoadBalancerAddresses(_TTL, ())
