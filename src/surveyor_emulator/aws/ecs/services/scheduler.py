"""The service scheduler: starts and stops the tasks of a service until they match its deployments, step by step.

ecs DeploymentConfiguration: at least minimumHealthyPercent of the desired count (rounded up) keeps running, at most
maximumPercent of it (rounded down) runs or is pending; a task without a container check counts 40 seconds after it is
RUNNING, one with checks when they have passed. Unhealthy tasks are replaced: a new one is started first if the maximum
allows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.container_agent import update_container_instances
from surveyor_emulator.aws.ecs.deployments import rollout, stages
from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs, send_service_action
from surveyor_emulator.aws.ecs.services import daemons, rebalancing
from surveyor_emulator.aws.ecs.shapes import computed_desired_count
from surveyor_emulator.aws.ecs.state import ContainerInstance, Deployment, Service, Task
from surveyor_emulator.aws.ecs.tags import tags_to_propagate
from surveyor_emulator.aws.ecs.tasks import lifecycle, load_balancers
from surveyor_emulator.aws.ecs.tasks.capacity_providers import choose_provider
from surveyor_emulator.aws.ecs.tasks.placement import create_task
from surveyor_emulator.aws.ecs.tasks.roles import problem_with_roles
from surveyor_emulator.core.world import Call

__all__ = [
    "active_tasks_of",
    "counts_towards_minimum",
    "has_failed_checks",
    "run_soon",
    "stop_all",
    "stop_task",
    "task_changed",
    "update_hosts",
]

SCALED = "Scaling activity initiated by (deployment {})"
INSTANCES_CHECKED_EVERY = 10.0
"""Service seconds after which daemons are placed on instances that have joined; no document says how soon."""
PLACEMENT_RETRY = 10.0
"""Service seconds until the scheduler tries to place a task again."""

REBALANCED = "Task stopped to balance the service over Availability Zones"
UNHEALTHY = "Task failed container health checks"
UNHEALTHY_TARGET = "Task failed ELB health checks"


def active_tasks_of(call: Call, service: Service) -> list[Task]:
    """Return the tasks of a service that have not stopped."""
    return [task for task in ecs_state(call).tasks.values() if task.service is service and task.status != "STOPPED"]


def run_soon(call: Call, service: Service, after: float | None = None) -> None:
    """Have the scheduler run for a service, after some seconds; nothing if it runs earlier anyway."""
    delay = call.world.settings.scheduler
    due = call.now + (call.world.random.uniform(delay.minimum, delay.maximum) if after is None else after)
    if service.next_run is not None and service.next_run.action is not None:
        if service.next_run.due <= due:
            return
        service.next_run.cancel()
    own_call = call_as_ecs(call.world, call.account, call.region)
    service.next_run = call.world.clock.call_at(due, _run, own_call, service)


def stop_all(call: Call, service: Service, reason: str) -> None:
    """Stop every task of a service that is being deleted."""
    own_call = call_as_ecs(call.world, call.account, call.region)
    for task in active_tasks_of(call, service):
        stop_task(own_call, task, "ServiceSchedulerInitiated", reason)


def stop_task(call: Call, task: Task, code: str, reason: str) -> None:
    """Stop a task; its service, if it has one, replaces it."""
    lifecycle.stop(call, task, code, reason, partial(task_changed, call))


def update_hosts(call: Call) -> None:
    """Have instances join and leave their clusters, and stop the tasks of those that have left."""
    own_call, state = call_as_ecs(call.world, call.account, call.region), ecs_state(call)
    known = set(state.instances)
    update_container_instances(call, lambda task, reason: stop_task(own_call, task, "TerminationNotice", reason))
    clusters = {state.instances[arn].cluster.name for arn in state.instances.keys() - known}
    for service in state.services.values():
        if service.cluster.name in clusters and service.status == "ACTIVE":
            run_soon(call, service)


def _run(call: Call, service: Service) -> None:
    if service.status == "INACTIVE":
        return
    update_hosts(call)
    tasks = [task for task in active_tasks_of(call, service) if task.should_run]
    if service.status == "DRAINING":
        if all(task.status in ("STOPPING", "DEPROVISIONING") for task in active_tasks_of(call, service)):
            service.status = "INACTIVE"
            endpoints.retire(call, service)
        return
    if service.controller == "EXTERNAL":
        _run_task_sets(call, service, tasks)
        return
    primary = service.primary
    if primary is None:
        return
    _count_instances(call, service)
    _report_unhealthy(call, service, tasks)
    failed = [task for task in tasks if has_failed_checks(call, service, task)]
    kept = [task for task in tasks if task.deployment is primary and not _is_on_draining_host(task)]
    current = [task for task in kept if task not in failed]
    old = [task for task in tasks if task not in kept and task not in failed]
    is_shifting = stages.is_shifting(primary)
    if is_shifting:
        old = _keep_old_tasks(call, service, primary, old)
    max_tasks = service.desired_count * (200 if is_shifting else service.maximum_percent) // 100
    capacity = max_tasks - len(old) - len(failed) if not stages.is_before_scale_up(primary) else 0
    desired_count = service.desired_count + service.moving
    current = _scale(call, service, primary, current, desired_count, max(capacity, 0))
    _move_task(call, service, current)
    # A task that ran before this deployment counts while it is RUNNING.
    healthy = sum(counts_towards_minimum(call, task) for task in current) + sum(
        task.status == "RUNNING" for task in old
    )
    min_healthy = math.ceil(service.desired_count * service.minimum_percent / 100)
    # Stop a failed task once enough others count, or if its replacement cannot start while it runs.
    if healthy >= min_healthy or capacity < service.desired_count:
        for task in failed:
            _stop(call, service, task, UNHEALTHY if task.health == "UNHEALTHY" else UNHEALTHY_TARGET)
    if is_shifting:
        all_healthy = len(current) == service.desired_count and all(
            counts_towards_minimum(call, task) for task in current
        )
        stages.start_stages(call, service, primary, all_healthy=all_healthy, run_again=run_soon)
    elif not rollout.completes_first(call, service, primary, current):
        _stop_old_tasks(call, service, primary, old, healthy - min_healthy)
    _keep_desired_counts(service, tasks)
    still_running = [task for task in old if task.should_run]
    rollout.reset_failures(call, service, primary, current)
    if rollout.has_tripped(service, primary):
        _trip(call, service, primary)
        return
    rollout.judge(call, service, primary, current, old=still_running)
    _run_when_due(call, service, [*current, *old])


def _count_instances(call: Call, service: Service) -> None:
    """Let a service of daemons desire a task for each instance, and look again later."""
    if service.scheduling_strategy == "DAEMON":
        service.desired_count = daemons.count_active_instances(call, service.cluster)
        run_soon(call, service, INSTANCES_CHECKED_EVERY)


def _move_task(call: Call, service: Service, current: list[Task]) -> None:
    """Begin or end the move of a task to another zone, if the service is not balanced over its zones."""
    is_steady = service.steady and rebalancing.may_rebalance(service)
    if not service.moving:
        if is_steady and len(current) == service.desired_count and not rebalancing.is_balanced(call, service, current):
            rebalancing.begin_move(call, service, current)
            run_soon(call, service)
        return
    if not is_steady:
        service.moving = False  # another change comes first
        run_soon(call, service)
    elif len(current) > service.desired_count and all(counts_towards_minimum(call, task) for task in current):
        leaving = rebalancing.choose_leaving(call, service, current)
        rebalancing.end_move(call, service)
        _stop(call, service, leaving, REBALANCED)
        current.remove(leaving)


def _trip(call: Call, service: Service, primary: Deployment) -> None:
    """Fail a deployment by the circuit breaker."""
    if stages.is_shifting(primary):
        stages.roll_back(call, service, primary, run_soon, rollout.BREAKER_TRIGGERED)
    else:
        rollout.fail_by_breaker(call, service, primary)
        run_soon(call, service)


def _stop_old_tasks(call: Call, service: Service, primary: Deployment, old: Sequence[Task], surplus: int) -> None:
    """Stop tasks of earlier deployments: those that do not run, and of the others as many as are surplus."""
    for task in sorted(old, key=lambda task: (counts_towards_minimum(call, task), task.created)):
        if task.status != "RUNNING":
            _stop(call, service, task, SCALED.format(primary.id))
        elif surplus > 0:
            surplus -= 1
            _stop(call, service, task, SCALED.format(primary.id))


def _keep_old_tasks(call: Call, service: Service, primary: Deployment, old: Sequence[Task]) -> list[Task]:
    """Replace old tasks while they serve beside the new ones, and stop those of a deployment that never completed."""
    blue = stages.blue_of(service, primary)
    kept = [task for task in old if task.deployment is blue]
    unfinished = [task for task in old if task.deployment is not blue]
    for task in unfinished:
        _stop(call, service, task, SCALED.format(primary.id))
    if blue is not None:
        kept = _scale(call, service, blue, kept, service.desired_count, service.desired_count)
    stages.reconcile(call, service, primary, is_clean=not unfinished, run_again=run_soon)
    return kept


def _scale(
    call: Call, service: Service, deployment: Deployment, tasks: Sequence[Task], desired_count: int, capacity: int
) -> list[Task]:
    """Start missing tasks, as far as there is capacity, or stop surplus ones; return the tasks after that."""
    missing = min(desired_count, capacity) - len(tasks)
    if len(tasks) > desired_count:
        # Stop the newest first, and before them those that do not count yet.
        newest_first = sorted(tasks, key=lambda task: (counts_towards_minimum(call, task), -task.created))
        for task in newest_first[: len(tasks) - desired_count]:
            _stop(call, service, task, SCALED.format(deployment.id))
        return [task for task in tasks if task.should_run]
    if missing <= 0 or deployment.rollout_state == "FAILED" or call.now < deployment.launch_after:
        return list(tasks)
    problem = problem_with_roles(call, deployment.template.definition, {})
    if problem is not None:
        _report_once(call, service, f"(service {service.name}) failed to launch a task with (error {problem}).")
        run_soon(call, service, PLACEMENT_RETRY)
        return list(tasks)
    if service.scheduling_strategy == "DAEMON":
        free = daemons.find_free_instances(call, service)[:missing]
        missing = len(free)  # on the others a task stops first, and the scheduler runs when it has
        attempts = [_start(call, service, deployment, instance) for instance in free]
    else:
        attempts = [_start(call, service, deployment) for _ in range(missing)]
    started = [task for task in attempts if task is not None]
    if started:
        ids = " ".join(f"(task {task.id})" for task in started)
        add_event(call, service, f"(service {service.name}) has started {len(started)} tasks: {ids}.")
    if len(started) < missing:
        reason = "no container instance met all of its requirements"
        _report_once(call, service, f"(service {service.name}) was unable to place a task because {reason}.")
        run_soon(call, service, PLACEMENT_RETRY)
    return [*tasks, *started]


def _report_once(call: Call, service: Service, message: str) -> None:
    """Add an event, unless it is the last one already."""
    if not service.events or service.events[-1]["message"] != message:
        add_event(call, service, message)


def _keep_desired_counts(service: Service, tasks: Sequence[Task]) -> None:
    """Set the desired count of the primary deployment to that of the service, of others to the tasks they have left."""
    for deployment in service.deployments:
        own_tasks = sum(task.deployment is deployment and task.should_run for task in tasks)
        deployment.desired_count = service.desired_count if deployment.status == "PRIMARY" else own_tasks


def _run_task_sets(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """Scale each task set of a service with an external deployment controller."""
    for task_set in service.task_sets:
        own_tasks = [task for task in tasks if task.deployment is task_set.deployment]
        desired_count = computed_desired_count(service, task_set) if task_set.status != "DRAINING" else 0
        current = _scale(call, service, task_set.deployment, own_tasks, desired_count, desired_count)
        is_stable = len(current) == desired_count and all(
            task.status == "RUNNING" and (task.health == "HEALTHY" or not task.has_health_check) for task in current
        )
        if is_stable and task_set.stable_since is None:
            task_set.stable_since = call.now
        elif not is_stable:
            task_set.stable_since = None
    service.task_sets = [
        task_set
        for task_set in service.task_sets
        if task_set.status != "DRAINING"
        or any(task.deployment is task_set.deployment for task in active_tasks_of(call, service))
    ]


def has_failed_checks(call: Call, service: Service, task: Task) -> bool:
    """Return whether a task's checks have failed, and its grace period is over."""
    in_grace_period = task.started is not None and call.now < task.started + service.grace_period
    return not in_grace_period and (task.health == "UNHEALTHY" or load_balancers.has_failed_check(call, task))


