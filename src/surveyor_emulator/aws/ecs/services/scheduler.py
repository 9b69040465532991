"""The service scheduler: brings the tasks of a service to what its deployments ask for, a look at a time.

ecs DeploymentConfiguration: at least minimumHealthyPercent of the desired count (rounded up) stays, at most
maximumPercent of it (rounded down) runs or is pending; a task without a container check counts 40 seconds after it is
RUNNING, one with checks when they have passed. Unhealthy tasks are replaced: first a new one where there is room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.container_agent import update_container_instances
from surveyor_emulator.aws.ecs.deployments import blue_green, circuit_breaker
from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs, send_service_action
from surveyor_emulator.aws.ecs.shapes import computed_desired_count
from surveyor_emulator.aws.ecs.state import Deployment, Service, Task
from surveyor_emulator.aws.ecs.tasks import lifecycle, load_balancers
from surveyor_emulator.aws.ecs.tasks.placement import create_task
from surveyor_emulator.core.world import Call

__all__ = ["active_tasks_of", "run_soon", "stop_all"]

SCALED = "Scaling activity initiated by (deployment {})"
TRY_AGAIN = 10.0
"""Service seconds until the scheduler tries to place again what it could not."""

UNHEALTHY = "Task failed container health checks"
UNHEALTHY_TARGET = "Task failed ELB health checks"


def active_tasks_of(call: Call, service: Service) -> list[Task]:
    """Its tasks that have not stopped."""
    return [one for one in ecs_state(call).tasks.values() if one.service is service and one.status != "STOPPED"]


def run_soon(call: Call, service: Service, after: float | None = None) -> None:
    """Have the scheduler look at a service, unless it will sooner anyway."""
    delay = call.world.settings.scheduler
    due = call.now + (call.world.random.uniform(delay.minimum, delay.maximum) if after is None else after)
    if service.next_run is not None and service.next_run.action is not None:
        if service.next_run.due <= due:
            return
        service.next_run.cancel()
    own = call_as_ecs(call.world, call.account, call.region)
    service.next_run = call.world.clock.call_at(due, _look, own, service)


def stop_all(call: Call, service: Service, reason: str) -> None:
    """Stop every task of a service that goes."""
    own = call_as_ecs(call.world, call.account, call.region)
    for task in active_tasks_of(call, service):
        lifecycle.stop(own, task, "ServiceSchedulerInitiated", reason, lambda one: _changed(own, service, one))


def _look(call: Call, service: Service) -> None:
    if service.status == "INACTIVE":
        return
    update_container_instances(call, lambda task, why: _lost(call, service, task, why))
    tasks = [one for one in active_tasks_of(call, service) if one.should_run]
    if service.status == "DRAINING":
        if all(one.status in ("STOPPING", "DEPROVISIONING") for one in active_tasks_of(call, service)):
            service.status = "INACTIVE"
            endpoints.retire(call, service)
        return
    if service.controller == "EXTERNAL":
        _external(call, service, tasks)
        return
    primary = service.primary
    if primary is None:
        return
    _report_unhealthy(call, service, tasks)
    failed = [one for one in tasks if has_failed_checks(call, service, one)]
    stays = [one for one in tasks if one.deployment is primary and not _is_drained(one)]
    current = [one for one in stays if one not in failed]
    old = [one for one in tasks if one not in stays and one not in failed]
    shifting = primary.stage not in (None, "CLEAN_UP")
    most = service.desired_count * (200 if shifting else service.maximum_percent) // 100
    room = most - len(old) - len(failed)
    current = _settle(call, service, primary, current, service.desired_count, max(room, 0))
    # What has run before is not asked to prove itself again.
    healthy = sum(counts_towards_minimum(call, one) for one in current) + sum(one.status == "RUNNING" for one in old)
    least = math.ceil(service.desired_count * service.minimum_percent / 100)
    for task in failed:
        # Once enough others count, or where there is no room for its replacement as long as it runs.
        if healthy >= least or room < service.desired_count:
            _stop(call, service, task, UNHEALTHY if task.health == "UNHEALTHY" else UNHEALTHY_TARGET)
    if shifting:
        green_is_well = len(current) == service.desired_count and all(
            counts_towards_minimum(call, one) for one in current
        )
        blue_green.go_on(call, service, primary, well=green_is_well, again=run_soon)
    for task in sorted([] if shifting else old, key=lambda one: (counts_towards_minimum(call, one), one.created)):
        if task.status != "RUNNING":
            _stop(call, service, task, SCALED.format(primary.id))
        elif healthy > least:
            healthy -= 1
            _stop(call, service, task, SCALED.format(primary.id))
    circuit_breaker.judge(call, service, primary, current, old=[one for one in old if one.should_run], again=run_soon)
    _look_again(call, service, [*current, *old])


def _settle(
    call: Call, service: Service, deployment: Deployment, tasks: Sequence[Task], wanted: int, room: int
) -> list[Task]:
    """Start what lacks, as far as there is room, or stop what is too much; the tasks that there are then."""
    lacking = min(wanted, room) - len(tasks)
    if len(tasks) > wanted:
        # The newest go first: those that have not got far yet.
        for task in sorted(tasks, key=lambda one: (counts_towards_minimum(call, one), -one.created))[
            : len(tasks) - wanted
        ]:
            _stop(call, service, task, SCALED.format(deployment.id))
        return [one for one in tasks if one.should_run]
    if lacking <= 0 or deployment.rollout_state == "FAILED" or call.now < deployment.launch_after:
        return list(tasks)
    started = [_start(call, service, deployment) for _ in range(lacking)]
    there = [one for one in started if one is not None]
    if there:
        ids = " ".join(f"(task {one.id})." for one in there)
        add_event(call, service, f"(service {service.name}) has started {len(there)} tasks: {ids}")
    if len(there) < lacking:
        why = "no container instance met all of its requirements"
        message = f"(service {service.name}) was unable to place a task because {why}."
        if not service.events or service.events[-1]["message"] != message:
            add_event(call, service, message)
        run_soon(call, service, TRY_AGAIN)
    return [*tasks, *there]


def _external(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    for one in service.task_sets:
        mine = [task for task in tasks if task.deployment is one.deployment]
        wanted = computed_desired_count(service, one) if one.status != "DRAINING" else 0
        now = _settle(call, service, one.deployment, mine, wanted, wanted)
        stable = len(now) == wanted and all(task.status == "RUNNING" for task in now)
        if stable and one.stable_since is None:
            one.stable_since = call.now
        elif not stable:
            one.stable_since = None
    service.task_sets = [
        one
        for one in service.task_sets
        if one.status != "DRAINING" or any(task.deployment is one.deployment for task in active_tasks_of(call, service))
    ]


def has_failed_checks(call: Call, service: Service, task: Task) -> bool:
    """Whether a task's checks have failed, and its grace period is over."""
    graced = task.started is not None and call.now < task.started + service.grace_period
    return not graced and (task.health == "UNHEALTHY" or load_balancers.has_failed_check(call, task))


