"""The operations of EC2. Imported with the first request to EC2; the start of the target needs only its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import groups, instances, subnets, tags, vpcs, zones

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
        "CreateDefaultVpc": vpcs.create_default_vpc,
        "AuthorizeSecurityGroupEgress": groups.authorize_egress,
        "AuthorizeSecurityGroupIngress": groups.authorize_ingress,
        "CreateSecurityGroup": groups.create_security_group,
        "CreateSubnet": subnets.create_subnet,
        "CreateTags": tags.create_tags,
        "CreateVpc": vpcs.create_vpc,
        "DeleteSecurityGroup": groups.delete_security_group,
        "DeleteSubnet": subnets.delete_subnet,
        "DeleteTags": tags.delete_tags,
        "DeleteVpc": vpcs.delete_vpc,
        "DescribeAvailabilityZones": zones.describe_availability_zones,
        "DescribeInstances": instances.describe_instances,
        "DescribeRegions": zones.describe_regions,
        "DescribeSecurityGroups": groups.describe_security_groups,
        "DescribeSubnets": subnets.describe_subnets,
        "DescribeTags": tags.describe_tags,
        "DescribeVpcAttribute": vpcs.describe_vpc_attribute,
        "DescribeVpcs": vpcs.describe_vpcs,
        "ModifyVpcAttribute": vpcs.modify_vpc_attribute,
        "RevokeSecurityGroupEgress": groups.revoke_egress,
        "RevokeSecurityGroupIngress": groups.revoke_ingress,
        "RunInstances": instances.run_instances,
        "TerminateInstances": instances.terminate_instances,
    }.items()
}
