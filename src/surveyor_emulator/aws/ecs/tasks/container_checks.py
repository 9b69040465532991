"""Container health checks: commands that really run, with the interval, timeout and retries of the definition.

ecs HealthCheck: exit status 0 is healthy; after ``retries`` failures in a row the container is unhealthy; within the
start period failures do not count, unless a check has passed. The first check runs one interval after the container
has started, as in Docker (Dockerfile reference, HEALTHCHECK).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from surveyor_emulator.aws.ec2.groups import allows_egress
from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.state import Container, Health, Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.pace import wall_per_second
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

from . import registration
from .environment import build_check_command, build_environment

__all__ = ["agent_is_connected", "start_checks"]

# A command takes wall time to start, however fast the clock is; after one has hung, the next gets less (wall seconds).
# All of that is at most half a minute of service time, so that a check that hangs is still seen on a fast clock.
MIN_TIMEOUT, MIN_TIMEOUT_AFTER_HANG, MAX_START = 2.0, 0.3, 30.0


def start_checks(call: Call, task: Task, container: Container, changed: Callable[[], object]) -> None:
    """Check a container that has just started, until it ends; call ``changed`` when its health changes."""
    health = container.definition.health
    if health is None:
        return
    started = call.now

    def check_if_running() -> None:
        if container.status == "RUNNING" and task.should_run:
            call.world.clock.run(check())

    async def check() -> None:
        passed = await _passes(call, task, container)
        if container.status != "RUNNING":
            return
        if passed:
            container.failed_checks = 0
            _set_health(call, task, container, "HEALTHY", changed)
        else:
            in_start_period = container.health == "UNKNOWN" and call.now < started + health.start_period
            container.failed_checks += 0 if in_start_period else 1
            if container.failed_checks >= health.retries:
                _set_health(call, task, container, "UNHEALTHY", changed)
        call.world.clock.call_later(health.interval, check_if_running)

    call.world.clock.call_later(health.interval, check_if_running)


async def _passes(call: Call, task: Task, container: Container) -> bool:
    assert container.definition.health is not None
    assert container.process is not None
    supervisor = runtime(call.world).supervisor
    timeout = container.definition.health.timeout * wall_per_second(call.world)
    start = MIN_TIMEOUT_AFTER_HANG if container.check_hung else MIN_TIMEOUT
    timeout = max(timeout, min(start, MAX_START * wall_per_second(call.world)))
    command, environment = build_check_command(task, container), build_environment(call, task, container)
    try:
        process = await supervisor.start(
            command,
            environment,
            memory=container.definition.memory,
            task=task.id,
            task_memory=task.memory,
            address=task.address or "",
        )
    except CannotStart as error:
        call.note("ecs.container.check", task.id, str(error))
        return False
    await asyncio.wait({process.ended, container.process.ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    if process.ended.done():
        container.check_hung = False
        return process.ended.result().code == 0
    container.check_hung = not container.process.ended.done()
    await supervisor.signal(process, signal.SIGKILL)  # a command does not outlive its container either
    return False


def agent_is_connected(call: Call, task: Task) -> bool:
    """Return whether the agent of the task's host is connected.

    While it is not, the last known health is kept (ecs HealthCheck).
    """
    if task.instance is None:
        return True
    return allows_egress(call.world, call.account, call.region, task.instance.ec2_id)


def _set_health(call: Call, task: Task, container: Container, health: Health, changed: Callable[[], object]) -> None:
    if container.health == health or not agent_is_connected(call, task):
        return
    container.health, container.health_since = health, call.now
    call.note("ecs.container.health", task.id, f"{container.definition.name} {health}")
    if task.health == "HEALTHY" and task.healthy_since is None:
        task.healthy_since = call.now
    registration.forward_health(call, task)
    endpoints.forward_health(call, task)
    changed()
