"""The begin and the end of a deployment: completed, or failed by the circuit breaker, and then perhaps rolled back.

ECS Developer Guide, How the Amazon ECS deployment circuit breaker detects failures: half of the desired count, at least
3 and at most 200 tasks in a row that do not reach RUNNING or fail their checks; a task that counts as healthy resets
the count. Without a circuit breaker a service tries again without limit, each time a little later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.deployments.settings import needed_for_success, threshold_of
from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import send_event, send_service_action
from surveyor_emulator.aws.ecs.shapes import format_counts
from surveyor_emulator.aws.ecs.state import Deployment, Rollback, Service, Task
from surveyor_emulator.core.world import Call

__all__ = [
    "ALARM_DETECTED",
    "BREAKER_TRIGGERED",
    "bake_seconds",
    "begin",
    "count_failure",
    "fail_by_alarm",
    "fail_by_breaker",
    "has_tripped",
    "judge",
    "next_steady_event",
    "reset_failures",
    "stop",
]

MAX_HISTORY = 100
STEADY_EVENT_EVERY = 6 * 3_600.0
"""Service seconds after which a service that is still steady reports it again."""
BREAKER_TRIGGERED = "Service deployment rolled back because the circuit breaker threshold was exceeded."
ALARM_DETECTED = "Service deployment rolled back because of an alarm: alarm detected."
STOPPED_BY_USER = "Service deployment rolled back because it was stopped by a user."
BAKE_BY_DEFAULT = 60.0
"""Service seconds: "The default bake time is less than 5 minutes" (Developer Guide, deployment-alarm-failure)."""
MAX_WAIT = 27 * 60.0
"""ECS Developer Guide, service throttle logic: "currently 27 minutes"."""


def begin(call: Call, service: Service, deployment: Deployment) -> None:
    """Make a deployment the primary one of its service."""
    deployment.sources = tuple(service.deployments)
    for other in service.deployments:
        if other.status == "PRIMARY":
            other.status, other.updated = "ACTIVE", call.now
    deployment.desired_count = 0 if service.deployments else service.desired_count
    service.deployments.insert(0, deployment)
    service.history.insert(0, deployment)
    for forgotten in service.history[MAX_HISTORY:]:
        forgotten.sources = ()
    del service.history[MAX_HISTORY:]
    service.steady = False
    in_progress = f"ECS deployment {deployment.id} in progress."
    deployment.reason = deployment.reason or in_progress
    _send_state_change(call, service, deployment, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", in_progress)


def count_failure(call: Call, service: Service, deployment: Deployment, task: Task) -> None:
    """Count a stopping task of the deployment as a failure, if it is one."""
    if task.status not in ("DEACTIVATING", "DEPROVISIONING") or task.failure_counted:
        return
    if deployment.rollout_state != "IN_PROGRESS":
        return
    started = task.started is not None
    if task.stop_code == "UserInitiated" or (
        started and task.stop_code == "ServiceSchedulerInitiated" and not task.unhealthy_reported
    ):
        return
    task.failure_counted = True
    if not started:
        deployment.failed_launches += 1
        deployment.launch_after = call.now + min(2.0**deployment.failed_launches, MAX_WAIT)
        if deployment.failed_launches > 1:
            add_event(call, service, f"(service {service.name}) is unable to consistently start tasks successfully.")
    if not deployment.had_healthy_task or not _resets(service):
        deployment.failed_tasks += 1
        deployment.updated = call.now


def reset_failures(call: Call, service: Service, deployment: Deployment, current: Sequence[Task]) -> None:
    """Forget the failures so far once a task counts as healthy, unless the circuit breaker adds up all of them."""
    if any(_counts_as_healthy(call, task) and task.status == "RUNNING" for task in current):
        deployment.had_healthy_task = True
        if _resets(service):
            deployment.failed_tasks = 0


def has_tripped(service: Service, deployment: Deployment) -> bool:
    """Return whether the circuit breaker fails a deployment now."""
    is_active = bool(service.circuit_breaker.get("enable")) and deployment.rollout_state == "IN_PROGRESS"
    return is_active and deployment.failed_tasks >= threshold_of(service)


def bake_seconds(service: Service, deployment: Deployment) -> float:
    """Return for how long a rolling deployment that is otherwise done waits for its alarms."""
    if not deployment.alarm_names or deployment.stage is not None:
        return 0.0
    return BAKE_BY_DEFAULT if service.bake_seconds is None else service.bake_seconds


def completes_first(call: Call, service: Service, deployment: Deployment, current: Sequence[Task]) -> bool:
    """Return whether a deployment is completed before its old tasks are stopped: early, with DEFERRED."""
    criteria = service.early_success if service.early_success.get("enable") else {}
    is_deferred = criteria.get("sourceServiceRevisionCleanup") == "DEFERRED"
    is_open = is_deferred and deployment.rollout_state == "IN_PROGRESS"
    return is_open and _count_healthy(call, current) >= needed_for_success(service)


def judge(call: Call, service: Service, deployment: Deployment, current: Sequence[Task], old: Sequence[Task]) -> None:
    """Complete the primary deployment, and forget those that have no tasks left; ``old`` are those still to stop."""
    early = service.early_success if service.early_success.get("enable") else {}
    all_running = len(current) == service.desired_count and all(task.status == "RUNNING" for task in current)
    is_deferred = early.get("sourceServiceRevisionCleanup") == "DEFERRED"
    is_done = (
        deployment.rollout_state == "IN_PROGRESS"
        and deployment.stage in (None, "CLEAN_UP")
        and (all_running or bool(early))
        and _count_healthy(call, current) >= needed_for_success(service)
        and (is_deferred or not (old or (early and _has_old_running(call, service, deployment))))
    )
    if not is_done:
        deployment.done_since = None
    elif deployment.done_since is None:
        deployment.done_since = call.now
    if deployment.done_since is not None and call.now >= deployment.done_since + bake_seconds(service, deployment):
        deployment.rollout_state, deployment.updated, deployment.done_since = "COMPLETED", call.now, None
        service.last_completed = deployment
        if early:
            tasks = _active_tasks(call, service)
            deployment.final_counts = {
                other.revision: format_counts([task for task in tasks if task.deployment is other])
                for other in (deployment, *deployment.sources)
            }
        endpoints.retire(call, service)
        deployment.reason = f"ECS deployment {deployment.id} completed."
        add_event(call, service, f"(service {service.name}) (deployment {deployment.id}) deployment completed.")
        _send_state_change(call, service, deployment, "INFO", "SERVICE_DEPLOYMENT_COMPLETED", deployment.reason)
    used = {
        id(task.deployment)
        for task in ecs_state(call).tasks.values()
        if task.service is service
        and task.status != "STOPPED"
        and (task.should_run or task.status in ("ACTIVATING", "RUNNING", "DEACTIVATING"))
    }
    service.deployments = [other for other in service.deployments if other.status == "PRIMARY" or id(other) in used]
    steady = deployment.rollout_state == "COMPLETED" and all_running
    if steady and service.steady and call.now >= service.steady_reported + STEADY_EVENT_EVERY:
        _report_steady(call, service)
    elif steady and not service.steady:
        _report_steady(call, service)
        detail = {"clusterArn": service.cluster.arn, "createdAt": call.now}
        send_service_action(call, service.arn, "INFO", "SERVICE_STEADY_STATE", detail)
    service.steady = steady or (service.steady and service.moving)


def _report_steady(call: Call, service: Service) -> None:
    service.steady_reported = call.now
    add_event(call, service, f"(service {service.name}) has reached a steady state.")


def stop(call: Call, service: Service, deployment: Deployment, *, rolls_back: bool) -> None:
    """End a deployment at a user's request: return to the last completed one, or leave the tasks as they are."""
    deployment.rollout_state, deployment.updated, deployment.stopped = "FAILED", call.now, call.now
    deployment.reason = f"ECS deployment {deployment.id} was stopped by a user."
    add_event(call, service, f"(service {service.name}) (deployment {deployment.id}) deployment stopped by a user.")
    _send_state_change(call, service, deployment, "ERROR", "SERVICE_DEPLOYMENT_FAILED", deployment.reason)
    if rolls_back:
        _roll_back(call, service, deployment, "stopped by a user", STOPPED_BY_USER)


