"""Operations on health: the status that Cloud Map reports, and the custom status that callers set.

A custom status takes effect about 30 seconds after the request. Repeating the request does not make it faster;
requesting the opposite status within that time cancels it (servicediscovery HealthCheckCustomConfig.FailureThreshold;
Cloud Map Developer Guide, health checks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import discovery, records
from .lookup import find_instance, find_service
from .paging import page
from .state import RegisteredInstance

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        GetInstancesHealthStatusRequestTypeDef,
        UpdateInstanceCustomHealthStatusRequestTypeDef,
    )

__all__ = ["cancel_status_change", "get_instances_health_status", "update_instance_custom_health_status"]


def get_instances_health_status(call: Call, request: GetInstancesHealthStatusRequestTypeDef) -> Document:
    """Return a page of: instance id -> HEALTHY, UNHEALTHY or UNKNOWN."""
    service = find_service(call, request["ServiceId"])
    named = request.get("Instances")
    instances = (
        [find_instance(call, service, identity) for identity in dict.fromkeys(named)]
        if named
        else [*service.instances.values()]
    )
    entries, token = page(instances, request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, object] = {"Status": {entry.id: discovery.instance_health(service, entry) for entry in entries}}
    return {**answer, "NextToken": token} if token else answer


def update_instance_custom_health_status(
    call: Call, request: UpdateInstanceCustomHealthStatusRequestTypeDef
) -> Document:
    """Request a status; it takes effect after 30 seconds unless the opposite is requested before."""
    service = find_service(call, request["ServiceId"])
    instance = find_instance(call, service, request["InstanceId"])
    if not service.custom_health:
        raise ServiceError("CustomHealthNotFound", f"service {service.id} has no custom health check")
    status = request["Status"]
    if instance.pending_change is not None:
        if instance.pending_change[0] == status:
            return {}
        cancel_status_change(instance)
    if status == instance.status:
        return {}

    def take_effect() -> None:
        instance.pending_change = None
        instance.status = status
        discovery.refresh_health(service)
        records.set_health(call, service, instance)
        call.note("instance.health", instance.id, status)

    instance.pending_change = (status, call.world.clock.call_later(call.world.settings.custom_health, take_effect))
    return {}


def cancel_status_change(instance: RegisteredInstance) -> None:
    """Cancel a status change that has not taken effect yet."""
    if instance.pending_change is not None:
        instance.pending_change[1].cancel()
        instance.pending_change = None
