"""Blue/green deployments with Service Connect: new tasks beside the old, test traffic, the shift, bake time, the end.

ecs ServiceDeployment.lifecycleStage and DeploymentConfiguration.strategy; ECS Developer Guide, Service Connect
resources for blue/green deployments. Of hooks, only PAUSE is offered. How long a stage takes is not documented: it is a
setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from surveyor_emulator.aws.ecs.connect.endpoints import refresh
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_published, invalid_parameter
from surveyor_emulator.aws.ecs.state import (
    BlueGreen,
    Deployment,
    LifecycleStage,
    PauseHook,
    PublishedEndpoint,
    Rollback,
    Service,
)
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["parse_strategy", "resume", "roll_back", "shift_test_traffic", "start_stages"]

STAGES: tuple[LifecycleStage, ...] = get_args(LifecycleStage)
_PAUSABLE = {*STAGES, "PRE_SCALE_UP", "RECONCILE_SERVICE", "PRE_PRODUCTION_TRAFFIC_SHIFT"} - {"SCALE_UP", "BAKE_TIME"}
MAX_BAKE_MINUTES = 1_440
HOOK_MINUTES = 1_440
"""After which a hook expires by default (ecs/DeploymentLifecycleHookTimeoutConfiguration.timeoutInMinutes)."""
ROLLED_BACK = "Service deployment rolled back because it was stopped by a user."

RunAgain = Callable[[Call, Service], object]
"""Has the scheduler run again for a service."""


def parse_strategy(configuration: Mapping[str, Any]) -> BlueGreen | None:
    """Return the blue/green strategy of a deploymentConfiguration; None for rolling updates.

    Raises UnsupportedFeatureException or InvalidParameterException.
    """
    strategy = configuration.get("strategy") or "ROLLING"
    if strategy == "ROLLING":
        return None
    if strategy != "BLUE_GREEN":
        raise ServiceError("UnsupportedFeatureException", f"this target does not offer the strategy {strategy}")
    minutes = configuration.get("bakeTimeInMinutes")
    if minutes is None or not 0 <= minutes <= MAX_BAKE_MINUTES:
        raise invalid_parameter(f"BLUE_GREEN needs bakeTimeInMinutes, from 0 to {MAX_BAKE_MINUTES}")
    hooks: dict[str, PauseHook] = {}
    for hook in configuration.get("lifecycleHooks") or ():
        if hook.get("targetType") != "PAUSE":
            raise ServiceError(
                "UnsupportedFeatureException", "this target offers lifecycle hooks of the type PAUSE only"
            )
        timeout = hook.get("timeoutConfiguration") or {}
        pause = PauseHook(timeout.get("timeoutInMinutes", HOOK_MINUTES) * 60.0, timeout.get("action", "ROLLBACK"))
        hooks |= dict.fromkeys(hook.get("lifecycleStages") or (), pause)
    for stage in hooks.keys() - _PAUSABLE:
        raise invalid_parameter(f"there is no hook for {stage}")
    kept = {key: configuration[key] for key in ("bakeTimeInMinutes", "lifecycleHooks") if key in configuration}
    return BlueGreen(minutes * 60.0, hooks, {"strategy": strategy, **kept})


def start_stages(
    call: Call, service: Service, deployment: Deployment, *, all_healthy: bool, run_again: RunAgain
) -> None:
    """Start the stages after SCALE_UP once all new tasks count as healthy; each stage then leads to the next."""
    if deployment.stage == "SCALE_UP" and all_healthy:
        _enter(call, service, deployment, "POST_SCALE_UP", run_again)


def resume(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    """Continue after a pause."""
    deployment.paused_hook = None
    _enter_next(call, service, deployment, run_again)


def roll_back(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    """Roll back: all calls go to the old tasks, and the new ones are stopped."""
    before = next((other for other in service.deployments if other is not deployment), None)
    deployment.paused_hook, deployment.stage, deployment.rollout_state = None, None, "FAILED"
    deployment.updated = deployment.stopped = call.now
    deployment.reason = f"ECS deployment {deployment.id} was rolled back."
    if before is not None:
        deployment.status, before.status, before.stage = "ACTIVE", "PRIMARY", None
        deployment.rollback = Rollback(ROLLED_BACK, call.now, before.revision, before)
    new_tasks = {task.id for task in ecs_state(call).tasks.values() if task.deployment is deployment}
    for published in _published_by(call, service, deployment):
        published.has_test_traffic, published.green, published.blue = False, set(), set(new_tasks)
        refresh(call, _owner(deployment), published)
    run_again(call, service)


def _enter_next(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    if deployment.stage is None or deployment.paused_hook is not None or deployment.status != "PRIMARY":
        return
    _enter(call, service, deployment, STAGES[STAGES.index(deployment.stage) + 1], run_again)


def _enter(call: Call, service: Service, deployment: Deployment, stage: LifecycleStage, run_again: RunAgain) -> None:
    deployment.stage, deployment.updated = stage, call.now
    call.note("ecs.deployment.stage", service.name, stage)
    assert service.blue_green is not None
    if stage == "TEST_TRAFFIC_SHIFT":
        shift_test_traffic(call, service, deployment)
    elif stage == "PRODUCTION_TRAFFIC_SHIFT":
        _shift_production_traffic(call, service, deployment)
    elif stage == "CLEAN_UP":
        run_again(call, service)
        return
    if hook := service.blue_green.hooks.get(stage):
        deployment.paused_hook = call.world.new_id(32, "0123456789abcdef")
        deployment.hook_expires, deployment.hook_action = call.now + hook.seconds, hook.action
        call.world.clock.call_later(hook.seconds, _expire, call, service, deployment, deployment.paused_hook, run_again)
    elif stage == "BAKE_TIME":
        bake_seconds = service.blue_green.bake_seconds
        call.world.clock.call_later(bake_seconds, _enter_next, call, service, deployment, run_again)
    else:
        call.world.later(call.world.settings.deployment_stage, _enter_next, call, service, deployment, run_again)


def _expire(call: Call, service: Service, deployment: Deployment, hook: str, run_again: RunAgain) -> None:
    """Do what the time-out of a hook says, if the deployment still waits at it."""
    if deployment.paused_hook == hook:
        (resume if deployment.hook_action == "CONTINUE" else roll_back)(call, service, deployment, run_again)


def shift_test_traffic(call: Call, service: Service, deployment: Deployment) -> None:
    """Send calls with the test header to the new tasks."""
    for published in _published_by(call, service, deployment):
        published.has_test_traffic = True
        refresh(call, _owner(deployment), published)


def _shift_production_traffic(call: Call, service: Service, deployment: Deployment) -> None:
    """Send all calls to the new tasks from now on."""
    tasks = [task for task in ecs_state(call).tasks.values() if task.service is service]
    for published in _published_by(call, service, deployment):
        published.has_test_traffic, published.green = False, set()
        published.blue = {task.id for task in tasks if task.deployment is not deployment}
        refresh(call, _owner(deployment), published)


def _published_by(call: Call, service: Service, deployment: Deployment) -> list[PublishedEndpoint]:
    """Return the endpoints of the service in the namespace of the deployment."""
    connect = deployment.template.connect
    if connect is None:
        return []
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    return [published for published in in_namespace if published.service_arn == service.arn]


def _owner(deployment: Deployment) -> str:
    assert deployment.template.connect is not None
    return deployment.template.connect.owner
