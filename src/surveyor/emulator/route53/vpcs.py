"""Which VPCs a private zone may be associated with."""

from __future__ import annotations

from collections.abc import Iterable

from ..ec2 import vpcs
from ..errors import ServiceError
from ..world import World
from .state import HostedZone, Route53State, VpcKey

__all__ = ["require_free", "require_vpc"]


def require_vpc(world: World, account: str, vpc: VpcKey) -> None:
    """InvalidVPCId unless the account has that VPC."""

    if vpc.id not in vpcs(world, account, vpc.region):
        raise ServiceError("InvalidVPCId", f"account {account} has no VPC {vpc.id} in {vpc.region}")


def require_free(world: World, name: str, vpc: VpcKey, *, but: str | None = None) -> None:
    """ConflictingDomainExists if a private zone of that name, in whichever account, already has the VPC."""
    for zone in _every_zone(world):
        if zone.name == name and vpc in zone.vpcs and zone.id != but:
            raise ServiceError(
                "ConflictingDomainExists",
                f"VPC {vpc.id} in {vpc.region} is already associated with a zone {name} (/hostedzone/{zone.id})",
            )


def _every_zone(world: World) -> Iterable[HostedZone]:
    for _, _, state in world.everywhere(Route53State):
        yield from state.zones.values()
