"""Operations on the attributes of a service itself: up to 30 pairs, read and changed synchronously."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import find_service

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DeleteServiceAttributesRequestTypeDef,
        GetServiceAttributesRequestTypeDef,
        UpdateServiceAttributesRequestTypeDef,
    )

__all__ = ["delete_service_attributes", "get_service_attributes", "update_service_attributes"]


def update_service_attributes(call: Call, request: UpdateServiceAttributesRequestTypeDef) -> Document:
    """Add pairs, and overwrite those with the same key."""
    service = find_service(call, request["ServiceId"])
    merged = {**service.attributes, **request["Attributes"]}
    maximum = call.world.settings.quotas.service_attributes
    if len(merged) > maximum:
        raise ServiceError("ServiceAttributesLimitExceededException", f"a service has at most {maximum} attributes")
    service.attributes = merged
    return {}


def get_service_attributes(call: Call, request: GetServiceAttributesRequestTypeDef) -> Document:
    """Return all pairs of a service."""
    service = find_service(call, request["ServiceId"])
    return {
        "ServiceAttributes": {
            "ServiceArn": service.arn,
            "ResourceOwner": call.account,
            "Attributes": service.attributes,
        }
    }


def delete_service_attributes(call: Call, request: DeleteServiceAttributesRequestTypeDef) -> Document:
    """Remove pairs by key; ignore keys that do not exist."""
    service = find_service(call, request["ServiceId"])
    removed = set(request["Attributes"])
    service.attributes = {key: value for key, value in service.attributes.items() if key not in removed}
    return {}
