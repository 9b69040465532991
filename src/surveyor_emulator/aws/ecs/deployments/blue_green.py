"""Blue/green deployments with Service Connect: new tasks beside the old, test traffic, the shift, bake time, the end.

ecs ServiceDeployment.lifecycleStage and DeploymentConfiguration.strategy; ECS Developer Guide, Service Connect
resources for blue/green deployments. Of hooks PAUSE is offered. How long a stage takes is not documented: a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from surveyor_emulator.aws.ecs.connect.endpoints import refresh
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_published, invalid_parameter
from surveyor_emulator.aws.ecs.state import BlueGreen, Deployment, LifecycleStage, PublishedEndpoint, Service
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["blue_green", "go_on", "resume", "roll_back", "shift_test_traffic"]

STAGES: tuple[LifecycleStage, ...] = get_args(LifecycleStage)
_PAUSED_AT = {*STAGES, "PRE_SCALE_UP", "RECONCILE_SERVICE", "PRE_PRODUCTION_TRAFFIC_SHIFT"} - {"SCALE_UP", "BAKE_TIME"}
LONGEST_BAKE = 1_440  # minutes

Again = Callable[[Call, Service], object]


def blue_green(configuration: Mapping[str, Any]) -> BlueGreen | None:
    """What a deploymentConfiguration says of it; None for rolling updates."""
    strategy = configuration.get("strategy") or "ROLLING"
    if strategy == "ROLLING":
        return None
    if strategy != "BLUE_GREEN":
        raise ServiceError("UnsupportedFeatureException", f"this target does not offer the strategy {strategy}")
    bake = configuration.get("bakeTimeInMinutes")
    if bake is None or not 0 <= bake <= LONGEST_BAKE:
        raise invalid_parameter(f"BLUE_GREEN needs bakeTimeInMinutes, from 0 to {LONGEST_BAKE}")
    pauses: set[str] = set()
    for hook in configuration.get("lifecycleHooks") or ():
        if hook.get("targetType") != "PAUSE":
            raise ServiceError(
                "UnsupportedFeatureException", "this target offers lifecycle hooks of the type PAUSE only"
            )
        pauses |= set(hook.get("lifecycleStages") or ())
    for stage in pauses - _PAUSED_AT:
        raise invalid_parameter(f"there is no hook for {stage}")
    kept = {key: configuration[key] for key in ("bakeTimeInMinutes", "lifecycleHooks") if key in configuration}
    return BlueGreen(bake * 60.0, frozenset(pauses), {"strategy": strategy, **kept})


def go_on(call: Call, service: Service, deployment: Deployment, *, well: bool, again: Again) -> None:
    """The scheduler has looked: once all new tasks count, the stages begin, and each leads to the next."""
    if deployment.stage == "SCALE_UP" and well:
        _enter(call, service, deployment, "POST_SCALE_UP", again)


def resume(call: Call, service: Service, deployment: Deployment, again: Again) -> None:
    """Go on from a pause."""
    deployment.paused_hook = None
    _next(call, service, deployment, again)


def roll_back(call: Call, service: Service, deployment: Deployment, again: Again) -> None:
    """Go back to what there was: all calls go to the old tasks, and the new ones are stopped."""
    before = next((one for one in service.deployments if one is not deployment), None)
    deployment.paused_hook, deployment.stage, deployment.rollout_state = None, None, "FAILED"
    deployment.reason = f"ECS deployment {deployment.id} was rolled back."
    if before is not None:
        deployment.status, before.status, before.stage = "ACTIVE", "PRIMARY", None
    mine = {one.id for one in ecs_state(call).tasks.values() if one.deployment is deployment}
    for one in _published(call, service, deployment):
        one.has_test_traffic, one.green, one.blue = False, set(), set(mine)
        refresh(call, _owner(deployment), one)
    again(call, service)


def _next(call: Call, service: Service, deployment: Deployment, again: Again) -> None:
    if deployment.stage is None or deployment.paused_hook is not None or deployment.status != "PRIMARY":
        return
    _enter(call, service, deployment, STAGES[STAGES.index(deployment.stage) + 1], again)


def _enter(call: Call, service: Service, deployment: Deployment, stage: LifecycleStage, again: Again) -> None:
    deployment.stage, deployment.updated = stage, call.now
    call.note("ecs.deployment.stage", service.name, stage)
    assert service.blue_green is not None
    if stage == "TEST_TRAFFIC_SHIFT":
        shift_test_traffic(call, service, deployment)
    elif stage == "PRODUCTION_TRAFFIC_SHIFT":
        _shift(call, service, deployment)
    elif stage == "CLEAN_UP":
        again(call, service)
        return
    if stage in service.blue_green.pause_stages:
        deployment.paused_hook = call.world.new_id(32, "0123456789abcdef")
    elif stage == "BAKE_TIME":
        call.world.clock.call_later(service.blue_green.bake_seconds, _next, call, service, deployment, again)
    else:
        call.world.later(call.world.settings.deployment_stage, _next, call, service, deployment, again)


def shift_test_traffic(call: Call, service: Service, deployment: Deployment) -> None:
    """Lead calls with the test header to the new tasks."""
    for one in _published(call, service, deployment):
        one.has_test_traffic = True
        refresh(call, _owner(deployment), one)


def _shift(call: Call, service: Service, deployment: Deployment) -> None:
    """From now on calls go to the new tasks, all at once."""
    tasks = [one for one in ecs_state(call).tasks.values() if one.service is service]
    for one in _published(call, service, deployment):
        one.has_test_traffic, one.green = False, set()
        one.blue = {task.id for task in tasks if task.deployment is not deployment}
        refresh(call, _owner(deployment), one)


def _published(call: Call, service: Service, deployment: Deployment) -> list[PublishedEndpoint]:
    wanted = deployment.template.connect
    if wanted is None:
        return []
    there = find_published(call, wanted.owner, wanted.namespace_id)
    return [one for one in there if one.service_arn == service.arn]


def _owner(deployment: Deployment) -> str:
    assert deployment.template.connect is not None
    return deployment.template.connect.owner
