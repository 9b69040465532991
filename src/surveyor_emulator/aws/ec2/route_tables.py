"""Route tables: each VPC has a main one, which routes its subnets unless they are associated with another.

Routes decide whether images can be pulled (setting `egress`), and whether tasks reach AWS (setting `traffic`).
Source: Amazon VPC User Guide, "Route table concepts", and the reference of each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .interfaces import S3
from .state import Ec2State, RouteTable, Subnet, ec2_state, new_id
from .subnets import NOT_FOUND as SUBNET_NOT_FOUND
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND

__all__ = [
    "associate_route_table",
    "create_route",
    "create_route_table",
    "delete_route",
    "delete_route_table",
    "describe_route_tables",
    "disassociate_route_table",
    "has_way_out",
    "leads_to_s3",
    "replace_route",
    "route_tables_by_id",
]

NOT_FOUND = "InvalidRouteTableID.NotFound"
MAX_TABLES = 200  # of a VPC (Amazon VPC quotas)
_ANYWHERE, _ANYWHERE_IPV6 = "0.0.0.0/0", "::/0"
_LOCAL = "local"
_DESTINATIONS = {"DestinationCidrBlock": IPv4Network, "DestinationIpv6CidrBlock": IPv6Network}
_TARGETS = ("GatewayId", "NatGatewayId")
_FILTERS = TAG_FILTERS | {
    "association.main",
    "association.route-table-association-id",
    "association.route-table-id",
    "association.subnet-id",
    "owner-id",
    "route-table-id",
    "route.destination-cidr-block",
    "route.destination-ipv6-cidr-block",
    "route.gateway-id",
    "route.nat-gateway-id",
    "route.origin",
    "route.state",
    "vpc-id",
}


def create_route_table(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateRouteTable: it routes within the VPC."""
    state = ec2_state(call.world, call.account, call.region)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], VPC_NOT_FOUND)[0]
    tags = specified_tags(request, "route-table")
    token = request.get("ClientToken")
    if f"{call.operation}/{token}" in state.tokens:
        identity, first = state.tokens[f"{call.operation}/{token}"]
        if first != request:
            raise ServiceError("IdempotentParameterMismatch", "The client token was used with other parameters")
        return {"RouteTable": _describe(call, state, _find(state, identity)), "ClientToken": token}
    if sum(table.vpc == vpc.id for table in state.route_tables.values()) >= MAX_TABLES:
        raise ServiceError("RouteTableLimitExceeded", "The maximum number of route tables has been reached.")
    routes = {str(block): _LOCAL for block in (vpc.cidr, vpc.ipv6) if block is not None}
    table = RouteTable(new_id("rtb", call.world.random), vpc.id, routes)
    state.route_tables[table.id] = table
    if tags:
        state.tags[table.id] = tags
    if token:
        state.tokens[f"{call.operation}/{token}"] = (table.id, dict(request))
    return {"RouteTable": _describe(call, state, table), "ClientToken": token}


