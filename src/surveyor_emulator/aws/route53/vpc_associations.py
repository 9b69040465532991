"""Operations on the association of private zones with VPCs, including VPCs of other accounts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import zones
from .changes import change_info
from .paging import page_size
from .shapes import VpcShape, plain_id, vpc_shape
from .state import HostedZone, Route53State, VpcKey
from .vpcs import all_zones, has_vpc, read_vpc, require_no_conflict, require_vpc

__all__ = [
    "associate_vpc_with_hosted_zone",
    "create_vpc_association_authorization",
    "delete_vpc_association_authorization",
    "disassociate_vpc_from_hosted_zone",
    "list_hosted_zones_by_vpc",
    "list_vpc_association_authorizations",
]

# The limit of a zone, which is shown and not enforced: Route 53 Developer Guide, "Quotas".
VPCS_LIMIT = 300
PAGE = 100
AUTHORIZATIONS_PAGE = 50

Item = TypeVar("Item")

_VPC_ID = re.compile(r"vpc-[0-9a-f]{8,17}")


def associate_vpc_with_hosted_zone(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle AssociateVPCWithHostedZone, called by the VPC's account: the zone's own, or one that it has authorized."""
    zone, vpc = _find_anywhere(call, request), _vpc(request)
    if not zone.private:
        raise ServiceError("PublicZoneVPCAssociation", f"zone {zone.name} is public, it has no VPCs")
    require_vpc(call.world, call.account, vpc)
    owner = call.world.in_account(Route53State, zone.account)
    if zone.account != call.account and vpc not in owner.authorizations.get(zone.id, ()):
        raise ServiceError("NotAuthorizedException", f"account {zone.account} has not authorized VPC {vpc.id}")
    require_no_conflict(call.world, zone.name, vpc)
    change = zones.set_vpcs(call.world, zone, (*zone.vpcs, vpc), _comment(request))
    call.note("zone.vpc-associated", zone.id, vpc.id)
    return {"ChangeInfo": change_info(owner, change)}


def disassociate_vpc_from_hosted_zone(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DisassociateVPCFromHostedZone, called by the zone's account or the VPC's."""
    zone, vpc = _find_anywhere(call, request), _vpc(request)
    if zone.account != call.account:
        require_vpc(call.world, call.account, vpc)
    if vpc not in zone.vpcs:
        raise ServiceError("VPCAssociationNotFound", f"VPC {vpc.id} in {vpc.region} is not associated with {zone.name}")
    if len(zone.vpcs) == 1:
        raise ServiceError("LastVPCAssociation", f"VPC {vpc.id} is the only one that zone {zone.name} has")
    rest = tuple(other for other in zone.vpcs if other != vpc)
    change = zones.set_vpcs(call.world, zone, rest, _comment(request))
    call.note("zone.vpc-disassociated", zone.id, vpc.id)
    return {"ChangeInfo": change_info(call.world.in_account(Route53State, zone.account), change)}


def create_vpc_association_authorization(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateVPCAssociationAuthorization: allow the association of another account's VPC."""
    state, zone, vpc = _own_private(call, request)
    # The VPC belongs to another account, so only the format of its id can be checked.
    if not _VPC_ID.fullmatch(vpc.id):
        raise ServiceError("InvalidVPCId", f"{vpc.id!r} is not the id of a VPC")
    authorized = state.authorizations.get(zone.id, ())
    if vpc not in authorized:
        state.authorizations[zone.id] = (*authorized, vpc)
    return {"HostedZoneId": zone.id, "VPC": vpc_shape(vpc)}


def delete_vpc_association_authorization(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteVPCAssociationAuthorization; an association created in the meantime stays."""
    state, zone, vpc = _own_private(call, request)
    authorized = state.authorizations.get(zone.id, ())
    if vpc not in authorized:
        raise ServiceError("VPCAssociationAuthorizationNotFound", f"VPC {vpc.id} is not authorized for {zone.name}")
    state.authorizations[zone.id] = tuple(other for other in authorized if other != vpc)
    return {}


def list_vpc_association_authorizations(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListVPCAssociationAuthorizations."""
    state = call.world.in_account(Route53State, call.account)
    zone = zones.find_zone(state, str(request["HostedZoneId"]))
    size = page_size(request, AUTHORIZATIONS_PAGE, member="MaxResults")
    page, token = _page(state.authorizations.get(zone.id, ()), request.get("NextToken"), size)
    answer: dict[str, object] = {"HostedZoneId": zone.id, "VPCs": [vpc_shape(vpc) for vpc in page]}
    return answer | ({"NextToken": token} if token else {})


def list_hosted_zones_by_vpc(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListHostedZonesByVPC: zones of all accounts; Cloud Map creates its zones in the user's own account."""
    vpc = VpcKey(str(request["VPCId"]), str(request["VPCRegion"]))
    if not has_vpc(call.world, call.account, vpc):
        raise ServiceError("InvalidInput", f"account {call.account} has no VPC {vpc.id} in {vpc.region}")
    found = sorted((zone for zone in all_zones(call.world) if vpc in zone.vpcs), key=lambda zone: zone.id)
    size = page_size(request, PAGE)
    page, token = _page(found, request.get("NextToken"), size)
    summaries = [
        {"HostedZoneId": zone.id, "Name": zone.name, "Owner": {"OwningAccount": zone.account}} for zone in page
    ]
    answer: dict[str, object] = {"HostedZoneSummaries": summaries, "MaxItems": str(size)}
    return answer | ({"NextToken": token} if token else {})


def _find_anywhere(call: Call, request: Mapping[str, object]) -> HostedZone:
    zone_id = plain_id(str(request["HostedZoneId"]))
    for zone in all_zones(call.world):
        if zone.id == zone_id:
            return zone
    raise ServiceError("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}")


def _own_private(call: Call, request: Mapping[str, object]) -> tuple[Route53State, HostedZone, VpcKey]:
    state = call.world.in_account(Route53State, call.account)
    zone = zones.find_zone(state, str(request["HostedZoneId"]))
    if not zone.private:
        raise ServiceError("InvalidInput", f"zone {zone.name} is public, it has no VPCs")
    return state, zone, _vpc(request)


def _vpc(request: Mapping[str, object]) -> VpcKey:
    return read_vpc(cast(VpcShape, request["VPC"]))


def _comment(request: Mapping[str, object]) -> str | None:
    comment = request.get("Comment")
    return str(comment) if comment else None


def _page(items: Sequence[Item], token: object, size: int) -> tuple[Sequence[Item], str | None]:
    """Return a page and the next token, which is a position: these lists hardly change between two calls."""
    begin = str(token or 0)
    if not begin.isdecimal():
        raise ServiceError("InvalidPaginationToken", "NextToken was not returned by this operation")
    end = int(begin) + size
    return items[int(begin) : end], str(end) if len(items) > end else None
