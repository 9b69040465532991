"""Shapes of Route 53's answers that several handlers build, named as in botocore's model."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from surveyor_emulator.core.errors import ServiceError

from .state import HostedZone, VpcKey

__all__ = [
    "ChangeInfo",
    "HostedZoneShape",
    "LinkedService",
    "VpcShape",
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


def plain_id(text: str) -> str:
    """Return an id without the path that Route 53 puts before it (``/hostedzone/Z…``)."""
    return text.rsplit("/", 1)[-1]


def require_unlinked(resource: str, owner: str | None) -> None:
    """Raise AccessDenied if another service owns a resource (LinkedService); the error code is not documented."""
    if owner is not None:
        raise ServiceError("AccessDenied", f"the resource {resource} can only be managed through {owner}", status=403)


def vpc_shape(vpc: VpcKey) -> VpcShape:
    """Return a VPC as the API shows it."""
    return {"VPCRegion": vpc.region, "VPCId": vpc.id}


def zone_shape(zone: HostedZone, records: int) -> HostedZoneShape:
    """Return a zone with ``records`` record sets as the API shows it."""
    shape: HostedZoneShape = {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": {"PrivateZone": zone.private},
        "ResourceRecordSetCount": records,
    }
    if zone.comment:
        shape["Config"]["Comment"] = zone.comment
    if zone.owner:
        shape["LinkedService"] = {"ServicePrincipal": zone.owner}
    return shape
