"""The stages of a deployment that shifts traffic: new tasks beside the old, test traffic, shifts, bake time, the end.

ecs ServiceDeployment.lifecycleStage; ECS Developer Guide, Amazon ECS canary deployments and linear deployments. How
long a stage takes in which nothing waits is not documented: it is a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

from surveyor_emulator.aws.ecs.deployments import hooks, traffic
from surveyor_emulator.aws.ecs.state import Deployment, LifecycleStage, Rollback, Service
from surveyor_emulator.core.world import Call

__all__ = ["begin", "blue_of", "is_before_scale_up", "is_shifting", "reconcile", "roll_back", "start_stages"]

STAGES: tuple[LifecycleStage, ...] = get_args(LifecycleStage)
STOPPED_BY_USER = "Service deployment rolled back because it was stopped by a user."

RunAgain = Callable[[Call, Service], object]
"""Has the scheduler run again for a service."""


def begin(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    """Start the stages of a deployment; it is the primary one already."""
    before = blue_of(service, deployment)
    assert before is not None
    active = [other for other in service.deployments if other is not deployment]
    for other in active:
        other.hook_runs = []
    traffic.begin(call, service, deployment, before)
    first: LifecycleStage = "RECONCILE_SERVICE" if len(active) > 1 else "PRE_SCALE_UP"
    _enter(call, service, deployment, first, run_again)


def blue_of(service: Service, deployment: Deployment) -> Deployment | None:
    """Return the deployment whose tasks serve until the shift: that which was completed last, if it is there."""
    others = [other for other in service.deployments if other is not deployment]
    last = service.last_completed
    return next((other for other in others if other is last), others[0] if others else None)


def is_shifting(deployment: Deployment) -> bool:
    """Return whether old and new tasks run side by side."""
    return deployment.stage not in (None, "CLEAN_UP")


def is_before_scale_up(deployment: Deployment) -> bool:
    """Return whether a deployment starts no tasks yet."""
    return deployment.stage in ("RECONCILE_SERVICE", "PRE_SCALE_UP")


def start_stages(
    call: Call, service: Service, deployment: Deployment, *, all_healthy: bool, run_again: RunAgain
) -> None:
    """Leave SCALE_UP once all new tasks count as healthy; each later stage leads to the next."""
    if deployment.stage == "SCALE_UP" and all_healthy:
        _enter(call, service, deployment, "POST_SCALE_UP", run_again)


def reconcile(call: Call, service: Service, deployment: Deployment, *, is_clean: bool, run_again: RunAgain) -> None:
    """Leave RECONCILE_SERVICE once its hooks have ended and the tasks of unfinished deployments have stopped."""
    if deployment.stage == "RECONCILE_SERVICE" and is_clean and all(run.has_ended for run in deployment.hook_runs):
        _enter(call, service, deployment, "PRE_SCALE_UP", run_again)


def roll_back(
    call: Call, service: Service, deployment: Deployment, run_again: RunAgain, reason: str = STOPPED_BY_USER
) -> None:
    """Roll back: all calls go to the old tasks, and the new ones are stopped."""
    before = blue_of(service, deployment)
    deployment.hook_runs, deployment.stage, deployment.rollout_state = [], None, "FAILED"
    deployment.updated = deployment.stopped = call.now
    deployment.reason = f"ECS deployment {deployment.id} was rolled back."
    if before is not None:
        deployment.status, before.status, before.stage = "ACTIVE", "PRIMARY", None
        deployment.rollback = Rollback(reason, call.now, before.revision, before)
    traffic.withdraw(call, service, deployment)
    hooks.run_again_at_rollback(call, service, deployment)
    run_again(call, service)


def _enter_next(call: Call, service: Service, deployment: Deployment, run_again: RunAgain, left: str) -> None:
    """Enter the stage after ``left``; before the last shift that is the next shift."""
    if deployment.stage != left or deployment.status != "PRIMARY":
        return
    assert service.strategy is not None
    following: LifecycleStage = STAGES[STAGES.index(deployment.stage) + 1]
    if left == "PRODUCTION_TRAFFIC_SHIFT" and deployment.shifts < len(service.strategy.percents):
        following = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    _enter(call, service, deployment, following, run_again)


def _enter(call: Call, service: Service, deployment: Deployment, stage: LifecycleStage, run_again: RunAgain) -> None:
    deployment.stage, deployment.updated, deployment.hook_runs = stage, call.now, []
    call.note("ecs.deployment.stage", service.name, stage)
    strategy = service.strategy
    assert strategy is not None
    leave = partial(_enter_next, call, service, deployment, run_again, stage)
    earliest = call.now
    if stage == "TEST_TRAFFIC_SHIFT":
        traffic.shift_test_traffic(call, service, deployment)
    elif stage == "PRODUCTION_TRAFFIC_SHIFT":
        traffic.shift_production_traffic(call, service, deployment, strategy.percents[deployment.shifts])
        deployment.shifts += 1
        # "This bake time is not applied after reaching 100 percent traffic" (ecs LinearConfiguration).
        earliest += strategy.step_seconds if deployment.shifts < len(strategy.percents) else 0.0
    elif stage == "CLEAN_UP":
        traffic.finish(call, service, deployment)
    elif stage == "BAKE_TIME":
        call.world.clock.call_later(strategy.bake_seconds, leave)
        return
    if stage in ("SCALE_UP", "CLEAN_UP"):
        run_again(call, service)
        return

    def hooks_ended(succeeded: bool) -> None:
        if deployment.stage != stage or deployment.status != "PRIMARY":
            return
        if not succeeded:
            roll_back(call, service, deployment, run_again)
        elif stage == "RECONCILE_SERVICE":
            run_again(call, service)
        elif earliest > call.now:
            call.world.clock.call_later(earliest - call.now, leave)
        elif deployment.hook_runs:
            leave()
        else:
            call.world.later(call.world.settings.deployment_stage, leave)

    hooks.begin_stage(call, service, deployment, hooks_ended)
