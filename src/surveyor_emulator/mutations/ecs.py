"""Mutations of ECS service discovery: registration, health, deployments and the end of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.services import rules, scheduler
from surveyor_emulator.aws.ecs.state import Cluster, Container, Health, Service, Task, TaskTemplate
from surveyor_emulator.aws.ecs.tasks import container_checks, lifecycle, registration
from surveyor_emulator.aws.ecs.tasks.registration import Done
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime

from .registry import Patches, mutation

__all__ = [
    "hears_the_disconnected",
    "ignores_health",
    "keeps_failed_tasks",
    "kills_at_once",
    "never_deregisters",
    "registers_late",
    "run_task_registers",
    "waits_for_nothing",
    "wrong_attributes",
]

LATE = 10.0
"""Service seconds from RUNNING until a task is registered."""


@mutation("registers-late")
def registers_late(patches: Patches) -> None:
    """Let a task run first, and register it `LATE` seconds later."""
    register = registration.register

    def register_late(call: Call, task: Task, done: Done) -> None:
        done(None)
        if task.should_run:
            call.world.clock.call_later(LATE, register, call, task, lambda problem: None)

    patches.replace(register, register_late)


@mutation("never-deregisters")
def never_deregisters(patches: Patches) -> None:
    """Leave the instances of stopped tasks in Cloud Map."""

    def deregister_nothing(call: Call, task: Task, done: Done) -> None:
        task.registered_in = None
        done(None)

    patches.replace(registration.deregister, deregister_nothing)


@mutation("ignores-health")
def ignores_health(patches: Patches) -> None:
    """Register every task as HEALTHY, and do not forward changes of its health."""

    def always_healthy(task: Task) -> Health:
        return "HEALTHY"

    def forward_nothing(call: Call, task: Task) -> None:
        return None

    patches.replace(registration.initial_health, always_healthy)
    patches.replace(registration.forward_health, forward_nothing)


@mutation("wrong-attributes")
def wrong_attributes(patches: Patches) -> None:
    """Register each task with port 1 and without the attributes that ECS adds."""

    def attributes_of_no_use(call: Call, task: Task) -> dict[str, str]:
        return {
            "AWS_INSTANCE_IPV4": task.reachable_address or "",
            "AWS_INSTANCE_PORT": "1",
            "CLUSTER": task.cluster.name,
        }

    patches.replace(registration.instance_attributes, attributes_of_no_use)


@mutation("run-task-registers")
def run_task_registers(patches: Patches) -> None:
    """Register tasks of RunTask too: where a service of the same task definition family registers its own."""
    template = rules.build_template

    def template_with_registry(
        call: Call, within: Cluster, request: Mapping[str, Any], *, for_service: bool = True
    ) -> TaskTemplate:
        read = template(call, within, request, for_service=for_service)
        if for_service:
            return read
        for service in ecs_state(call).services.values():
            deployment = service.primary
            if deployment is not None and deployment.template.definition.family == read.definition.family:
                return replace(read, registry=deployment.template.registry)
        return read

    patches.replace(template, template_with_registry)


@mutation("keeps-failed-tasks")
def keeps_failed_tasks(patches: Patches) -> None:
    """Never replace a task whose checks have failed."""

    def never_failed(call: Call, service: Service, task: Task) -> bool:
        return False

    patches.replace(scheduler.has_failed_checks, never_failed)


@mutation("waits-for-nothing")
def waits_for_nothing(patches: Patches) -> None:
    """Count a task towards the minimum as soon as it is RUNNING, healthy or not."""

    def counts_when_running(call: Call, task: Task) -> bool:
        return task.status == "RUNNING"

    patches.replace(scheduler.counts_towards_minimum, counts_when_running)


@mutation("kills-at-once")
def kills_at_once(patches: Patches) -> None:
    """Send SIGKILL at once instead of SIGTERM."""

    async def kill_at_once(call: Call, task: Task, container: Container) -> None:
        call.note("ecs.container.sigterm", task.id, container.definition.name)
        runtime(call.world).pace.hold(container, 0)
        call.world.clock.call_later(0, lifecycle.kill_container, call, container)

    patches.replace(lifecycle.stop_container, kill_at_once)


@mutation("hears-the-disconnected")
def hears_the_disconnected(patches: Patches) -> None:
    """Take up the health of containers whose host's agent is disconnected."""

    def always_connected(call: Call, task: Task) -> bool:
        return True

    patches.replace(container_checks.agent_is_connected, always_connected)
