"""How a deployment ends: completed, or failed by the circuit breaker, and then perhaps rolled back.

ECS Developer Guide, How the Amazon ECS deployment circuit breaker detects failures: half of the desired count, at least
3 and at most 200 tasks in a row that do not get to RUNNING or fail their checks; a task that counts as healthy resets
the number. Without a breaker a service tries again for ever, each time a little later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import send_event
from surveyor_emulator.aws.ecs.state import Deployment, Service, Task
from surveyor_emulator.core.world import Call

__all__ = ["begin", "count", "judge", "stop"]

KEPT = 100
LEAST_FAILURES, MOST_FAILURES = 3, 200
LONGEST_WAIT = 27 * 60.0
"""ECS Developer Guide, service throttle logic: "currently 27 minutes"."""


def begin(call: Call, service: Service, deployment: Deployment) -> None:
    """Make a deployment the one that the service is going to."""
    for one in service.deployments:
        if one.status == "PRIMARY":
            one.status, one.updated = "ACTIVE", call.now
    service.deployments.insert(0, deployment)
    service.history.insert(0, deployment)
    del service.history[KEPT:]
    service.steady = False
    _tell(call, service, deployment, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "in progress.")


def count(call: Call, service: Service, deployment: Deployment, task: Task) -> None:
    """A task of the deployment is stopping: is it a failure?"""
    if (
        task.status not in ("DEACTIVATING", "DEPROVISIONING")
        or task.failure_counted
        or deployment.rollout_state != "IN_PROGRESS"
    ):
        return
    started = task.started is not None
    if task.stop_code == "UserInitiated" or (
        started and task.stop_code == "ServiceSchedulerInitiated" and not task.unhealthy_reported
    ):
        return
    task.failure_counted = True
    if not started or task.stop_code == "EssentialContainerExited":
        deployment.failed_launches += 1
        if deployment.failed_launches > 1:
            deployment.launch_after = call.now + min(2.0 ** (deployment.failed_launches - 1), LONGEST_WAIT)
    if not deployment.had_healthy_task:
        deployment.failed_tasks += 1
        deployment.updated = call.now


def judge(
    call: Call,
    service: Service,
    deployment: Deployment,
    current: Sequence[Task],
    old: Sequence[Task],
    again: Callable[[Call, Service], object],
) -> None:
    """Complete or fail the primary deployment, and forget those that have no tasks left."""
    if any(
        one.healthy_since is not None and call.now >= one.healthy_since and one.status == "RUNNING" for one in current
    ):
        deployment.had_healthy_task, deployment.failed_tasks = True, 0
    breaks = bool(service.circuit_breaker.get("enable")) and deployment.rollout_state == "IN_PROGRESS"
    if breaks and deployment.failed_tasks >= _threshold(service):
        _fail(call, service, deployment)
        again(call, service)
        return
    running = all(one.status == "RUNNING" for one in current)
    if deployment.rollout_state == "IN_PROGRESS" and len(current) == service.desired_count and running and not old:
        counted = all(one.healthy_since is not None and one.healthy_since <= call.now for one in current)
        if counted:
            deployment.rollout_state, deployment.updated = "COMPLETED", call.now
            service.last_completed = deployment
            endpoints.retire(call, service, deployment.template.connect)
            deployment.reason = f"ECS deployment {deployment.id} completed."
            add_event(call, service, f"(service {service.name}) (deployment {deployment.id}) deployment completed.")
            _tell(call, service, deployment, "INFO", "SERVICE_DEPLOYMENT_COMPLETED", "completed.")
    held = [one for one in ecs_state(call).tasks.values() if one.service is service and one.status != "STOPPED"]
    used = {
        id(one.deployment) for one in held if one.should_run or one.status in ("ACTIVATING", "RUNNING", "DEACTIVATING")
    }
    service.deployments = [one for one in service.deployments if one.status == "PRIMARY" or id(one) in used]
    steady = deployment.rollout_state == "COMPLETED" and len(current) == service.desired_count and running
    if steady and not service.steady:
        add_event(call, service, f"(service {service.name}) has reached a steady state.")
    service.steady = steady


def _threshold(service: Service) -> int:
    told = service.circuit_breaker.get("thresholdConfiguration") or {"type": "BOUNDED_PERCENT", "value": 50}
    if told["type"] == "COUNT":
        return max(int(told["value"]), 1)
    share = math.ceil(service.desired_count * int(told["value"]) / 100)
    return max(share, 1) if told["type"] == "PERCENT" else min(max(share, LEAST_FAILURES), MOST_FAILURES)


def stop(call: Call, service: Service, deployment: Deployment, *, back: bool) -> None:
    """End a deployment because somebody asked for it: go back to the last that was completed, or stay as it is."""
    deployment.rollout_state, deployment.updated = "FAILED", call.now
    deployment.reason = f"ECS deployment {deployment.id} was stopped by a user."
    add_event(call, service, f"(service {service.name}) (deployment {deployment.id}) deployment stopped by a user.")
    _tell(call, service, deployment, "ERROR", "SERVICE_DEPLOYMENT_FAILED", "was stopped by a user.")
    if back:
        deployment.rollback = _go_back(call, service, deployment, "stopped by a user")


def _fail(call: Call, service: Service, deployment: Deployment) -> None:
    deployment.rollout_state, deployment.updated = "FAILED", call.now
    deployment.reason = "ECS deployment circuit breaker: tasks failed to start."
    add_event(
        call,
        service,
        f"(service {service.name}) (deployment {deployment.id}) deployment failed: tasks failed to start.",
    )
    _tell(call, service, deployment, "ERROR", "SERVICE_DEPLOYMENT_FAILED", "circuit breaker: tasks failed to start.")
    if service.circuit_breaker.get("rollback"):
        deployment.rollback = _go_back(call, service, deployment, "circuit breaker")


def _go_back(call: Call, service: Service, deployment: Deployment, why: str) -> Deployment | None:
    """Make another deployment of what was completed last; None if there was none.

    It is part of the service deployment that it ends, and none of its own (Developer Guide, View service history).
    """
    last = service.last_completed
    if last is None or last is deployment:
        return None
    add_event(call, service, f"(service {service.name}) rolling back to deployment {last.id}.")
    again = replace(
        last,
        created=call.now,
        updated=call.now,
        status="PRIMARY",
        rollout_state="IN_PROGRESS",
        reason=f"ECS deployment {why}: rolling back to deploymentId {last.id}.",
        failed_tasks=0,
        failed_launches=0,
        launch_after=0.0,
        rollback=None,
    )
    again.id = f"ecs-svc/{call.world.random.randrange(10**18, 10**19)}"
    begin(call, service, again)
    service.history.remove(again)
    return again


def _tell(call: Call, service: Service, of: Deployment, kind: str, name: str, what: str) -> None:
    detail = {
        "eventType": kind,
        "eventName": name,
        "deploymentId": of.id,
        "updatedAt": of.updated,
        "reason": f"ECS deployment {of.id} {what}",
    }
    send_event(call, "ECS Deployment State Change", [service.arn], detail)
    call.note("ecs.deployment", service.name, f"{of.id} {what}")