def fail_by_alarm(call: Call, service: Service, deployment: Deployment, *, rolls_back: bool) -> None:
    """Fail a deployment one of whose alarms is in ALARM."""
    deployment.rollout_state, deployment.updated = "FAILED", call.now
    deployment.reason = "ECS deployment failed: alarm detected."
    add_event(
        call, service, f"(service {service.name}) (deployment {deployment.id}) deployment failed: alarm detected."
    )
    _send_state_change(call, service, deployment, "ERROR", "SERVICE_DEPLOYMENT_FAILED", deployment.reason)
    if rolls_back:
        _roll_back(call, service, deployment, "alarm", ALARM_DETECTED)


def next_steady_event(service: Service) -> float | None:
    """Return when a steady service reports again that it is; None if it is not steady."""
    return service.steady_reported + STEADY_EVENT_EVERY if service.steady else None


def _counts_as_healthy(call: Call, task: Task) -> bool:
    return task.healthy_since is not None and call.now >= task.healthy_since


def _count_healthy(call: Call, tasks: Sequence[Task]) -> int:
    return sum(task.status == "RUNNING" and _counts_as_healthy(call, task) for task in tasks)


def _has_old_running(call: Call, service: Service, deployment: Deployment) -> bool:
    return any(task.status == "RUNNING" and task.deployment is not deployment for task in _active_tasks(call, service))


