"""What a region of an account holds: VPCs, subnets, instances and their tags, as plain data.

A region begins with a default VPC, as those of every account since 2013 do (Amazon VPC User Guide, Default VPCs).
It is made when the region is first looked at, so that an account nobody uses costs nothing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from surveyor_emulator.core.world import World

__all__ = [
    "DEFAULT_CIDR",
    "IPV6",
    "Ec2State",
    "Instance",
    "SecurityGroup",
    "Subnet",
    "Vpc",
    "ec2_state",
    "make_default_vpc",
    "new_id",
    "private_address",
    "vpcs",
    "zones",
]

DEFAULT_CIDR = IPv4Network("172.31.0.0/16")
IPV6 = IPv6Network("2001:db8::/32")
"""What VPCs get their /56 from: addresses for documentation, which nobody routes (RFC 3849)."""

# Of every subnet the first four addresses and the last one are AWS's own (VPC User Guide, Subnet sizing).
RESERVED_FIRST = 4
RESERVED = RESERVED_FIRST + 1


@dataclass(slots=True)
class Vpc:
    """One VPC. ``state`` is ``available`` as long as it exists."""

    id: str
    cidr: str
    is_default: bool
    dhcp_options: str
    dns_support: bool = True
    dns_hostnames: bool = False
    network_metrics: bool = False
    tenancy: str = "default"
    state: str = "available"
    ipv6: IPv6Network | None = None


@dataclass(slots=True)
class Subnet:
    """One subnet of a VPC, in one availability zone."""

    id: str
    vpc: str
    cidr: IPv4Network
    zone: str
    is_default: bool
    taken: set[IPv4Address] = field(default_factory=set)
    ipv6: IPv6Network | None = None
    # Only IPv6: `cidr` is then no part of it.
    native: bool = False
    given_ipv6: int = 0

    @property
    def free(self) -> int:
        """How many addresses are left."""
        return 0 if self.native else self.cidr.num_addresses - RESERVED - len(self.taken)

    def next_ipv6(self) -> IPv6Address | None:
        """An IPv6 address that nobody has had, if the subnet has any."""
        if self.ipv6 is None:
            return None
        self.given_ipv6 += 1
        return self.ipv6[RESERVED_FIRST + self.given_ipv6 - 1]

    def usable(self, address: IPv4Address) -> bool:
        """Whether an instance may have ``address``: of this subnet, not AWS's own, not taken."""
        offset = int(address) - int(self.cidr.network_address)
        return RESERVED_FIRST <= offset < self.cidr.num_addresses - 1 and address not in self.taken

    def next_free(self) -> IPv4Address | None:
        """The lowest address that is left."""
        first = int(self.cidr.network_address) + RESERVED_FIRST
        # One more candidate than are taken always holds a free one, if there is one.
        for number in range(first, first + min(len(self.taken) + 1, self.cidr.num_addresses - RESERVED)):
            if IPv4Address(number) not in self.taken:
                return IPv4Address(number)
        return None


def _everything() -> list[dict[str, Any]]:
    return [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@dataclass(slots=True)
class SecurityGroup:
    """A security group; rules as the API has them."""

    id: str
    name: str
    description: str
    vpc: str
    ingress: list[dict[str, Any]] = field(default_factory=list)
    egress: list[dict[str, Any]] = field(default_factory=_everything)


@dataclass(slots=True)
class Instance:
    """One EC2 instance: an address, no machine. ``state`` is ``running`` or ``terminated``."""

    id: str
    reservation: str
    image: str
    type: str
    subnet: str
    vpc: str
    zone: str
    private_ip: str
    private_dns: str
    launched: float
    index: int
    client_token: str = ""
    state: str = "running"
    # As it was given: base64 of what the instance runs when it starts.
    user_data: str = ""
    groups: tuple[str, ...] = ()


@dataclass(slots=True)
class Ec2State:
    """EC2 of one account in one region. ``tags`` are by resource id, ``tokens`` by ``ClientToken``."""

    begun: bool = False
    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)

    def subnets_of(self, vpc: str) -> list[Subnet]:
        """The subnets of one VPC."""
        return [subnet for subnet in self.subnets.values() if subnet.vpc == vpc]


def vpcs(world: World, account: str, region: str) -> Mapping[str, Vpc]:
    """The VPCs of an account in a region, by id."""
    return ec2_state(world, account, region).vpcs


def private_address(world: World, account: str, region: str, instance: str) -> str | None:
    """The primary private IPv4 address of an instance; ``None`` when there is no such instance running."""
    found = ec2_state(world, account, region).instances.get(instance)
    return found.private_ip or None if found is not None else None


def ec2_state(world: World, account: str, region: str) -> Ec2State:
    """The state of a region, its default VPC made the first time."""
    state = world.regional(Ec2State, account, region)
    if not state.begun:
        state.begun = True
        # Chance of its own: that somebody looks at a region may not change what happens in another.
        make_default_vpc(state, region, random.Random(f"{world.settings.seed}/{account}/{region}"))
    return state


def make_default_vpc(state: Ec2State, region: str, chance: random.Random) -> Vpc:
    """A default VPC with a default subnet of size /20 in each zone."""
    vpc = Vpc(new_id("vpc", chance), str(DEFAULT_CIDR), True, new_id("dopt", chance), dns_hostnames=True)
    state.vpcs[vpc.id] = vpc
    for zone, cidr in zip(zones(region), DEFAULT_CIDR.subnets(new_prefix=20), strict=False):
        subnet = Subnet(new_id("subnet", chance), vpc.id, cidr, zone, True)
        state.subnets[subnet.id] = subnet
    return vpc


def zones(region: str) -> tuple[str, ...]:
    """The names of a region's availability zones."""
    return tuple(f"{region}{letter}" for letter in "abc")


def new_id(prefix: str, chance: random.Random) -> str:
    """A resource id: 17 hexadecimal digits, the first of them 0, as AWS's are."""
    return f"{prefix}-0{chance.getrandbits(64):016x}"