def _is_on_draining_host(task: Task) -> bool:
    return task.instance is not None and task.instance.status == "DRAINING"


def _report_unhealthy(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """Report each task whose checks have failed, once; if it has a registry, also to EventBridge."""
    for task in tasks:
        if task.health == "UNHEALTHY" and not task.unhealthy_reported:
            task.unhealthy_reported = True
            add_event(call, service, f"(service {service.name}) (task {task.id}) failed container health checks.")
            if task.template.registry is not None:
                detail = {"clusterArn": service.cluster.arn, "createdAt": call.now}
                send_service_action(call, service.arn, "WARN", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", detail)


def counts_towards_minimum(call: Call, task: Task) -> bool:
    """Return whether a task counts towards the minimum."""
    return task.status == "RUNNING" and task.healthy_since is not None and call.now >= task.healthy_since


def _run_when_due(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """Have the scheduler run when the next task begins to count, or a grace period or the wait for a launch is over."""
    graces = [task.started + service.grace_period for task in tasks if task.started is not None]
    counting = [task.healthy_since for task in tasks if task.healthy_since is not None]
    moments = [moment for moment in (*graces, *counting) if moment > call.now]
    primary = service.primary
    if primary is not None and primary.launch_after > call.now:
        moments.append(primary.launch_after)
    if primary is not None and primary.rollout_state == "COMPLETED" and _has_others(primary, tasks):
        run_soon(call, service)  # tasks that outlive their deployment are stopped now
    if primary is not None and primary.done_since is not None:
        moments.append(primary.done_since + rollout.bake_seconds(service, primary))
    steady_event = rollout.next_steady_event(service)
    if steady_event is not None and steady_event > call.now:
        moments.append(steady_event)
    if moments:
        run_soon(call, service, min(moments) - call.now)


def _has_others(deployment: Deployment, tasks: Sequence[Task]) -> bool:
    return any(task.should_run and task.deployment is not deployment for task in tasks)


def _start(
    call: Call, service: Service, deployment: Deployment, instance: ContainerInstance | None = None
) -> Task | None:
    # Tasks of other deployments leave soon: the new ones are balanced among themselves.
    beside = [task for task in active_tasks_of(call, service) if task.should_run and task.deployment is deployment]
    strategy = deployment.template.capacity_provider_strategy
    provider = choose_provider(strategy, [other.capacity_provider for other in beside])
    task = create_task(
        call, deployment.template, service.cluster, f"service:{service.name}", deployment.id, beside, instance, provider
    )
    if task is None:
        return None
    task.service, task.deployment = service, deployment
    task.tags = tags_to_propagate(call, service.document.get("propagateTags"), service, deployment.template)
    ecs_state(call).tasks[task.arn] = task
    lifecycle.launch(call, task, partial(task_changed, call))
    return task


def _stop(call: Call, service: Service, task: Task, reason: str) -> None:
    add_event(call, service, f"(service {service.name}) has stopped 1 running tasks: (task {task.id}).")
    stop_task(call, task, "ServiceSchedulerInitiated", reason)


def task_changed(call: Call, task: Task) -> None:
    """Handle one step of a task's lifecycle; a stopped task is deleted once it has been described for long enough."""
    if task.status == "STOPPED":
        call.world.clock.call_later(call.world.settings.task_remembered, ecs_state(call).tasks.pop, task.arn, None)
    if task.service is None or task.deployment is None:
        return
    if task.status == "RUNNING" and task.should_run:
        task.deployment.failed_launches = 0
    elif not task.should_run:
        reason = task.stopped_reason or ""
        if task.status == "DEPROVISIONING" and reason.startswith("CannotPullContainerError"):
            message = f"(service {task.service.name}) was unable to place a task. Reason: {reason}."
            _report_once(call, task.service, message)
        rollout.count_failure(call, task.service, task.deployment, task)
    run_soon(call, task.service)