def _is_drained(task: Task) -> bool:
    return task.instance is not None and task.instance.status == "DRAINING"


def _lost(call: Call, service: Service, task: Task, why: str) -> None:
    """Its host was terminated."""
    lifecycle.stop(call, task, "TerminationNotice", why, lambda one: _changed(call, task.service or service, one))


def _report_unhealthy(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """Once for each task: it has failed its checks, and was in Cloud Map."""
    for task in tasks:
        if task.health == "UNHEALTHY" and not task.unhealthy_reported:
            task.unhealthy_reported = True
            add_event(call, service, f"(service {service.name}) (task {task.id}) failed container health checks.")
            if task.template.registry is not None:
                detail = {"clusterArn": service.cluster.arn, "createdAt": call.now}
                send_service_action(call, service.arn, "WARN", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", detail)


def counts_towards_minimum(call: Call, task: Task) -> bool:
    """Whether a task counts towards the minimum."""
    return task.status == "RUNNING" and task.healthy_since is not None and call.now >= task.healthy_since


def _look_again(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """When a task begins to count, or a wait is over, without anything else happening."""
    moments = [one.healthy_since for one in tasks if one.healthy_since is not None and one.healthy_since > call.now]
    primary = service.primary
    if primary is not None and primary.launch_after > call.now:
        moments.append(primary.launch_after)
    if moments:
        run_soon(call, service, min(moments) - call.now)


def _start(call: Call, service: Service, deployment: Deployment) -> Task | None:
    task = create_task(call, deployment.template, service.cluster, f"service:{service.name}", deployment.id)
    if task is None:
        return None
    task.service, task.deployment = service, deployment
    if service.document.get("propagateTags") == "SERVICE":
        task.tags = dict(ecs_state(call).tags.get(service.arn, {}))
    ecs_state(call).tasks[task.arn] = task
    lifecycle.launch(call, task, lambda one: _changed(call, service, one))
    return task


def _stop(call: Call, service: Service, task: Task, reason: str) -> None:
    add_event(call, service, f"(service {service.name}) has stopped 1 running tasks: (task {task.id}).")
    lifecycle.stop(call, task, "ServiceSchedulerInitiated", reason, lambda one: _changed(call, service, one))


def _changed(call: Call, service: Service, task: Task) -> None:
    """A step of a task's life."""
    deployment = task.deployment
    assert deployment is not None
    if task.status == "RUNNING" and task.should_run:
        deployment.failed_launches = 0
        if task.healthy_since is not None:
            run_soon(call, service, max(0.0, task.healthy_since - call.now))
    elif not task.should_run:
        circuit_breaker.count(call, service, deployment, task)
        if task.status == "STOPPED":
            call.world.clock.call_later(call.world.settings.task_remembered, ecs_state(call).tasks.pop, task.arn, None)
    run_soon(call, service)
