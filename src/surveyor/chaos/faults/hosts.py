"""What happens to a host on premises beside the tasks of a service, as in a migration.

A task of no service stands in for the host: ECS registers only tasks of services, so its instance is registered by
hand, as that of a machine is which a VPN connects with the VPC.
"""

from __future__ import annotations

from surveyor.chaos.actions import ActionContext, ApiAction, Restoration, TaskCommand
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["HOST", "HOST_FAULTS"]

HOST = "host-1"
"""The id of the instance."""

_CALLED = frozenset({"cloudmap", "ecs", "ecs-processes"})


def _host(service: ServiceUnderTest) -> ServiceTask:
    assert service.host is not None  # Fault.unavailable
    return service.host


def _register(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    address = _host(service).address
    instance = {"ServiceId": service.registry, "InstanceId": HOST}
    health = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"} if service.health else {}
    attributes = {
        "AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(service.port), "site": "on-premises", **health,
    }  # fmt: skip
    return FaultPlan(
        (ApiAction("servicediscovery", "register_instance", {**instance, "Attributes": attributes}),),
        (Restoration("instance", {"registry": service.registry, "instance": HOST, "address": address}),),
        description=f"the instance {HOST} at {address}",
    )


def _fail(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
    begin, end = (
        TaskCommand(_host(service).address, f"/behave?do={what}", service.port, token=service.token)
        for what in ("reset", "answer")
    )
    return FaultPlan((begin,), (end,), description=f"the host of {HOST}")


HOST_FAULTS = (
    Fault(
        "host.register",
        "registers the host on premises that is beside the tasks (RegisterInstance)",
        (FaultImplementation(_CALLED, _register),),
        lasting=True,
        of_host=True,
    ),
    Fault(
        "host.fail",
        "lets the host on premises close each connection without an answer",
        (FaultImplementation(_CALLED, _fail, workload=True),),
        lasting=True,
        of_host=True,
    ),
)
