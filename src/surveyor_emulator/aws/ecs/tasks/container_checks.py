"""Container health checks: commands that really run, as often, as long and as many times as the definition says.

ecs HealthCheck: exit status 0 is healthy; so many failures in a row are unhealthy; within the start period failures do
not count, unless a check has passed. The first check runs one interval after the container has started, as Docker
has it (Dockerfile reference, HEALTHCHECK).
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

__all__ = ["agent_is_connected", "watch"]

# A command takes wall time to start, however fast the clock is; one that has hung is waited for less from then on.
LEAST_WAIT, IMPATIENT_WAIT = 2.0, 0.3


def watch(call: Call, task: Task, container: Container, changed: Callable[[], object]) -> None:
    """Check a container that has just started, until it ends; ``changed`` hears when its health does."""
    health = container.definition.health
    if health is None or not build_check_command(task, container):
        return
    began = call.now

    def again() -> None:
        if container.status == "RUNNING" and task.should_run:
            call.world.clock.run(look())

    async def look() -> None:
        passed = await _passes(call, task, container)
        if container.status != "RUNNING":
            return
        if passed:
            container.failed_checks = 0
            _set(call, task, container, "HEALTHY", changed)
        else:
            starting = container.health == "UNKNOWN" and call.now < began + (health.start_period or 0)
            container.failed_checks += 0 if starting else 1
            if container.failed_checks >= health.retries:
                _set(call, task, container, "UNHEALTHY", changed)
        call.world.clock.call_later(health.interval, again)

    call.world.clock.call_later(health.interval, again)


async def _passes(call: Call, task: Task, container: Container) -> bool:
    assert container.definition.health is not None
    supervisor = runtime(call.world).supervisor
    wall = container.definition.health.timeout * wall_per_second(call.world)
    wall = max(wall, IMPATIENT_WAIT if container.check_hung else LEAST_WAIT)
    try:
        process = await supervisor.start(build_check_command(task, container), build_environment(call, task, container))
    except CannotStart as problem:
        call.note("ecs.container.check", task.id, str(problem))
        return False
    try:
        how = await asyncio.wait_for(asyncio.shield(process.ended), wall)
    except TimeoutError:
        container.check_hung = True
        await supervisor.signal(process, signal.SIGKILL)
        return False
    container.check_hung = False
    return how.code == 0


def agent_is_connected(call: Call, task: Task) -> bool:
    """Return whether the agent of the task's host is connected.

    While it is not, the last known health is kept (ecs HealthCheck).
    """
    if task.instance is None:
        return True
    return allows_egress(call.world, call.account, call.region, task.instance.ec2_id)


def _set(call: Call, task: Task, container: Container, health: Health, changed: Callable[[], object]) -> None:
    if container.health == health or not agent_is_connected(call, task):
        return
    container.health = health
    call.note("ecs.container.health", task.id, f"{container.definition.name} {health}")
    if task.health == "HEALTHY" and task.healthy_since is None:
        task.healthy_since = call.now
    registration.forward_health(call, task)
    endpoints.forward_health(call, task)
    changed()
