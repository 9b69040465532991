"""Names of load balancers: those of this target lead to it, all others to addresses kept for documentation.

The same name always leads to the same addresses (RFC 5737 and 3849), and no traffic can reach anybody there.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from surveyor_emulator.core.world import World

__all__ = ["Addresses", "addresses", "is_load_balancer", "places"]

# Application and Classic: name.region.elb.amazonaws.com; Network: name.elb.region.amazonaws.com.
_NAME = re.compile(r"(?:[^.]+\.)+elb\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?\.")
# "The TTL for load balancers" (route53/ResourceRecordSet.TTL).
_TTL = 60
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a load balancer is: ``values`` of the type asked for, empty if it has none of that type."""

    ttl: int
    values: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.values)


def is_load_balancer(name: str) -> bool:
    """Whether a canonical name is one that Elastic Load Balancing gives."""
    return _NAME.fullmatch(name) is not None


class _Places(dict[str, str]):
    """Canonical name -> address of the load balancers that there are."""


def places(world: World) -> dict[str, str]:
    """Those of this target, to be kept up to date by who makes and deletes them."""
    return world.in_account(_Places, "*")


def addresses(world: World, name: str, kind: str) -> Addresses:
    """Two addresses for A; for AAAA two if the name says that it has both kinds (``dualstack.``), else none."""
    own = places(world).get(name.removeprefix("dualstack."))
    if own is not None:
        return Addresses(_TTL, (own,) if kind == "A" else ())
    mark = zlib.crc32(name.removeprefix("dualstack.").encode())
    first, second = mark % 254 + 1, (mark >> 8) % 254 + 1
    if kind == "A":
        start = mark % 3
        return Addresses(_TTL, (f"{_NETWORKS[start]}.{first}", f"{_NETWORKS[(start + 1) % 3]}.{second}"))
    if kind == "AAAA" and name.startswith("dualstack."):
        return Addresses(_TTL, (f"2001:db8:0:1::{first:x}", f"2001:db8:0:2::{second:x}"))
    return Addresses(_TTL, ())