def _resets(service: Service) -> bool:
    return service.circuit_breaker.get("resetOnHealthyTask") is not False


def _active_tasks(call: Call, service: Service) -> list[Task]:
    return [task for task in ecs_state(call).tasks.values() if task.service is service and task.status != "STOPPED"]


def fail_by_breaker(call: Call, service: Service, deployment: Deployment) -> None:
    """Fail a deployment too many tasks of which have failed, and roll back if the circuit breaker says so."""
    deployment.rollout_state, deployment.updated = "FAILED", call.now
    deployment.reason = "ECS deployment circuit breaker: tasks failed to start."
    add_event(
        call,
        service,
        f"(service {service.name}) (deployment {deployment.id}) deployment failed: tasks failed to start.",
    )
    _send_state_change(call, service, deployment, "ERROR", "SERVICE_DEPLOYMENT_FAILED", deployment.reason)
    if service.circuit_breaker.get("rollback"):
        _roll_back(call, service, deployment, "circuit breaker", BREAKER_TRIGGERED)


def _roll_back(call: Call, service: Service, deployment: Deployment, cause: str, reason: str) -> None:
    """Begin a deployment of what was completed last, if anything was.

    It is part of the service deployment that it ends, not a separate one (Developer Guide, View service history).
    """
    last = service.last_completed
    if last is None or last is deployment:
        deployment.rollback = Rollback(reason, call.now, None, None)
        return
    add_event(call, service, f"(service {service.name}) rolling back to deployment {last.id}.")
    rollback = replace(
        last,
        created=call.now,
        updated=call.now,
        status="PRIMARY",
        rollout_state="IN_PROGRESS",
        reason=f"ECS deployment {cause}: rolling back to deploymentId {last.id}.",
        failed_tasks=0,
        failed_launches=0,
        launch_after=0.0,
        had_healthy_task=False,
        done_since=None,
        hook_runs=[],
        rollback=None,
        stopped=None,
        alarm_names=(),
        triggered_alarms=(),
    )
    rollback.id = f"ecs-svc/{call.world.random.randrange(10**18, 10**19)}"
    begin(call, service, rollback)
    service.history.remove(rollback)
    rollback.sources = ()
    deployment.rollback = Rollback(reason, call.now, last.revision, rollback)


def _send_state_change(call: Call, service: Service, deployment: Deployment, kind: str, name: str, reason: str) -> None:
    detail = {
        "eventType": kind,
        "eventName": name,
        "deploymentId": deployment.id,
        "clusterArn": service.cluster.arn,
        "updatedAt": deployment.updated,
        "reason": reason,
    }
    send_event(call, "ECS Deployment State Change", [service.arn], detail)
    call.note("ecs.deployment", service.name, reason)
