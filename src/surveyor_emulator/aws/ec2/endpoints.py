"""Gateway endpoints of S3: a way from the subnets of route tables to S3, without one to the internet.

Amazon VPC User Guide, "Gateway endpoints for Amazon S3": each table of the endpoint gets a route to the prefix list of
S3. Endpoints of other kinds and services are not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .interfaces import S3
from .route_tables import route_tables_by_id
from .state import ec2_state, new_id
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND

__all__ = ["create_vpc_endpoint", "delete_vpc_endpoints", "describe_vpc_endpoints"]

NOT_FOUND = "InvalidVpcEndpointId.NotFound"
_FILTERS = TAG_FILTERS | {"service-name", "vpc-endpoint-id", "vpc-endpoint-state", "vpc-endpoint-type", "vpc-id"}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A gateway endpoint and the route tables that lead to it."""

    id: str
    vpc: str
    service: str
    tables: tuple[str, ...]
    created: float


@dataclass(slots=True)
class _Endpoints:
    by_id: dict[str, _Endpoint] = field(default_factory=dict)


def create_vpc_endpoint(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateVpcEndpoint, of the type Gateway for S3."""
    state, endpoints = ec2_state(call.world, call.account, call.region), _all(call)
    vpc = select_by_id(state.vpcs, [request["VpcId"]], VPC_NOT_FOUND)[0]
    service = str(request.get("ServiceName") or "")
    if service != f"com.amazonaws.{call.region}.s3" or (request.get("VpcEndpointType") or "Gateway") != "Gateway":
        raise ServiceError("UnsupportedOperation", "The embedded target has gateway endpoints of S3 only")
    tables = route_tables_by_id(state, cast("list[object]", request.get("RouteTableIds") or []), vpc.id)
    for table in tables:
        if S3 in table.routes:
            raise ServiceError("RouteAlreadyExists", f"route table {table.id} already has a route with {S3}")
    tags = specified_tags(request, "vpc-endpoint")
    endpoint = _Endpoint(
        new_id("vpce", call.world.random), vpc.id, service, tuple(table.id for table in tables), call.now
    )
    endpoints[endpoint.id] = endpoint
    for table in tables:
        table.routes[S3] = endpoint.id
    if tags:
        state.tags[endpoint.id] = tags
    return {"VpcEndpoint": _describe(call, endpoint)}


def delete_vpc_endpoints(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteVpcEndpoints, with the routes to them; what does not exist is in the answer."""
    state, endpoints = ec2_state(call.world, call.account, call.region), _all(call)
    unsuccessful = []
    for identity in cast("list[str]", request["VpcEndpointIds"]):
        if endpoints.pop(identity, None) is None:
            error = {"Code": NOT_FOUND, "Message": f"The Vpc Endpoint Id '{identity}' does not exist"}
            unsuccessful.append({"ResourceId": identity, "Error": error})
        for table in state.route_tables.values():
            table.routes = {key: target for key, target in table.routes.items() if target != identity}
        state.tags.pop(identity, None)
    return {"Unsuccessful": unsuccessful}


def describe_vpc_endpoints(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeVpcEndpoints."""
    tags = ec2_state(call.world, call.account, call.region).tags

    def filter_values(one: _Endpoint) -> FilterValues:
        return {
            "service-name": (one.service,),
            "vpc-endpoint-id": (one.id,),
            "vpc-endpoint-state": ("available",),
            "vpc-endpoint-type": ("Gateway",),
            "vpc-id": (one.vpc,),
            **tag_filter_values(tags.get(one.id, {})),
        }

    named = select_by_id(_all(call), request.get("VpcEndpointIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"VpcEndpoints": [_describe(call, one) for one in found], "NextToken": token}


def _all(call: Call) -> dict[str, _Endpoint]:
    return call.world.regional(_Endpoints, call.account, call.region).by_id


def _describe(call: Call, one: _Endpoint) -> dict[str, object]:
    return {
        "VpcEndpointId": one.id,
        "VpcEndpointType": "Gateway",
        "VpcId": one.vpc,
        "ServiceName": one.service,
        "State": "available",
        "RouteTableIds": list(one.tables),
        "CreationTimestamp": one.created,
        "OwnerId": call.account,
        "Tags": tag_list(ec2_state(call.world, call.account, call.region).tags.get(one.id, {})),
    }
