"""Health as Cloud Map tells it, and the custom status that callers set.

A custom status takes effect about 30 seconds after the request; repeating it does not hasten it, the opposite within
that time cancels it (servicediscovery HealthCheckCustomConfig.FailureThreshold; Cloud Map Developer Guide, health
checks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import discovery, records
from .find import instance, service
from .paging import page
from .state import Instance

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        GetInstancesHealthStatusRequestTypeDef,
        UpdateInstanceCustomHealthStatusRequestTypeDef,
    )

__all__ = ["forget_change", "get_instances_health_status", "update_instance_custom_health_status"]


def get_instances_health_status(call: Call, request: GetInstancesHealthStatusRequestTypeDef) -> Document:
    """Instance id -> HEALTHY, UNHEALTHY or UNKNOWN, a page at a time."""
    of = service(call, request["ServiceId"])
    named = request.get("Instances")
    wanted = [instance(call, of, identity) for identity in dict.fromkeys(named)] if named else [*of.instances.values()]
    entries, token = page(wanted, request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, object] = {"Status": {entry.id: discovery.health_of(of, entry) for entry in entries}}
    return {**answer, "NextToken": token} if token else answer


def update_instance_custom_health_status(
    call: Call, request: UpdateInstanceCustomHealthStatusRequestTypeDef
) -> Document:
    """Ask for a status; it comes true in 30 seconds unless the opposite is asked for before."""
    of = service(call, request["ServiceId"])
    found = instance(call, of, request["InstanceId"])
    if not of.custom_health:
        raise ServiceError("CustomHealthNotFound", f"service {of.id} has no custom health check")
    wanted = request["Status"]
    if found.change is not None:
        if found.change[0] == wanted:
            return {}
        forget_change(found)
    if wanted == found.status:
        return {}

    def happen() -> None:
        found.change = None
        found.status = wanted
        discovery.health_changed(of)
        records.set_health(call, of, found)
        call.note("instance.health", found.id, wanted)

    found.change = (wanted, call.world.clock.call_later(call.world.settings.custom_health, happen))
    return {}


def forget_change(of: Instance) -> None:
    """Cancel a status change that has not happened yet."""
    if of.change is not None:
        of.change[1].cancel()
        of.change = None
