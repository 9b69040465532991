"""Subnets: address ranges of a VPC in one availability zone."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .state import Ec2State, Subnet, Vpc, ec2_state, new_id, zone_names
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND
from .vpcs import ipv6_association, parse_network
from .zones import zone_id

__all__ = ["NOT_FOUND", "create_subnet", "delete_subnet", "describe_subnets", "modify_subnet_attribute"]

NOT_FOUND = "InvalidSubnetID.NotFound"
NONE = IPv4Network("0.0.0.0/32")
"""The IPv4 block of an IPv6-only subnet."""
_FILTERS = TAG_FILTERS | {
    "availability-zone",
    "availabilityZone",
    "availability-zone-id",
    "available-ip-address-count",
    "cidr",
    "cidr-block",
    "cidrBlock",
    "default-for-az",
    "defaultForAz",
    "owner-id",
    "state",
    "subnet-arn",
    "subnet-id",
    "vpc-id",
}


def create_subnet(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateSubnet, in the named zone or the region's first."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], VPC_NOT_FOUND)[0]
    native = bool(request.get("Ipv6Native"))
    ipv6 = _ipv6(state, vpc, request)
    if native and (ipv6 is None or request.get("CidrBlock")):
        raise ServiceError("InvalidParameterCombination", "An IPv6-only subnet has an Ipv6CidrBlock and no CidrBlock")
    if not request.get("CidrBlock") and not native:
        raise ServiceError("MissingParameter", "The request must contain the parameter CidrBlock")
    cidr = NONE if native else _cidr(state, vpc, request)
    tags = specified_tags(request, "subnet")
    if len(state.subnets_of(vpc.id)) >= call.world.settings.quotas.subnets_per_vpc:
        raise ServiceError("SubnetLimitExceeded", "The maximum number of subnets has been reached for this VPC.")
    subnet = Subnet(
        new_id("subnet", call.world.random), vpc.id, cidr, _zone(call, request), False, ipv6=ipv6, native=native
    )
    state.subnets[subnet.id] = subnet
    if tags:
        state.tags[subnet.id] = tags
    return {"Subnet": _describe(call, state, subnet)}


def _cidr(state: Ec2State, vpc: Vpc, request: Mapping[str, object]) -> IPv4Network:
    cidr = parse_network(str(request["CidrBlock"]), "InvalidSubnet.Range")
    if not cidr.subnet_of(IPv4Network(vpc.cidr)):
        raise ServiceError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid: it is not inside {vpc.cidr}")
    for other in state.subnets_of(vpc.id):
        if not other.native and other.cidr.overlaps(cidr):
            raise ServiceError("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")
    return cidr


def _ipv6(state: Ec2State, vpc: Vpc, request: Mapping[str, object]) -> IPv6Network | None:
    """Return the requested /64 inside the VPC's block."""
    text = str(request.get("Ipv6CidrBlock") or "")
    if not text:
        return None
    try:
        block = IPv6Network(text)
    except ValueError:
        raise ServiceError("InvalidParameterValue", f"Value ({text}) for parameter ipv6CidrBlock is invalid.") from None
    if block.prefixlen != 64 or vpc.ipv6 is None or not block.subnet_of(vpc.ipv6):
        raise ServiceError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid: expected a /64 inside {vpc.ipv6}")
    if any(other.ipv6 is not None and other.ipv6.overlaps(block) for other in state.subnets_of(vpc.id)):
        raise ServiceError("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")
    return block


def describe_subnets(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeSubnets."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(subnet: Subnet) -> FilterValues:
        zone, cidr, default = (subnet.zone,), (str(subnet.cidr),), (str(subnet.is_default).lower(),)
        return {
            "availability-zone": zone,
            "availabilityZone": zone,
            "availability-zone-id": (zone_id(subnet.zone),),
            "available-ip-address-count": (str(subnet.free),),
            "cidr": cidr,
            "cidr-block": cidr,
            "cidrBlock": cidr,
            "default-for-az": default,
            "defaultForAz": default,
            "owner-id": (call.account,),
            "state": ("available",),
            "subnet-arn": (_arn(call, subnet),),
            "subnet-id": (subnet.id,),
            "vpc-id": (subnet.vpc,),
            **tag_filter_values(state.tags.get(subnet.id, {})),
        }

    named = select_by_id(state.subnets, request.get("SubnetIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"Subnets": [_describe(call, state, subnet) for subnet in found], "NextToken": token}


def delete_subnet(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteSubnet; fail while an instance or a NAT gateway has an address of the subnet."""
    state = ec2_state(call.world, call.account, call.region)
    subnet = select_by_id(state.subnets, [request["SubnetId"]], NOT_FOUND)[0]
    if subnet.used:
        raise ServiceError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")
    del state.subnets[subnet.id]
    for table in state.route_tables.values():
        table.associations = {key: other for key, other in table.associations.items() if other != subnet.id}
    state.tags.pop(subnet.id, None)
    return {}


def modify_subnet_attribute(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ModifySubnetAttribute, with MapPublicIpOnLaunch."""
    state = ec2_state(call.world, call.account, call.region)
    subnet = select_by_id(state.subnets, [request["SubnetId"]], NOT_FOUND)[0]
    value = cast("dict[str, bool]", request.get("MapPublicIpOnLaunch") or {}).get("Value")
    if value is None:
        raise ServiceError("UnsupportedOperation", "The embedded target changes MapPublicIpOnLaunch only")
    if value and subnet.native:
        raise ServiceError("InvalidParameterCombination", "An IPv6-only subnet has no public IPv4 addresses")
    subnet.map_public = value
    return {}


def _zone(call: Call, request: Mapping[str, object]) -> str:
    names = zone_names(call.region)
    if request.get("AvailabilityZoneId"):
        names_by_id = {zone_id(name): name for name in names}
        zone = names_by_id.get(str(request["AvailabilityZoneId"]), "")
    else:
        zone = str(request.get("AvailabilityZone") or names[0])
    if zone not in names:
        raise ServiceError("InvalidParameterValue", f"The availability zone must be one of {', '.join(names)}")
    return zone


def _arn(call: Call, subnet: Subnet) -> str:
    return f"arn:aws:ec2:{call.region}:{call.account}:subnet/{subnet.id}"


def _describe(call: Call, state: Ec2State, subnet: Subnet) -> dict[str, object]:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": _arn(call, subnet),
        "VpcId": subnet.vpc,
        "OwnerId": call.account,
        "State": "available",
        **({} if subnet.native else {"CidrBlock": str(subnet.cidr)}),
        "Ipv6Native": subnet.native,
        "AvailableIpAddressCount": subnet.free,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": zone_id(subnet.zone),
        "DefaultForAz": subnet.is_default,
        "MapPublicIpOnLaunch": subnet.map_public,
        "AssignIpv6AddressOnCreation": subnet.native,
        "Ipv6CidrBlockAssociationSet": ipv6_association(subnet.id, subnet.ipv6),
        "Tags": tag_list(state.tags.get(subnet.id, {})),
    }
