"""What reaches what: decided by VPCs, routes, public addresses and security groups.

Amazon VPC User Guide, "Control traffic to your AWS resources using security groups": a connection passes if a rule of
the callee's groups admits the caller, by its address or by a group that it has, and one of the caller's groups the
callee. Answers pass always. A group that is named as a source stands for the private addresses of its members. VPCs are
not peered here, so that nothing passes between two. Tasks may have addresses of this machine that are in no subnet: a
range of addresses in a rule admits them if it holds their subnet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from surveyor_emulator.core.world import World

from .groups import groups_of
from .interfaces import ANYWHERE, CHECKERS, S3, Interface, interface_at, interface_at_public
from .route_tables import has_way_out, leads_to_s3
from .state import Ec2State, ec2_state

__all__ = ["Traffic", "address_for_checkers", "may_ask", "reaches_internet"]

_TLS = 443
Rule = Mapping[str, Any]


class Traffic:
    """Decides for one target (`surveyor_emulator.core.world.TrafficRules`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def admits(self, source: str, address: str, port: int) -> bool:
        """Return whether a connection passes; what is no interface is not decided here."""
        caller, callee = interface_at(self._world, source), interface_at(self._world, address)
        if caller is None or callee is None or caller is callee:
            return True
        return _passes(self._world, caller, callee, port) or (
            callee.faces_internet
            and reaches_internet(self._world, caller, port)
            and self._admits_internet(callee, port)
        )

    def admits_machine(self, address: str, port: int) -> bool:
        """Return whether this machine reaches an address: it is on the internet, unless it is set to be inside."""
        callee = interface_at(self._world, address)
        if self._world.settings.machine == "inside":
            return True
        return callee is not None and callee.faces_internet and self._admits_internet(callee, port)

    def is_known(self, address: str) -> bool:
        """Return whether an address is that of a task, a load balancer or a host."""
        return interface_at(self._world, address) is not None

    def is_endpoint(self, address: str, port: int) -> bool:
        """Return whether the endpoint of this target is there."""
        endpoint = urlsplit(self._world.endpoint)
        return (endpoint.hostname, endpoint.port) == (address, port)

    def _admits_internet(self, callee: Interface, port: int) -> bool:
        state = _state(self._world, callee)
        subnet = state.subnets.get(callee.subnet)
        is_routed = subnet is not None and has_way_out(state, subnet, has_public_ip=True)
        return is_routed and _any_rule(state, callee, "ingress", port, lambda rule: ANYWHERE in _ranges(rule))


def reaches_internet(world: World, interface: Interface, port: int = _TLS) -> bool:
    """Return whether connections of an interface reach the internet, where registries and the endpoints of AWS are."""
    state = _state(world, interface)
    subnet = state.subnets.get(interface.subnet)
    if subnet is None or not has_way_out(state, subnet, has_public_ip=interface.public_ip is not None):
        return False
    anywhere = "::/0" if subnet.native else ANYWHERE
    return _any_rule(state, interface, "egress", port, lambda rule: anywhere in _ranges(rule))


def _reaches_service(world: World, interface: Interface, service: str) -> bool:
    """Return whether an interface reaches a service of AWS: S3 by a gateway endpoint of the VPC, too."""
    if reaches_internet(world, interface):
        return True
    state = _state(world, interface)
    subnet = state.subnets.get(interface.subnet)
    if service != "s3" or subnet is None or not leads_to_s3(state, subnet):
        return False
    return _any_rule(
        state, interface, "egress", _TLS, lambda rule: ANYWHERE in _ranges(rule) or S3 in _prefix_lists(rule)
    )


def may_ask(world: World, peer: str, service: str) -> bool:
    """Return whether a request from an address reaches a service of AWS; what is no interface is not decided here."""
    interface = interface_at(world, peer)
    return interface is None or _reaches_service(world, interface, service)


def address_for_checkers(world: World, public_ip: str, port: int) -> str | None:
    """Return the address on this machine behind a public one, "" if its groups admit no health checker there.

    None if no task has the address.
    """
    interface = interface_at_public(world, public_ip)
    if interface is None:
        return None

    def is_for_checkers(rule: Rule) -> bool:
        return ANYWHERE in _ranges(rule) or CHECKERS in _prefix_lists(rule)

    admitted = _any_rule(_state(world, interface), interface, "ingress", port, is_for_checkers)
    return interface.address if admitted else ""


def _passes(world: World, caller: Interface, callee: Interface, port: int) -> bool:
    if caller.vpc != callee.vpc:
        return False
    state = _state(world, callee)
    return _any_rule(state, caller, "egress", port, lambda rule: _is_about(state, rule, callee)) and _any_rule(
        state, callee, "ingress", port, lambda rule: _is_about(state, rule, caller)
    )


def _state(world: World, interface: Interface) -> Ec2State:
    return ec2_state(world, interface.account, interface.region)


def _any_rule(state: Ec2State, interface: Interface, way: str, port: int, is_met: Callable[[Rule], bool]) -> bool:
    known = groups_of(state)
    rules: Iterable[Rule] = (
        rule for group in interface.groups if group in known for rule in getattr(known[group], way)
    )
    return any(_is_for(rule, port) and is_met(rule) for rule in rules)


def _is_for(rule: Rule, port: int) -> bool:
    if str(rule.get("IpProtocol")) == "-1":
        return True
    return str(rule.get("IpProtocol")) in ("tcp", "6") and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65_535)


def _is_about(state: Ec2State, rule: Rule, other: Interface) -> bool:
    """Return whether a rule names another interface, by a group or by its address."""
    if any(pair.get("GroupId") in other.groups for pair in rule.get("UserIdGroupPairs") or ()):
        return True
    subnet = state.subnets.get(other.subnet)
    return any(_holds(text, other, subnet.cidr if subnet is not None else None) for text in _ranges(rule))


def _holds(text: str, other: Interface, subnet: IPv4Network | None) -> bool:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    if not isinstance(network, IPv4Network):
        return False
    return IPv4Address(other.address) in network or (subnet is not None and subnet.subnet_of(network))


def _ranges(rule: Rule) -> list[str]:
    return [str(entry.get("CidrIp")) for entry in rule.get("IpRanges") or ()] + [
        str(entry.get("CidrIpv6")) for entry in rule.get("Ipv6Ranges") or ()
    ]


def _prefix_lists(rule: Rule) -> list[str]:
    return [str(entry.get("PrefixListId")) for entry in rule.get("PrefixListIds") or ()]
