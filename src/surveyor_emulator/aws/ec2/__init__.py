"""EC2 in the small: the VPC calls that namespaces need, and instances that have an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import groups as _groups
from . import instances as _instances
from . import subnets as _subnets
from . import tags as _tags
from . import vpcs as _vpcs
from . import zones as _places
from .state import Vpc, private_address, vpcs

__all__ = ["HANDLERS", "Vpc", "private_address", "vpcs"]

_Handler = Callable[[Call, Mapping[str, object]], dict[str, object]]


def _with_dry_run(handler: _Handler) -> _Handler:
    """Every EC2 call takes ``DryRun``: then nothing happens, and an error says that it would have."""

    def handle(call: Call, request: Mapping[str, object]) -> dict[str, object]:
        if request.get("DryRun"):
            raise ServiceError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
        return handler(call, request)

    return handle


HANDLERS: Mapping[str, _Handler] = {
    operation: _with_dry_run(handler)
    for operation, handler in {
        "CreateDefaultVpc": _vpcs.create_default_vpc,
        "AuthorizeSecurityGroupEgress": _groups.authorize_egress,
        "AuthorizeSecurityGroupIngress": _groups.authorize_ingress,
        "CreateSecurityGroup": _groups.create_security_group,
        "CreateSubnet": _subnets.create_subnet,
        "CreateTags": _tags.create_tags,
        "CreateVpc": _vpcs.create_vpc,
        "DeleteSecurityGroup": _groups.delete_security_group,
        "DeleteSubnet": _subnets.delete_subnet,
        "DeleteTags": _tags.delete_tags,
        "DeleteVpc": _vpcs.delete_vpc,
        "DescribeAvailabilityZones": _places.describe_availability_zones,
        "DescribeInstances": _instances.describe_instances,
        "DescribeRegions": _places.describe_regions,
        "DescribeSecurityGroups": _groups.describe_security_groups,
        "DescribeSubnets": _subnets.describe_subnets,
        "DescribeTags": _tags.describe_tags,
        "DescribeVpcAttribute": _vpcs.describe_vpc_attribute,
        "DescribeVpcs": _vpcs.describe_vpcs,
        "ModifyVpcAttribute": _vpcs.modify_vpc_attribute,
        "RevokeSecurityGroupEgress": _groups.revoke_egress,
        "RevokeSecurityGroupIngress": _groups.revoke_ingress,
        "RunInstances": _instances.run_instances,
        "TerminateInstances": _instances.terminate_instances,
    }.items()
}
