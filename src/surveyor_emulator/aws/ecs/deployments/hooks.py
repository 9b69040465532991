"""Lifecycle hooks: pauses that wait for ContinueServiceDeployment, and Lambda functions that say how to go on.

ECS Developer Guide, Lifecycle hooks for Amazon ECS service deployments, and its pages on pause and Lambda hooks. All
hooks of a stage run in parallel; the deployment proceeds once all have succeeded, and rolls back once one has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor_emulator.aws.ecs.service_principal import send_event
from surveyor_emulator.aws.ecs.shapes import revision_arn, service_deployment_arn
from surveyor_emulator.aws.ecs.state import Deployment, Hook, HookRun, Service
from surveyor_emulator.aws.functions.running import invoke
from surveyor_emulator.core.world import Call

__all__ = ["answer", "begin_stage", "format_hooks", "run_again_at_rollback"]

CALLBACK_DELAY = 30.0
"""Service seconds after which a function that is IN_PROGRESS is invoked again, unless it says how many."""
_EVENTS = {"AWAITING_ACTION": "HOOK_AWAITING_ACTION", "SUCCEEDED": "HOOK_SUCCEEDED", "FAILED": "HOOK_FAILED"}

Ended = Callable[[bool], object]
"""Gets whether all hooks of the stage have succeeded, once that is known."""


def begin_stage(call: Call, service: Service, deployment: Deployment, ended: Ended) -> None:
    """Start the hooks of the current stage; without any the stage has ended at once."""
    strategy = service.strategy
    hooks = [hook for hook in strategy.hooks if deployment.stage in hook.stages] if strategy is not None else []
    deployment.hook_runs = [_begin(call, hook) for hook in hooks]
    if not deployment.hook_runs:
        ended(True)
    for run in deployment.hook_runs:
        call.world.clock.call_later(run.hook.seconds, _expire, call, service, deployment, run, ended)
        run.ended = ended
        if run.hook.function is None:
            _send_state(call, service, deployment, run, "HOOK_AWAITING_ACTION")
        else:
            _invoke(call, service, deployment, run)


def answer(call: Call, service: Service, deployment: Deployment, run: HookRun, *, succeeded: bool) -> None:
    """End a hook as its answer says."""
    if run not in deployment.hook_runs or run.has_ended:
        return
    run.status = "SUCCEEDED" if succeeded else "FAILED"
    _send_state(call, service, deployment, run, _EVENTS[run.status])
    _settle(deployment, run, succeeded=succeeded)


def run_again_at_rollback(call: Call, service: Service, deployment: Deployment) -> None:
    """Invoke the functions of the two traffic shifts again; what they return changes nothing."""
    strategy = service.strategy
    for stage in ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"):
        for hook in strategy.hooks if strategy is not None else ():
            if hook.function is not None and stage in hook.stages:
                run = _begin(call, hook)
                invoke(call, hook.function, _payload(call, service, deployment, run, stage), lambda result: None)


def format_hooks(deployment: Deployment) -> list[dict[str, Any]]:
    """Return ecs DeploymentLifecycleHookDetail of each hook of the current stage."""
    details: list[dict[str, Any]] = []
    for run in deployment.hook_runs:
        detail = {
            "hookId": run.id,
            "targetType": "PAUSE" if run.hook.function is None else "AWS_LAMBDA",
            "status": run.status,
            "expiresAt": run.expires,
            "timeoutAction": run.hook.action,
        }
        details.append(detail if run.hook.function is None else {**detail, "targetArn": run.hook.function})
    return details


def _begin(call: Call, hook: Hook) -> HookRun:
    status = "AWAITING_ACTION" if hook.function is None else "IN_PROGRESS"
    return HookRun(call.world.new_uuid(), hook, call.now + hook.seconds, status, dict(hook.details))


def _invoke(call: Call, service: Service, deployment: Deployment, run: HookRun) -> None:
    if run.has_ended or run not in deployment.hook_runs or run.hook.function is None:
        return

    def returned(result: object) -> None:
        if run.has_ended:
            return
        status = result.get("hookStatus") if isinstance(result, Mapping) else None
        if isinstance(result, Mapping) and status == "IN_PROGRESS":
            run.details |= result.get("hookDetails") or {}
            delay = float(result.get("callBackDelay") or CALLBACK_DELAY)
            call.world.clock.call_later(delay, _invoke, call, service, deployment, run)
        else:
            answer(call, service, deployment, run, succeeded=status == "SUCCEEDED")

    invoke(call, run.hook.function, _payload(call, service, deployment, run, deployment.stage), returned)


def _payload(
    call: Call, service: Service, deployment: Deployment, run: HookRun, stage: str | None
) -> dict[str, object]:
    weights = {
        revision_arn(call, service, revision): percent for revision, percent in deployment.revision_percents.items()
    }
    payload: dict[str, object] = {
        "executionId": run.id,
        "lifecycleStage": stage,
        "resourceArn": service_deployment_arn(call, service, deployment),
        "executionDetails": {
            "serviceArn": service.arn,
            "targetServiceRevisionArn": revision_arn(call, service, deployment.revision),
            "testTrafficWeights": {
                arn: 100 if arn == revision_arn(call, service, deployment.revision) else 0 for arn in weights
            }
            if stage == "TEST_TRAFFIC_SHIFT"
            else {},
            "productionTrafficWeights": weights
            if stage in ("PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
            else {},
        },
    }
    return {**payload, "hookDetails": run.details} if run.details else payload


def _expire(call: Call, service: Service, deployment: Deployment, run: HookRun, ended: Ended) -> None:
    """Do what the time-out of a hook says, if the deployment still waits at it."""
    if run not in deployment.hook_runs or run.has_ended:
        return
    run.status = "TIMED_OUT"
    _send_state(call, service, deployment, run, "HOOK_TIMED_OUT")
    _settle(deployment, run, succeeded=run.hook.action == "CONTINUE")


def _settle(deployment: Deployment, run: HookRun, *, succeeded: bool) -> None:
    assert run.ended is not None
    if not succeeded:
        run.ended(False)
    elif all(other.has_ended for other in deployment.hook_runs):
        run.ended(True)


def _send_state(call: Call, service: Service, deployment: Deployment, run: HookRun, name: str) -> None:
    """Send an "ECS Hook State Change" (ECS Developer Guide, Pause hooks, EventBridge events)."""
    detail = {
        "eventType": "INFO" if name in ("HOOK_AWAITING_ACTION", "HOOK_SUCCEEDED") else "ERROR",
        "eventName": name,
        "hookId": run.id,
        "hookType": "PAUSE" if run.hook.function is None else "AWS_LAMBDA",
        "expiresAt": run.expires,
        "lifecycleStage": deployment.stage,
        "clusterArn": service.cluster.arn,
        "serviceArn": service.arn,
        "serviceDeploymentArn": service_deployment_arn(call, service, deployment),
        "updatedAt": call.now,
    }
    send_event(call, "ECS Hook State Change", [service.arn], detail)
