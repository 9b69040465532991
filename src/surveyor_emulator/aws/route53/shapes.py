"""Shapes of Route 53's answers that several handlers build, named as in botocore's model."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from surveyor_emulator.core.errors import ServiceError

from .state import HostedZone, ResourceOwner, VpcKey

__all__ = [
    "ChangeInfo",
    "HostedZoneShape",
    "LinkedService",
    "VpcShape",
    "linked_service",
    "plain_id",
    "require_unlinked",
    "vpc_shape",
    "zone_shape",
]


class ChangeInfo(TypedDict):
    """The shape route53/ChangeInfo; times are float seconds since the epoch."""

    Id: str
    Status: str
    SubmittedAt: float
    Comment: NotRequired[str]


class VpcShape(TypedDict):
    """The shape route53/VPC."""

    VPCRegion: str
    VPCId: str


class HostedZoneConfig(TypedDict):
    """The shape route53/HostedZoneConfig."""

    Comment: NotRequired[str]
    PrivateZone: bool
    HostedZoneTier: str


class LinkedService(TypedDict):
    """The shape route53/LinkedService."""

    ServicePrincipal: str
    Description: NotRequired[str]


class HostedZoneShape(TypedDict):
    """The shape route53/HostedZone."""

    Id: str
    Name: str
    CallerReference: str
    Config: HostedZoneConfig
    ResourceRecordSetCount: int
    LinkedService: NotRequired[LinkedService]
    Features: NotRequired[dict[str, str]]


def plain_id(text: str) -> str:
    """Return an id without the path that Route 53 puts before it (``/hostedzone/Z…``)."""
    return text.rsplit("/", 1)[-1]


def require_unlinked(resource: str, owner: ResourceOwner | None) -> None:
    """Raise AccessDenied if Cloud Map owns a resource; users have reported this code and these words."""
    if owner is not None:
        text = f"The resource {resource} can only be managed through AWS Cloud Map ({owner.arn})"
        raise ServiceError("AccessDenied", text, status=403)


def linked_service(owner: ResourceOwner) -> LinkedService:
    """Return the owner of a zone or health check as the API shows it."""
    return {"ServicePrincipal": owner.principal, "Description": owner.arn}


def vpc_shape(vpc: VpcKey) -> VpcShape:
    """Return a VPC as the API shows it."""
    return {"VPCRegion": vpc.region, "VPCId": vpc.id}


def zone_shape(zone: HostedZone, records: int) -> HostedZoneShape:
    """Return a zone with ``records`` record sets as the API shows it."""
    shape: HostedZoneShape = {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": {"PrivateZone": zone.private, "HostedZoneTier": zone.tier},
        "ResourceRecordSetCount": records,
    }
    if zone.comment:
        shape["Config"]["Comment"] = zone.comment
    if zone.owner:
        shape["LinkedService"] = linked_service(zone.owner)
    return shape
