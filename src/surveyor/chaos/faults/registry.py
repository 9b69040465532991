"""Faults of the registry: what callers of its API get, and what somebody writes into it."""

from __future__ import annotations

from surveyor.chaos.actions import ActionContext, ApiStep, FaultFailed
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.service_under_test import ServiceUnderTest

__all__ = ["REGISTRY"]

_CLOUDMAP = frozenset({"cloudmap"})
_NAMES = frozenset({"cloudmap", "dns"})
_IAM = frozenset({"cloudmap", "iam"})
_SHARED = frozenset({"cloudmap", "sharing"})
_GONE = ("InstanceNotFound", "ServiceNotFound")
_BUSY = ("DuplicateRequest", "ResourceInUse")
"""While an earlier request about the same instance is under way (servicediscovery/DeregisterInstance)."""

GHOST = "127.255.255.253"
"""Where nobody listens: on AWS one of its own, that is answered by nobody, is to be given."""


def _front(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    share = float(victims.given.get("share", 1.0))
    return FaultPlan(front=share, told=f"{share:.0%} of callers' requests")


def _ghost(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    name, address = str(victims.given.get("name", "ghost")), str(victims.given.get("address", GHOST))
    known = {"ServiceId": scene.registry, "InstanceId": name}
    health = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"} if scene.health else {}
    attributes = {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(scene.port), **health}
    return FaultPlan(
        (ApiStep("servicediscovery", "register_instance", {**known, "Attributes": attributes}),),
        (ApiStep("servicediscovery", "deregister_instance", known, _GONE, _BUSY),),
        told=f"the instance {name} at {address}",
    )


def _deregister(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    cloudmap = hands.of("servicediscovery")
    begin, undo = [], []
    for task in victims.tasks:
        known = {"ServiceId": scene.registry, "InstanceId": task.id}
        found = cloudmap.get_instance(**known)["Instance"]
        if "Attributes" not in found:
            raise FaultFailed(f"registry.deregister-live: nothing is known of the instance {task.id}")
        begin.append(ApiStep("servicediscovery", "deregister_instance", known, _GONE, _BUSY))
        undo.append(
            ApiStep(
                "servicediscovery",
                "register_instance",
                {**known, "Attributes": dict(found["Attributes"])},
                waits=_BUSY,
            )
        )
    return FaultPlan(tuple(begin), tuple(undo))


def _ttl(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    before = hands.of("servicediscovery").get_service(Id=scene.registry)["Service"]
    after, had = int(victims.given.get("ttl", 300)), before.get("DnsConfig", {}).get("DnsRecords", [])
    if not had:
        raise FaultFailed(f"registry.ttl: the service {scene.name} has no DNS records")

    def change(*seconds: int) -> ApiStep:
        # What a request leaves out is deleted, so what there is besides the TTL is said again.
        records = [{"Type": one["Type"], "TTL": ttl} for one, ttl in zip(had, seconds, strict=True)]
        kept = {name: before[name] for name in ("Description", "HealthCheckConfig") if name in before}
        params = {"Id": scene.registry, "Service": {**kept, "DnsConfig": {"DnsRecords": records}}}
        return ApiStep("servicediscovery", "update_service", params, _GONE, _BUSY)

    ttls = [int(one["TTL"]) for one in had]
    told = f"from {', '.join(map(str, ttls))} to {after} s"
    return FaultPlan((change(*(after for _ in had)),), (change(*ttls),), told=told)


def _withdraw(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
    params = {"resourceShareArn": scene.share, "resourceArns": [scene.namespace_arn]}
    return FaultPlan(
        (ApiStep("ram", "disassociate_resource_share", params),),
        (ApiStep("ram", "associate_resource_share", params),),
        told=f"the namespace {scene.namespace}",
    )


REGISTRY = (
    Fault(
        "registry.throttle",
        "answers callers' requests to Cloud Map with the error of throttling",
        (FaultImplementation(_CLOUDMAP, _front),),
        lasting=True,
    ),
    Fault(
        "registry.unavailable",
        "closes callers' connections to Cloud Map without an answer",
        (FaultImplementation(_CLOUDMAP, _front),),
        lasting=True,
    ),
    Fault(
        "registry.stale",
        "answers callers with what DiscoverInstances told them before",
        (FaultImplementation(_CLOUDMAP, _front),),
        lasting=True,
    ),
    Fault(
        "registry.ghost",
        "registers an instance that is no task (RegisterInstance)",
        (FaultImplementation(_CLOUDMAP, _ghost),),
        lasting=True,
    ),
    Fault(
        "registry.deregister-live",
        "deregisters tasks that go on running (DeregisterInstance)",
        (FaultImplementation(_CLOUDMAP, _deregister),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "registry.ttl",
        "gives the records of the service another TTL (UpdateService)",
        (FaultImplementation(_NAMES, _ttl),),
        lasting=True,
    ),
    Fault(
        "clock.skew",
        "has callers sign their requests to Cloud Map twenty minutes ahead",
        (FaultImplementation(_CLOUDMAP, _front),),
        lasting=True,
    ),
    Fault(
        "permission.revoke",
        "has callers go on with a session that may not discover instances",
        (FaultImplementation(_IAM, _front),),
        lasting=True,
    ),
    Fault(
        "share.withdraw",
        "takes a namespace out of the resource share by which callers of another account see it",
        (FaultImplementation(_SHARED, _withdraw),),
        lasting=True,
    ),
)
