"""Faults of the whole service, which are things that its owner does: scaling and deploying."""

from __future__ import annotations

from typing import Any

from surveyor.chaos.faults.model import Fault, FaultPlan, Victims, Way
from surveyor.chaos.scene import Scene
from surveyor.chaos.steps import ApiStep, FaultFailed, Hands

__all__ = ["SERVICES"]

_ECS = frozenset({"ecs"})


def _scale(scene: Scene, victims: Victims, hands: Hands) -> FaultPlan:
    found = hands.of("ecs").describe_services(cluster=scene.cluster, services=[scene.service])["services"]
    if not found:
        raise FaultFailed(f"service.scale: there is no service {scene.service} in {scene.cluster}")
    before = int(found[0]["desiredCount"])
    after = int(victims.given.get("count") or 2 * before)
    return FaultPlan((_count(scene, after),), (_count(scene, before),), told=f"from {before} to {after} tasks")


def _count(scene: Scene, count: int) -> ApiStep:
    params: dict[str, Any] = {"cluster": scene.cluster, "service": scene.service, "desiredCount": count}
    return ApiStep("ecs", "update_service", params, ("ServiceNotFoundException", "ServiceNotActiveException"))


def _deploy(scene: Scene, victims: Victims, hands: Hands) -> FaultPlan:
    params = {"cluster": scene.cluster, "service": scene.service, "forceNewDeployment": True}
    return FaultPlan((ApiStep("ecs", "update_service", params),), told="a new deployment of the same task definition")


SERVICES = (
    Fault(
        "service.scale",
        "gives the service another number of tasks (UpdateService)",
        (Way(_ECS, _scale),),
        lasting=True,
    ),
    Fault("service.deploy", "replaces all tasks by a new deployment (UpdateService)", (Way(_ECS, _deploy),)),
)
