"""Attributes of a service itself: up to 30 pairs, read and changed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .find import service

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DeleteServiceAttributesRequestTypeDef,
        GetServiceAttributesRequestTypeDef,
        UpdateServiceAttributesRequestTypeDef,
    )

__all__ = ["delete_service_attributes", "get_service_attributes", "update_service_attributes"]


def update_service_attributes(call: Call, request: UpdateServiceAttributesRequestTypeDef) -> Document:
    """Add pairs, or overwrite those of the same key."""
    found = service(call, request["ServiceId"])
    merged = {**found.attributes, **request["Attributes"]}
    most = call.world.settings.quotas.service_attributes
    if len(merged) > most:
        raise ServiceError("ServiceAttributesLimitExceededException", f"a service has at most {most} attributes")
    found.attributes = merged
    return {}


def get_service_attributes(call: Call, request: GetServiceAttributesRequestTypeDef) -> Document:
    """All pairs of a service."""
    found = service(call, request["ServiceId"])
    return {
        "ServiceAttributes": {
            "ServiceArn": found.arn,
            "ResourceOwner": call.account,
            "Attributes": found.attributes,
        }
    }


def delete_service_attributes(call: Call, request: DeleteServiceAttributesRequestTypeDef) -> Document:
    """Remove pairs by key; keys that are not there do no harm."""
    found = service(call, request["ServiceId"])
    gone = set(request["Attributes"])
    found.attributes = {key: value for key, value in found.attributes.items() if key not in gone}
    return {}
