"""VPCs: what private namespaces are attached to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import Facts, filtered, page, picked
from .state import IPV6, Ec2State, Vpc, ec2_state, make_default_vpc, new_id
from .tags import TAG_FILTERS, specified_tags, tag_facts, tag_list

__all__ = [
    "create_default_vpc",
    "create_vpc",
    "delete_vpc",
    "describe_vpc_attribute",
    "describe_vpcs",
    "ipv6_association",
    "modify_vpc_attribute",
    "network",
]

NOT_FOUND = "InvalidVpcID.NotFound"
_FILTERS = TAG_FILTERS | {
    "cidr",
    "cidr-block-association.cidr-block",
    "dhcp-options-id",
    "is-default",
    "owner-id",
    "state",
    "vpc-id",
}
_ATTRIBUTES = {
    "enableDnsSupport": ("EnableDnsSupport", "dns_support"),
    "enableDnsHostnames": ("EnableDnsHostnames", "dns_hostnames"),
    "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", "network_metrics"),
}


def create_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """CreateVpc, with a CIDR block of its own, and one of IPv6 if that is asked for; address pools are not offered."""
    state = ec2_state(call.world, call.account, call.region)
    for name in request:
        if name.startswith("Ip"):
            raise ServiceError("UnsupportedOperation", f"The embedded target's VPCs do not offer {name}")
    if not request.get("CidrBlock"):
        raise ServiceError("MissingParameter", "The request must contain the parameter CidrBlock")
    cidr = network(str(request["CidrBlock"]), "InvalidVpc.Range")
    tags = specified_tags(request, "vpc")
    _room(call, state)
    chance = call.world.chance
    vpc = Vpc(
        new_id("vpc", chance),
        str(cidr),
        False,
        new_id("dopt", chance),
        tenancy=str(request.get("InstanceTenancy") or "default"),
        ipv6=_ipv6(call) if request.get("AmazonProvidedIpv6CidrBlock") else None,
    )
    state.vpcs[vpc.id] = vpc
    if tags:
        state.tags[vpc.id] = tags
    call.note("ec2.vpc.created", vpc.id, vpc.cidr)
    # "pending" is what the call answers; nothing here can be seen before it is available.
    return {"Vpc": _told(call, state, vpc) | {"State": "pending"}}


def _ipv6(call: Call) -> IPv6Network:
    """A /56, any of them."""
    number = call.world.chance.getrandbits(56 - IPV6.prefixlen)
    return IPv6Network((int(IPV6.network_address) + (number << (128 - 56)), 56))


def create_default_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """CreateDefaultVpc: once the region has none."""
    state = ec2_state(call.world, call.account, call.region)
    if any(vpc.is_default for vpc in state.vpcs.values()):
        raise ServiceError("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    _room(call, state)
    vpc = make_default_vpc(state, call.region, call.world.chance)
    call.note("ec2.vpc.created", vpc.id, vpc.cidr)
    return {"Vpc": _told(call, state, vpc) | {"State": "pending"}}


def describe_vpcs(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DescribeVpcs."""
    state = ec2_state(call.world, call.account, call.region)

    def facts(vpc: Vpc) -> Facts:
        return {
            "cidr": (vpc.cidr,),
            "cidr-block-association.cidr-block": (vpc.cidr,),
            "dhcp-options-id": (vpc.dhcp_options,),
            "is-default": (str(vpc.is_default).lower(),),
            "owner-id": (call.account,),
            "state": (vpc.state,),
            "vpc-id": (vpc.id,),
            **tag_facts(state.tags.get(vpc.id, {})),
        }

    named = picked(state.vpcs, request.get("VpcIds"), NOT_FOUND)
    found, token = page(filtered(named, request, _FILTERS, facts), request)
    return {"Vpcs": [_told(call, state, vpc) for vpc in found], "NextToken": token}


def delete_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DeleteVpc, once nothing is left in it."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = picked(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    if state.subnets_of(vpc.id):
        raise ServiceError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    del state.vpcs[vpc.id]
    state.tags.pop(vpc.id, None)
    call.note("ec2.vpc.deleted", vpc.id)
    return {}


def describe_vpc_attribute(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DescribeVpcAttribute: one attribute."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = picked(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    member, attribute = _ATTRIBUTES[str(request["Attribute"])]
    return {"VpcId": vpc.id, member: {"Value": getattr(vpc, attribute)}}


def modify_vpc_attribute(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """ModifyVpcAttribute: one attribute a call, as its reference says."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = picked(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    given = [(member, attribute) for member, attribute in _ATTRIBUTES.values() if request.get(member) is not None]
    if len(given) != 1:
        raise ServiceError("InvalidParameterCombination", "Fields for exactly one attribute are to be specified")
    member, attribute = given[0]
    value = cast("dict[str, bool]", request[member]).get("Value")
    if value is None:
        raise ServiceError("MissingParameter", f"The request must contain the parameter {member}.Value")
    if attribute == "dns_hostnames" and value and not vpc.dns_support:
        raise ServiceError("InvalidParameterCombination", "DNS hostnames can be enabled only where DNS support is")
    setattr(vpc, attribute, value)
    return {}


def network(text: str, range_error: str) -> IPv4Network:
    """A CIDR block of the documented sizes; host bits are cleared, as CreateVpc and CreateSubnet say they do."""
    try:
        cidr = IPv4Network(text, strict=False) if "/" in text else None
    except ValueError:
        cidr = None
    if cidr is None:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        )
    if not 16 <= cidr.prefixlen <= 28:
        raise ServiceError(range_error, f"The CIDR '{text}' is invalid: the block size is between /16 and /28")
    return cidr


def ipv6_association(resource: str, block: IPv6Network | None) -> list[dict[str, object]]:
    """How the IPv6 block of a VPC or a subnet is told."""
    if block is None:
        return []
    kind, _, rest = resource.partition("-")
    state = {"State": "associated"}
    member = "Ipv6CidrBlockState"
    return [{"AssociationId": f"{kind}-cidr-assoc-{rest}", "Ipv6CidrBlock": str(block), member: state}]


def _room(call: Call, state: Ec2State) -> None:
    if len(state.vpcs) >= call.world.settings.quotas.vpcs:
        raise ServiceError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


def _told(call: Call, state: Ec2State, vpc: Vpc) -> dict[str, object]:
    association = {
        "AssociationId": f"vpc-cidr-assoc-{vpc.id.partition('-')[2]}",
        "CidrBlock": vpc.cidr,
        "CidrBlockState": {"State": "associated"},
    }
    return {
        "VpcId": vpc.id,
        "OwnerId": call.account,
        "State": vpc.state,
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [association],
        "Ipv6CidrBlockAssociationSet": ipv6_association(vpc.id, vpc.ipv6),
        "DhcpOptionsId": vpc.dhcp_options,
        "InstanceTenancy": vpc.tenancy,
        "IsDefault": vpc.is_default,
        "Tags": tag_list(state.tags.get(vpc.id, {})),
    }
