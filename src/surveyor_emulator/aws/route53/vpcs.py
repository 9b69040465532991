"""Read VPCs from requests, and check that they exist and have no conflicting zone."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

from .shapes import VpcShape
from .state import HostedZone, Route53State, VpcKey

__all__ = ["all_zones", "has_vpc", "read_vpc", "require_no_conflict", "require_vpc"]


def read_vpc(shape: VpcShape) -> VpcKey:
    """Return the VPC of a request; both members are required, although the model calls them optional (route53/VPC)."""
    if not (shape.get("VPCId") and shape.get("VPCRegion")):
        raise ServiceError("InvalidInput", "VPC needs VPCId and VPCRegion")
    return VpcKey(shape["VPCId"], shape["VPCRegion"])


def has_vpc(world: World, account: str, vpc: VpcKey) -> bool:
    """Whether the account has that VPC."""
    return vpc.id in vpcs_of(world, account, vpc.region)


def require_vpc(world: World, account: str, vpc: VpcKey) -> None:
    """Raise InvalidVPCId unless the account has that VPC."""
    if not has_vpc(world, account, vpc):
        raise ServiceError("InvalidVPCId", f"account {account} has no VPC {vpc.id} in {vpc.region}")


def require_no_conflict(world: World, name: str, vpc: VpcKey) -> None:
    """Raise ConflictingDomainExists if a private zone of that name, in any account, is associated with the VPC."""
    for zone in all_zones(world):
        if zone.name == name and vpc in zone.vpcs:
            raise ServiceError(
                "ConflictingDomainExists",
                f"The VPC {vpc.id} in region {vpc.region} has already been associated with the hosted zone {zone.id}"
                " with the same domain name.",
            )


def all_zones(world: World) -> Iterator[HostedZone]:
    """Yield the zones of all accounts."""
    for _, _, state in world.everywhere(Route53State):
        yield from state.zones.values()
