"""The operations of EC2. Imported with the first request to EC2; the start of the target needs only its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import endpoints, gateways, groups, instances, interfaces, route_tables, subnets, tags, vpcs, zones

__all__ = ["HANDLERS"]

_Handler = Callable[[Call, Mapping[str, object]], dict[str, object]]


def _with_dry_run(handler: _Handler) -> _Handler:
    """Return the handler with support for ``DryRun``: nothing is changed, and the error says it would have been."""

    def handle(call: Call, request: Mapping[str, object]) -> dict[str, object]:
        if request.get("DryRun"):
            raise ServiceError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
        return handler(call, request)

    return handle


HANDLERS: Mapping[str, _Handler] = {
    operation: _with_dry_run(handler)
    for operation, handler in {
        "AssociateRouteTable": route_tables.associate_route_table,
        "AttachInternetGateway": gateways.attach_internet_gateway,
        "AuthorizeSecurityGroupEgress": groups.authorize_egress,
        "AuthorizeSecurityGroupIngress": groups.authorize_ingress,
        "CreateDefaultVpc": vpcs.create_default_vpc,
        "CreateInternetGateway": gateways.create_internet_gateway,
        "CreateRoute": route_tables.create_route,
        "CreateRouteTable": route_tables.create_route_table,
        "CreateSecurityGroup": groups.create_security_group,
        "CreateSubnet": subnets.create_subnet,
        "CreateTags": tags.create_tags,
        "CreateVpc": vpcs.create_vpc,
        "CreateVpcEndpoint": endpoints.create_vpc_endpoint,
        "DeleteInternetGateway": gateways.delete_internet_gateway,
        "DeleteRoute": route_tables.delete_route,
        "DeleteRouteTable": route_tables.delete_route_table,
        "DeleteSecurityGroup": groups.delete_security_group,
        "DeleteSubnet": subnets.delete_subnet,
        "DeleteTags": tags.delete_tags,
        "DeleteVpc": vpcs.delete_vpc,
        "DeleteVpcEndpoints": endpoints.delete_vpc_endpoints,
        "DescribeAvailabilityZones": zones.describe_availability_zones,
        "DescribeInstances": instances.describe_instances,
        "DescribeInternetGateways": gateways.describe_internet_gateways,
        "DescribeManagedPrefixLists": interfaces.describe_managed_prefix_lists,
        "DescribeNatGateways": gateways.describe_nat_gateways,
        "DescribeNetworkInterfaces": interfaces.describe_network_interfaces,
        "DescribeRegions": zones.describe_regions,
        "DescribeRouteTables": route_tables.describe_route_tables,
        "DescribeSecurityGroups": groups.describe_security_groups,
        "DescribeSubnets": subnets.describe_subnets,
        "DescribeTags": tags.describe_tags,
        "DescribeVpcAttribute": vpcs.describe_vpc_attribute,
        "DescribeVpcEndpoints": endpoints.describe_vpc_endpoints,
        "DescribeVpcs": vpcs.describe_vpcs,
        "DetachInternetGateway": gateways.detach_internet_gateway,
        "DisassociateRouteTable": route_tables.disassociate_route_table,
        "ModifySubnetAttribute": subnets.modify_subnet_attribute,
        "ModifyVpcAttribute": vpcs.modify_vpc_attribute,
        "ReplaceRoute": route_tables.replace_route,
        "RevokeSecurityGroupEgress": groups.revoke_egress,
        "RevokeSecurityGroupIngress": groups.revoke_ingress,
        "RunInstances": instances.run_instances,
        "TerminateInstances": instances.terminate_instances,
    }.items()
}
