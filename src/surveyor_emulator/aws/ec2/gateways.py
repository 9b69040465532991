"""Internet gateways, and the NAT gateways that an account has already: what routes to the internet lead to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from random import Random

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .interfaces import interfaces_of
from .state import Ec2State, InternetGateway, NatGateway, Subnet, ec2_state, new_id
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND

__all__ = [
    "add_nat_gateway",
    "attach_internet_gateway",
    "create_internet_gateway",
    "delete_internet_gateway",
    "describe_internet_gateways",
    "describe_nat_gateways",
    "detach_internet_gateway",
]

NOT_FOUND = "InvalidInternetGatewayID.NotFound"
_FILTERS = TAG_FILTERS | {"attachment.state", "attachment.vpc-id", "internet-gateway-id", "owner-id"}
_NAT_FILTERS = TAG_FILTERS | {"nat-gateway-id", "state", "subnet-id", "vpc-id"}
# Addresses for documentation, which are not routed (RFC 5737).
_NAT_ADDRESSES = IPv4Address("203.0.113.0")


def create_internet_gateway(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateInternetGateway: it is attached to no VPC. Their quota is that of VPCs (Amazon VPC quotas)."""
    state = ec2_state(call.world, call.account, call.region)
    tags = specified_tags(request, "internet-gateway")
    if len(state.internet_gateways) >= call.world.settings.quotas.vpcs:
        raise ServiceError("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
    gateway = InternetGateway(new_id("igw", call.world.random))
    state.internet_gateways[gateway.id] = gateway
    if tags:
        state.tags[gateway.id] = tags
    return {"InternetGateway": _describe(call, state, gateway)}


def attach_internet_gateway(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle AttachInternetGateway: a gateway has one VPC, and a VPC one gateway."""
    state = ec2_state(call.world, call.account, call.region)
    gateway = _find(state, request)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], VPC_NOT_FOUND)[0]
    if gateway.vpc is not None:
        raise ServiceError(
            "Resource.AlreadyAssociated", f"resource {gateway.id} is already attached to network {gateway.vpc}"
        )
    if any(other.vpc == vpc.id for other in state.internet_gateways.values()):
        raise ServiceError("InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached")
    gateway.vpc = vpc.id
    return {}


def detach_internet_gateway(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DetachInternetGateway; fail while a task or an instance of the VPC has a public address."""
    state = ec2_state(call.world, call.account, call.region)
    gateway = _find(state, request)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], VPC_NOT_FOUND)[0]
    if gateway.vpc != vpc.id:
        raise ServiceError("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc.id}")
    interfaces = interfaces_of(call.world, call.account, call.region)
    if any(one.vpc == vpc.id and one.public_ip for one in interfaces) or any(
        (instance.vpc, instance.has_public_ip, instance.state) == (vpc.id, True, "running")
        for instance in state.instances.values()
    ):
        raise ServiceError(
            "DependencyViolation",
            f"Network {vpc.id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )
    gateway.vpc = None
    return {}


def delete_internet_gateway(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteInternetGateway; fail while it is attached. Routes to it stay, and lead nowhere."""
    state = ec2_state(call.world, call.account, call.region)
    gateway = _find(state, request)
    if gateway.vpc is not None:
        raise ServiceError(
            "DependencyViolation", f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted."
        )
    del state.internet_gateways[gateway.id]
    state.tags.pop(gateway.id, None)
    return {}


def describe_internet_gateways(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeInternetGateways."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(gateway: InternetGateway) -> FilterValues:
        attached = {"attachment.state": ("available",), "attachment.vpc-id": (gateway.vpc,)} if gateway.vpc else {}
        return {
            "internet-gateway-id": (gateway.id,),
            "owner-id": (call.account,),
            **attached,
            **tag_filter_values(state.tags.get(gateway.id, {})),
        }

    named = select_by_id(state.internet_gateways, request.get("InternetGatewayIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"InternetGateways": [_describe(call, state, gateway) for gateway in found], "NextToken": token}


def describe_nat_gateways(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeNatGateways, whose filters are in `Filter`."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(gateway: NatGateway) -> FilterValues:
        return {
            "nat-gateway-id": (gateway.id,),
            "state": ("available",),
            "subnet-id": (gateway.subnet,),
            "vpc-id": (gateway.vpc,),
            **tag_filter_values(state.tags.get(gateway.id, {})),
        }

    named = select_by_id(state.nat_gateways, request.get("NatGatewayIds"), "NatGatewayNotFound")
    filters = {"Filters": request.get("Filter")}
    found, token = paginate(apply_filters(named, filters, _NAT_FILTERS, filter_values), request)
    return {"NatGateways": [_describe_nat(state, gateway) for gateway in found], "NextToken": token}


def add_nat_gateway(state: Ec2State, subnet: Subnet, created: float, generator: Random) -> NatGateway:
    """Add a NAT gateway, as other teams have them: the embedded target does not offer CreateNatGateway."""
    address = subnet.next_free()
    assert address is not None  # for a new subnet
    subnet.used.add(address)
    gateway = NatGateway(new_id("nat", generator), subnet.vpc, subnet.id, address, created)
    state.nat_gateways[gateway.id] = gateway
    return gateway


def _find(state: Ec2State, request: Mapping[str, object]) -> InternetGateway:
    identity = str(request["InternetGatewayId"])
    if identity not in state.internet_gateways:
        raise ServiceError(NOT_FOUND, f"The internetGateway ID '{identity}' does not exist")
    return state.internet_gateways[identity]


def _describe(call: Call, state: Ec2State, gateway: InternetGateway) -> dict[str, object]:
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": call.account,
        "Attachments": [{"State": "available", "VpcId": gateway.vpc}] if gateway.vpc else [],
        "Tags": tag_list(state.tags.get(gateway.id, {})),
    }


def _describe_nat(state: Ec2State, gateway: NatGateway) -> dict[str, object]:
    number = list(state.nat_gateways).index(gateway.id) + 1
    suffix = gateway.id.partition("-")[2]
    address = {
        "AllocationId": f"eipalloc-{suffix}",
        "AssociationId": f"eipassoc-{suffix}",
        "NetworkInterfaceId": f"eni-{suffix}",
        "PrivateIp": str(gateway.address),
        "PublicIp": str(_NAT_ADDRESSES + number),
        "IsPrimary": True,
        "Status": "succeeded",
    }
    return {
        "NatGatewayId": gateway.id,
        "VpcId": gateway.vpc,
        "SubnetId": gateway.subnet,
        "State": "available",
        "ConnectivityType": "public",
        "CreateTime": gateway.created,
        "NatGatewayAddresses": [address],
        "Tags": tag_list(state.tags.get(gateway.id, {})),
    }
