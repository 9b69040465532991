"""State of EC2 in one region of an account: VPCs, subnets, gateways, routes, instances and their tags, as plain data.

A region starts with a default VPC, as in every account created since 2013 (Amazon VPC User Guide, Default VPCs),
unless the setting `default_vpc` is `none`: accounts in use often have deleted it. It is created when the region is
first used, so that unused accounts cost nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from surveyor_emulator.core.world import World

__all__ = [
    "DEFAULT_CIDR",
    "IPV6",
    "Ec2State",
    "Instance",
    "InternetGateway",
    "NatGateway",
    "RouteTable",
    "SecurityGroup",
    "Subnet",
    "Vpc",
    "add_vpc",
    "create_default_vpc_state",
    "ec2_state",
    "new_id",
    "private_address",
    "vpcs_of",
    "zone_names",
]

DEFAULT_CIDR = IPv4Network("172.31.0.0/16")
IPV6 = IPv6Network("2001:db8::/32")
"""The range of the /56 blocks of VPCs: documentation addresses, which are not routed (RFC 3849)."""

# AWS reserves the first four addresses and the last one of every subnet (VPC User Guide, Subnet sizing).
RESERVED_FIRST = 4
RESERVED = RESERVED_FIRST + 1


@dataclass(slots=True)
class Vpc:
    """A VPC. ``state`` is always ``available``."""

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
    """A subnet of a VPC, in one availability zone."""

    id: str
    vpc: str
    cidr: IPv4Network
    zone: str
    is_default: bool
    used: set[IPv4Address] = field(default_factory=set)
    ipv6: IPv6Network | None = None
    # Whether the subnet is IPv6-only: `cidr` is then meaningless.
    native: bool = False
    assigned_ipv6: int = 0
    # The address that a task got last, by its place in the subnet.
    last_assigned: int = 0
    # Whether instances that start here get a public address.
    map_public: bool = False

    @property
    def free(self) -> int:
        """Return the number of free IPv4 addresses."""
        return 0 if self.native else self.cidr.num_addresses - RESERVED - len(self.used)

    def next_ipv6(self) -> IPv6Address | None:
        """Return an IPv6 address that was never assigned, or ``None`` if the subnet has no IPv6 block."""
        if self.ipv6 is None:
            return None
        self.assigned_ipv6 += 1
        return self.ipv6[RESERVED_FIRST + self.assigned_ipv6 - 1]

    def is_usable(self, address: IPv4Address) -> bool:
        """Return whether ``address`` is in this subnet, not reserved by AWS and not in use."""
        offset = int(address) - int(self.cidr.network_address)
        return RESERVED_FIRST <= offset < self.cidr.num_addresses - 1 and address not in self.used

    def unused_longest(self) -> Iterator[IPv4Address]:
        """Yield the free addresses, from the one after the last that a task got: that was unused for longest."""
        count = self.cidr.num_addresses - RESERVED
        for number in range(count):
            place = (self.last_assigned + number) % count
            address = self.cidr[RESERVED_FIRST + place]
            if address not in self.used:
                self.last_assigned = place + 1
                yield address

    def next_free(self) -> IPv4Address | None:
        """Return the lowest free address."""
        first = int(self.cidr.network_address) + RESERVED_FIRST
        # One candidate more than there are used addresses always contains a free one, if there is one.
        for number in range(first, first + min(len(self.used) + 1, self.cidr.num_addresses - RESERVED)):
            if IPv4Address(number) not in self.used:
                return IPv4Address(number)
        return None


@dataclass(slots=True)
class SecurityGroup:
    """A security group; rules have the shape of the API."""

    id: str
    name: str
    description: str
    vpc: str
    ingress: list[dict[str, Any]] = field(default_factory=list)
    egress: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class InternetGateway:
    """An internet gateway, attached to a VPC or to none."""

    id: str
    vpc: str | None = None


@dataclass(slots=True)
class NatGateway:
    """A public NAT gateway in a subnet, where it has an address."""

    id: str
    vpc: str
    subnet: str
    address: IPv4Address
    created: float


@dataclass(slots=True)
class RouteTable:
    """A route table of a VPC.

    ``routes``: destination -> target, an id or `local`. ``associations``: id of the association -> subnet; ``main`` is
    the id of the association that makes it the main table of its VPC.
    """

    id: str
    vpc: str
    routes: dict[str, str]
    main: str | None = None
    associations: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Instance:
    """An EC2 instance: an address without a machine. ``state`` is ``running`` or ``terminated``."""

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
    # As in the request: base64 of the script that runs at start.
    user_data: str = ""
    groups: tuple[str, ...] = ()
    has_public_ip: bool = False


@dataclass(slots=True)
class Ec2State:
    """EC2 of an account in one region.

    ``tags`` are keyed by resource id, ``tokens`` by ``ClientToken``.
    """

    initialised: bool = False
    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    internet_gateways: dict[str, InternetGateway] = field(default_factory=dict)
    nat_gateways: dict[str, NatGateway] = field(default_factory=dict)
    route_tables: dict[str, RouteTable] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)

    def subnets_of(self, vpc: str) -> list[Subnet]:
        """Return the subnets of a VPC."""
        return [subnet for subnet in self.subnets.values() if subnet.vpc == vpc]


def vpcs_of(world: World, account: str, region: str) -> Mapping[str, Vpc]:
    """Return the VPCs of an account in a region, by id."""
    return ec2_state(world, account, region).vpcs


def private_address(world: World, account: str, region: str, instance: str) -> str | None:
    """Return the primary private IPv4 address of an instance, or ``None`` if no such instance is running."""
    running = ec2_state(world, account, region).instances.get(instance)
    return running.private_ip or None if running is not None else None


def ec2_state(world: World, account: str, region: str) -> Ec2State:
    """Return the state of a region; its default VPC is created on first use."""
    state = world.regional(Ec2State, account, region)
    if not state.initialised:
        state.initialised = True
        if world.settings.default_vpc == "none":
            return state
        # A separate random generator: reading a region must not change what happens in another.
        create_default_vpc_state(state, region, random.Random(f"{world.settings.seed}/{account}/{region}"))
    return state


def create_default_vpc_state(state: Ec2State, region: str, generator: random.Random) -> Vpc:
    """Create a default VPC with a public default subnet of size /20 in each zone, and an internet gateway."""
    vpc = Vpc(new_id("vpc", generator), str(DEFAULT_CIDR), True, new_id("dopt", generator), dns_hostnames=True)
    table = add_vpc(state, vpc)
    gateway = InternetGateway(_id_beside(vpc, "igw"), vpc.id)
    state.internet_gateways[gateway.id] = gateway
    table.routes["0.0.0.0/0"] = gateway.id
    for zone, cidr in zip(zone_names(region), DEFAULT_CIDR.subnets(new_prefix=20), strict=False):
        subnet = Subnet(new_id("subnet", generator), vpc.id, cidr, zone, True, map_public=True)
        state.subnets[subnet.id] = subnet
    return vpc


def add_vpc(state: Ec2State, vpc: Vpc) -> RouteTable:
    """Add a VPC with its main route table, and return that: it routes within the VPC."""
    state.vpcs[vpc.id] = vpc
    routes = {str(block): "local" for block in (vpc.cidr, vpc.ipv6) if block is not None}
    table = RouteTable(_id_beside(vpc, "rtb"), vpc.id, routes, main=_id_beside(vpc, "rtbassoc"))
    state.route_tables[table.id] = table
    return table


def _id_beside(vpc: Vpc, prefix: str) -> str:
    """Return the id of what is created with a VPC: derived, so that it takes nothing from the random generator."""
    return f"{prefix}-{vpc.id.partition('-')[2]}"


def zone_names(region: str) -> tuple[str, ...]:
    """Return the names of a region's availability zones."""
    return tuple(f"{region}{letter}" for letter in "abc")


def new_id(prefix: str, generator: random.Random) -> str:
    """Return a new resource id: 17 hexadecimal digits, the first of them 0, as in AWS."""
    return f"{prefix}-0{generator.getrandbits(64):016x}"