def delete_route_table(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteRouteTable; fail for a main table and for one that is associated with subnets."""
    state = ec2_state(call.world, call.account, call.region)
    table = _find(state, request["RouteTableId"])
    if table.main is not None or table.associations:
        raise ServiceError(
            "DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted."
        )
    del state.route_tables[table.id]
    state.tags.pop(table.id, None)
    return {}


def describe_route_tables(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeRouteTables. A subnet that follows the main table is in no association."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(table: RouteTable) -> FilterValues:
        values: dict[str, list[str]] = {}
        for kind, shapes in (("association", _associations(table)), ("route", _routes(state, table))):
            for shape in shapes:
                for member, value in shape.items():
                    values.setdefault(f"{kind}.{_FILTER_OF.get(member, member)}", []).append(_text(value))
        return {
            **values,
            "owner-id": (call.account,),
            "route-table-id": (table.id,),
            "vpc-id": (table.vpc,),
            **tag_filter_values(state.tags.get(table.id, {})),
        }

    named = select_by_id(state.route_tables, request.get("RouteTableIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"RouteTables": [_describe(call, state, table) for table in found], "NextToken": token}


def associate_route_table(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle AssociateRouteTable, with a subnet."""
    state = ec2_state(call.world, call.account, call.region)
    table = _find(state, request["RouteTableId"])
    if request.get("GatewayId") or request.get("PublicIpv4Pool"):
        raise ServiceError("UnsupportedOperation", "The embedded target associates route tables with subnets only")
    if not request.get("SubnetId"):
        raise ServiceError("MissingParameter", "The request must contain the parameter subnetId")
    subnet = select_by_id(state.subnets, [request["SubnetId"]], SUBNET_NOT_FOUND)[0]
    if subnet.vpc != table.vpc:
        raise ServiceError(
            "InvalidParameterValue", f"Route table {table.id} and subnet {subnet.id} belong to different networks"
        )
    if any(subnet.id in other.associations.values() for other in state.route_tables.values()):
        raise ServiceError(
            "Resource.AlreadyAssociated",
            f"the specified association for route table {table.id} conflicts with an existing association",
        )
    identity = new_id("rtbassoc", call.world.random)
    table.associations[identity] = subnet.id
    return {"AssociationId": identity, "AssociationState": {"State": "associated"}}


def disassociate_route_table(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DisassociateRouteTable: the subnet follows the main table again."""
    state = ec2_state(call.world, call.account, call.region)
    identity = str(request["AssociationId"])
    for table in state.route_tables.values():
        if table.main == identity:
            raise ServiceError(
                "InvalidParameterValue", f"cannot disassociate the main route table association {identity}"
            )
        if table.associations.pop(identity, None) is not None:
            return {}
    raise ServiceError("InvalidAssociationID.NotFound", f"The association ID '{identity}' does not exist")


def create_route(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateRoute, to a gateway; host bits of the destination are cleared."""
    state = ec2_state(call.world, call.account, call.region)
    table, destination = _find(state, request["RouteTableId"]), _destination(request)
    if destination in table.routes:
        raise ServiceError("RouteAlreadyExists", f"The route identified by {destination} already exists.")
    table.routes[destination] = _target(state, table, request)
    return {"Return": True}


def replace_route(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ReplaceRoute, to a gateway."""
    state = ec2_state(call.world, call.account, call.region)
    table, destination = _find_route(state, request)
    table.routes[destination] = _target(state, table, request)
    return {}


def delete_route(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteRoute."""
    state = ec2_state(call.world, call.account, call.region)
    table, destination = _find_route(state, request)
    del table.routes[destination]
    return {}


def has_way_out(state: Ec2State, subnet: Subnet, *, has_public_ip: bool) -> bool:
    """Return whether connections from an address of a subnet reach the internet.

    ECS Developer Guide, "Task networking options for Fargate": by a public address in a public subnet, or by a NAT
    gateway from a private one. What has an IPv6 address needs no other, only a route.
    """
    routes = _table_of(state, subnet).routes
    if subnet.native:
        return _leads_out(state, subnet, routes.get(_ANYWHERE_IPV6))
    nat = state.nat_gateways.get(routes.get(_ANYWHERE, ""))
    if nat is not None:
        return _leads_out(state, subnet, _table_of(state, state.subnets[nat.subnet]).routes.get(_ANYWHERE))
    return has_public_ip and _leads_out(state, subnet, routes.get(_ANYWHERE))


def leads_to_s3(state: Ec2State, subnet: Subnet) -> bool:
    """Return whether a gateway endpoint of S3 is in the route table of a subnet."""
    return S3 in _table_of(state, subnet).routes


def route_tables_by_id(state: Ec2State, identities: Iterable[object], vpc: str) -> list[RouteTable]:
    """Return route tables of one VPC. Raises ServiceError."""
    tables = [_find(state, identity) for identity in identities]
    for table in tables:
        if table.vpc != vpc:
            raise ServiceError("InvalidParameter", f"Route table {table.id} does not belong to network {vpc}")
    return tables


def _leads_out(state: Ec2State, subnet: Subnet, target: str | None) -> bool:
    gateway = state.internet_gateways.get(target or "")
    return gateway is not None and gateway.vpc == subnet.vpc


def _table_of(state: Ec2State, subnet: Subnet) -> RouteTable:
    tables = [table for table in state.route_tables.values() if table.vpc == subnet.vpc]
    own = (table for table in tables if subnet.id in table.associations.values())
    return next(own, None) or next(table for table in tables if table.main is not None)


def _find(state: Ec2State, identity: object) -> RouteTable:
    if identity not in state.route_tables:
        raise ServiceError(NOT_FOUND, f"The routeTable ID '{identity}' does not exist")
    return state.route_tables[str(identity)]


def _find_route(state: Ec2State, request: Mapping[str, object]) -> tuple[RouteTable, str]:
    """Return the table of a request and the destination of a route in it that can be changed."""
    table, destination = _find(state, request["RouteTableId"]), _destination(request)
    if destination not in table.routes:
        raise ServiceError(
            "InvalidRoute.NotFound", f"no route with destination-cidr-block {destination} in route table {table.id}"
        )
    if table.routes[destination] == _LOCAL:
        raise ServiceError(
            "InvalidParameterValue", f"cannot remove local route {destination} in route table {table.id}"
        )
    return table, destination


def _destination(request: Mapping[str, object]) -> str:
    if request.get("DestinationPrefixListId"):
        raise ServiceError("UnsupportedOperation", "The embedded target has no prefix lists")
    given = [(name, str(request[name])) for name in _DESTINATIONS if request.get(name)]
    if len(given) != 1:
        raise ServiceError(
            "MissingParameter" if not given else "InvalidParameterCombination",
            "The request must contain exactly one of destinationCidrBlock and destinationIpv6CidrBlock",
        )
    [(name, text)] = given
    try:
        return str(_DESTINATIONS[name](text, strict=False))
    except ValueError:
        parameter = name[0].lower() + name[1:]
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.",
        ) from None


def _target(state: Ec2State, table: RouteTable, request: Mapping[str, object]) -> str:
    """Return the gateway that a request names: the only target that it names."""
    others = {"DryRun", "LocalTarget", "RouteTableId", *_DESTINATIONS, *_TARGETS}
    for name in request:
        if name not in others and request[name]:
            raise ServiceError("UnsupportedOperation", f"The embedded target has no routes with {name}")
    given = [(name, str(request[name])) for name in _TARGETS if request.get(name)]
    if len(given) != 1:
        raise ServiceError(
            "MissingParameter" if not given else "InvalidParameterCombination",
            "The request must contain exactly one of gatewayId and natGatewayId",
        )
    [(name, identity)] = given
    if name == "NatGatewayId":
        nat = state.nat_gateways.get(identity)
        if nat is None:
            raise ServiceError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{identity}' does not exist")
        vpc: str | None = nat.vpc
    else:
        gateway = state.internet_gateways.get(identity)
        if gateway is None:
            raise ServiceError("InvalidGatewayID.NotFound", f"The gateway ID '{identity}' does not exist")
        vpc = gateway.vpc
    if vpc != table.vpc:
        raise ServiceError(
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {identity} belong to different networks",
        )
    return identity


def _is_active(state: Ec2State, table: RouteTable, target: str) -> bool:
    gateway = state.internet_gateways.get(target)
    return (
        target == _LOCAL
        or target.startswith("vpce-")
        or target in state.nat_gateways
        or (gateway is not None and gateway.vpc == table.vpc)
    )


# The names of filters by the members that they read.
_FILTER_OF = {
    "DestinationCidrBlock": "destination-cidr-block",
    "DestinationIpv6CidrBlock": "destination-ipv6-cidr-block",
    "GatewayId": "gateway-id",
    "Main": "main",
    "NatGatewayId": "nat-gateway-id",
    "Origin": "origin",
    "RouteTableAssociationId": "route-table-association-id",
    "RouteTableId": "route-table-id",
    "State": "state",
    "SubnetId": "subnet-id",
}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _associations(table: RouteTable) -> list[dict[str, object]]:
    main: dict[str, str | None] = {table.main: None} if table.main is not None else {}
    return [
        {
            "RouteTableAssociationId": identity,
            "RouteTableId": table.id,
            "Main": subnet is None,
            "AssociationState": {"State": "associated"},
            **({"SubnetId": subnet} if subnet is not None else {}),
        }
        for identity, subnet in (main | table.associations).items()
    ]


def _routes(state: Ec2State, table: RouteTable) -> list[dict[str, object]]:
    return [
        {
            _kind_of(destination): destination,
            "NatGatewayId" if target.startswith("nat-") else "GatewayId": target,
            "Origin": "CreateRouteTable" if target == _LOCAL else "CreateRoute",
            "State": "active" if _is_active(state, table, target) else "blackhole",
        }
        for destination, target in table.routes.items()
    ]


def _kind_of(destination: str) -> str:
    if destination.startswith("pl-"):
        return "DestinationPrefixListId"
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def _describe(call: Call, state: Ec2State, table: RouteTable) -> dict[str, object]:
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc,
        "OwnerId": call.account,
        "Routes": _routes(state, table),
        "Associations": _associations(table),
        "PropagatingVgws": [],
        "Tags": tag_list(state.tags.get(table.id, {})),
    }
