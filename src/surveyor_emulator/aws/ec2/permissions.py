"""The permissions that requests to EC2 need (Service Authorization Reference, Amazon EC2).

A resource that a request creates has no id yet: its ARN ends with ``*``. Tags given at creation need ``ec2:CreateTags``
on it as well (EC2 User Guide, "Grant permission to tag Amazon EC2 resources during creation"), and an image that a
parameter names needs ``ssm:GetParameters`` ("Use a Systems Manager parameter to reference AMIs in Amazon EC2").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, fill, none_named, texts
from surveyor_emulator.aws.iam.permission_request import Keys, PermissionRequest, tags_of_request
from surveyor_emulator.core.world import Call

from .state import ec2_state

__all__ = ["permission_requests"]

_KINDS = {
    "vpc": "vpc",
    "subnet": "subnet",
    "i": "instance",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "vpce": "vpc-endpoint",
}
_NEW_INSTANCE_PARTS = ("instance", "network-interface", "volume")


def _template(kind: str) -> str:
    return f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{name}}"


def _by_id(kind: str, *members: str) -> Find:
    """Return a function that finds resources of one kind by their ids, with tags and VPC."""

    def find(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        tags = ec2_state(call.world, call.account, call.region).tags
        for identity in texts(params, members):
            yield NamedResource(fill(_template(kind), call, identity), tags=tags.get(identity, {}))

    return find


def _tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    for identity in texts(params, ("Resources",)):
        kind = _KINDS.get(identity.rpartition("-")[0])
        if kind is None:
            return
        yield from _by_id(kind, "Id")(call, {"Id": identity})


def _vpc_of_group(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    state = ec2_state(call.world, call.account, call.region)
    identity = params.get("VpcId") or next((vpc.id for vpc in state.vpcs.values() if vpc.is_default), "")
    yield from _by_id("vpc", "Id")(call, {"Id": identity})


def _groups(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find the security groups of new instances: those of the request, or the VPC's own, which may be any."""
    given = [*texts(params, ("SecurityGroupIds",))]
    for interface in params.get("NetworkInterfaces") or ():
        given += texts(interface, ("Groups",))
    yield from _by_id("security-group", "Ids")(call, {"Ids": given or ["*"]})


def _subnet(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    given = [*texts(params, ("SubnetId",))]
    for interface in params.get("NetworkInterfaces") or ():
        given += texts(interface, ("SubnetId",))
    yield from _by_id("subnet", "Ids")(call, {"Ids": given or ["*"]})


def _table_of_association(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    tables = ec2_state(call.world, call.account, call.region).route_tables.values()
    found = [table.id for table in tables if params.get("AssociationId") in (table.main, *table.associations)]
    yield from _by_id("route-table", "Ids")(call, {"Ids": found})


def _image(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield NamedResource(f"arn:aws:ec2:{call.region}::image/{params.get('ImageId') or '*'}")


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    return {"ec2:Region": (call.region,)}


def _further(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    yield from _tagging(call, params)
    if call.operation == "CreateVpcEndpoint":  # route tables are optional
        for table in texts(params, ("RouteTableIds",)):
            yield PermissionRequest(fill(_template("route-table"), call, table), _keys(call, params))
    image = str(params.get("ImageId") or "")
    if image.startswith("resolve:ssm:"):
        name = image.removeprefix("resolve:ssm:").partition(":")[0].lstrip("/")
        owner = "" if name.startswith("aws/") else call.account  # public parameters belong to AWS
        yield PermissionRequest(f"arn:aws:ssm:{call.region}:{owner}:parameter/{name}", {}, "ssm:GetParameters")


def _tagging(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    for specification in params.get("TagSpecifications") or ():
        if specification.get("Tags"):
            arn = fill(_template(str(specification.get("ResourceType"))), call, "*")
            keys = {**_keys(call, params), "ec2:CreateAction": (call.operation,), **tags_of_request(specification)}
            yield PermissionRequest(arn, keys, "ec2:CreateTags")


_TABLE = ActionTable(
    types=[
        (
            _by_id("vpc", "VpcId"),
            (
                "AttachInternetGateway CreateRouteTable CreateSubnet CreateVpcEndpoint DeleteVpc DescribeVpcAttribute "
                "DetachInternetGateway ModifyVpcAttribute"
            ),
        ),
        (none_named(_template("vpc")), "CreateVpc"),
        (_by_id("subnet", "SubnetId"), "AssociateRouteTable DeleteSubnet ModifySubnetAttribute"),
        (none_named(_template("subnet")), "CreateSubnet"),
        (
            _by_id("security-group", "GroupId"),
            (
                "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress DeleteSecurityGroup "
                "RevokeSecurityGroupEgress RevokeSecurityGroupIngress"
            ),
        ),
        (none_named(_template("security-group")), "CreateSecurityGroup"),
        (_vpc_of_group, "CreateSecurityGroup"),
        (_by_id("instance", "InstanceIds"), "TerminateInstances"),
        (
            _by_id("internet-gateway", "InternetGatewayId"),
            "AttachInternetGateway DeleteInternetGateway DetachInternetGateway",
        ),
        (none_named(_template("internet-gateway")), "CreateInternetGateway"),
        (
            _by_id("route-table", "RouteTableId"),
            "AssociateRouteTable CreateRoute DeleteRoute DeleteRouteTable ReplaceRoute",
        ),
        (none_named(_template("route-table")), "CreateRouteTable"),
        (none_named(_template("vpc-endpoint")), "CreateVpcEndpoint"),
        (_by_id("vpc-endpoint", "VpcEndpointIds"), "DeleteVpcEndpoints"),
        (_table_of_association, "DisassociateRouteTable"),
        (_tagged, "CreateTags DeleteTags"),
        *((none_named(_template(kind)), "RunInstances") for kind in _NEW_INSTANCE_PARTS),
        (_groups, "RunInstances"),
        (_subnet, "RunInstances"),
        (_image, "RunInstances"),
    ],
    without="CreateDefaultVpc DescribeAvailabilityZones DescribeInstances DescribeInternetGateways "
    "DescribeManagedPrefixLists DescribeNatGateways DescribeNetworkInterfaces DescribeRegions DescribeRouteTables "
    "DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVpcEndpoints DescribeVpcs",
    keys=_keys,
    further=_further,
)


def permission_requests(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the permissions of a call. EC2 has a separate key for tags of resources, ``ec2:ResourceTag/...``."""
    for request in _TABLE.permission_requests(call, params):
        prefix = "aws:ResourceTag/"
        own = {key.replace(prefix, "ec2:ResourceTag/"): value for key, value in request.keys.items() if prefix in key}
        yield request._replace(keys={**request.keys, **own})
