"""VPCs, which private namespaces are attached to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .state import IPV6, Ec2State, Vpc, add_vpc, create_default_vpc_state, ec2_state, new_id
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list

__all__ = [
    "create_default_vpc",
    "create_vpc",
    "delete_vpc",
    "describe_vpc_attribute",
    "describe_vpcs",
    "ipv6_association",
    "modify_vpc_attribute",
    "parse_network",
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
    """Handle CreateVpc, with a CIDR block and an optional IPv6 block; address pools are not supported."""
    state = ec2_state(call.world, call.account, call.region)
    for name in request:
        if name.startswith("Ip"):
            raise ServiceError("UnsupportedOperation", f"The embedded target's VPCs do not support {name}")
    if not request.get("CidrBlock"):
        raise ServiceError("MissingParameter", "The request must contain the parameter CidrBlock")
    cidr = parse_network(str(request["CidrBlock"]), "InvalidVpc.Range")
    tags = specified_tags(request, "vpc")
    _require_space(call, state)
    generator = call.world.random
    vpc = Vpc(
        new_id("vpc", generator),
        str(cidr),
        False,
        new_id("dopt", generator),
        tenancy=str(request.get("InstanceTenancy") or "default"),
        ipv6=_ipv6(call) if request.get("AmazonProvidedIpv6CidrBlock") else None,
    )
    add_vpc(state, vpc)
    if tags:
        state.tags[vpc.id] = tags
    call.note("ec2.vpc.created", vpc.id, vpc.cidr)
    # The call returns "pending", but the VPC is available before any further call.
    return {"Vpc": _describe(call, state, vpc) | {"State": "pending"}}


def _ipv6(call: Call) -> IPv6Network:
    """Return a random /56 of the range."""
    number = call.world.random.getrandbits(56 - IPV6.prefixlen)
    return IPv6Network((int(IPV6.network_address) + (number << (128 - 56)), 56))


def create_default_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateDefaultVpc; fail if the region has one."""
    state = ec2_state(call.world, call.account, call.region)
    if any(vpc.is_default for vpc in state.vpcs.values()):
        raise ServiceError("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    _require_space(call, state)
    vpc = create_default_vpc_state(state, call.region, call.world.random)
    call.note("ec2.vpc.created", vpc.id, vpc.cidr)
    return {"Vpc": _describe(call, state, vpc) | {"State": "pending"}}


def describe_vpcs(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeVpcs."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(vpc: Vpc) -> FilterValues:
        return {
            "cidr": (vpc.cidr,),
            "cidr-block-association.cidr-block": (vpc.cidr,),
            "dhcp-options-id": (vpc.dhcp_options,),
            "is-default": (str(vpc.is_default).lower(),),
            "owner-id": (call.account,),
            "state": (vpc.state,),
            "vpc-id": (vpc.id,),
            **tag_filter_values(state.tags.get(vpc.id, {})),
        }

    named = select_by_id(state.vpcs, request.get("VpcIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"Vpcs": [_describe(call, state, vpc) for vpc in found], "NextToken": token}


def delete_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteVpc; fail while the VPC has subnets, a gateway, or route tables and groups beside the first ones."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    tables = [table for table in state.route_tables.values() if table.vpc == vpc.id]
    if (
        state.subnets_of(vpc.id)
        or any(gateway.vpc == vpc.id for gateway in state.internet_gateways.values())
        or any(table.main is None for table in tables)
        or any(target.startswith("vpce-") for table in tables for target in table.routes.values())
        or any((group.vpc, group.name != "default") == (vpc.id, True) for group in state.groups.values())
    ):
        raise ServiceError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    del state.vpcs[vpc.id]
    for identity in (vpc.id, *(table.id for table in tables)):
        state.route_tables.pop(identity, None)
        state.tags.pop(identity, None)
    call.note("ec2.vpc.deleted", vpc.id)
    return {}


def describe_vpc_attribute(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeVpcAttribute: return one attribute."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    member, attribute = _ATTRIBUTES[str(request["Attribute"])]
    return {"VpcId": vpc.id, member: {"Value": getattr(vpc, attribute)}}


def modify_vpc_attribute(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ModifyVpcAttribute: change one attribute per call, as its reference says."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], NOT_FOUND)[0]
    present = [(member, attribute) for member, attribute in _ATTRIBUTES.values() if request.get(member) is not None]
    if len(present) != 1:
        raise ServiceError("InvalidParameterCombination", "Fields for exactly one attribute must be specified")
    member, attribute = present[0]
    value = cast("dict[str, bool]", request[member]).get("Value")
    if value is None:
        raise ServiceError("MissingParameter", f"The request must contain the parameter {member}.Value")
    if attribute == "dns_hostnames" and value and not vpc.dns_support:
        raise ServiceError("InvalidParameterCombination", "DNS hostnames can be enabled only if DNS support is enabled")
    setattr(vpc, attribute, value)
    return {}


def parse_network(text: str, range_error: str) -> IPv4Network:
    """Return a CIDR block of a documented size; host bits are cleared, as CreateVpc and CreateSubnet document."""
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
    """Return the associations of a VPC's or subnet's IPv6 block in the shape of the API."""
    if block is None:
        return []
    kind, _, rest = resource.partition("-")
    state = {"State": "associated"}
    member = "Ipv6CidrBlockState"
    return [{"AssociationId": f"{kind}-cidr-assoc-{rest}", "Ipv6CidrBlock": str(block), member: state}]


def _require_space(call: Call, state: Ec2State) -> None:
    if len(state.vpcs) >= call.world.settings.quotas.vpcs:
        raise ServiceError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


def _describe(call: Call, state: Ec2State, vpc: Vpc) -> dict[str, object]:
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
