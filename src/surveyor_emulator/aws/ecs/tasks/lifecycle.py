"""The life of one task: PROVISIONING, PENDING, ACTIVATING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.

ECS Developer Guide, Task lifecycle. A task gets its address while PROVISIONING; while ACTIVATING its containers are
started and it is registered, so that its instance is there before it is RUNNING. How deregistration and SIGTERM follow
each other no document says: it is a setting.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping
from functools import partial

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.connect import endpoints, proxies
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import send_event
from surveyor_emulator.aws.ecs.shapes import format_task
from surveyor_emulator.aws.ecs.state import Container, Task, TaskStatus
from surveyor_emulator.core.settings import Delay
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.addresses import Exhausted
from surveyor_emulator.runtime.tasks.forwarding import forward
from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit

from . import container_checks as checks
from . import load_balancers, registration
from .environment import build_command, build_environment
from .task_files import write_task_files

__all__ = ["kill_container", "launch", "stop", "stop_container"]

log = logging.getLogger(__name__)

# Commands that are not the workload take a while to become what they will be: service seconds of an advanced clock.
YOUNG = 5.0
LOOK_AT_TARGETS = 1.0
ON_HOST = range(32_768, 61_000)
"""Ports of the host that bridge mode hands out (ECS Developer Guide, PortMapping: the ephemeral range)."""


def launch(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    """Begin with a task that is in the state already; ``changed`` hears of each step. It happens as ECS itself."""

    def pending() -> None:
        if not _place(call, task):
            _fail(call, task, changed, "RESOURCE:ENI")
            return
        _to(call, task, "PENDING", changed)
        _later(call, task, changed, call.world.settings.task_pending, activating)

    def activating() -> None:
        task.pull_started = task.pull_stopped = call.now
        _to(call, task, "ACTIVATING", changed)
        call.world.clock.run(_activate(call, task, changed))

    _told(call, task, changed)
    _later(call, task, changed, call.world.settings.task_provisioning, pending)


def stop(call: Call, task: Task, code: str, reason: str, changed: Callable[[Task], object]) -> None:
    """Stop a task, whatever it is doing; nothing if that is under way."""
    if not task.should_run:
        return
    task.desired_status, task.stop_code, task.stopped_reason, task.stopping = "STOPPED", code, reason, call.now
    if task.status in ("PROVISIONING", "PENDING"):
        _deprovision(call, task, changed)
    elif task.status == "RUNNING":
        _deactivate(call, task, changed)
    else:  # ACTIVATING: once its containers have started and its registration is over
        _told(call, task, changed)


def _later(call: Call, task: Task, changed: Callable[[Task], object], delay: Delay, step: Callable[[], object]) -> None:
    def go() -> None:
        if task.should_run:
            step()

    call.world.later(delay, go)


def _to(call: Call, task: Task, status: TaskStatus, changed: Callable[[Task], object]) -> None:
    task.status = status
    _told(call, task, changed)


def _told(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    task.version += 1
    call.note(f"ecs.task.{task.status.lower()}", task.id, task.stopped_reason or "")
    send_event(call, "ECS Task State Change", [task.arn], format_task(call, task))
    changed(task)


def _place(call: Call, task: Task) -> bool:
    """Give the task its address, and its zone from its subnet or its container instance."""
    state = ec2_state(call.world, call.account, call.region)
    network = task.template.network
    if network is not None:
        subnet = state.subnets.get(call.world.random.choice(network.subnets))
        if subnet is None:
            return False
        task.subnet, task.zone, task.ipv6_only = subnet.id, subnet.zone, subnet.native
        ipv6 = subnet.next_ipv6()
        task.ipv6 = str(ipv6) if ipv6 is not None else None
    elif task.instance is not None:
        task.zone = task.instance.zone
    mode = task.template.definition.network_mode
    try:
        proxies.place(call, task)
        if mode == "host" and task.instance is not None:
            task.address = task.instance.address
        else:
            task.address = runtime(call.world).addresses.take()
    except Exhausted:
        return False
    if mode == "bridge":
        taken = _ports_taken(call, task)
        free = (port for port in ON_HOST if port not in taken)
        offered = task.template.connect.offered if task.template.connect is not None else ()
        for container in task.containers:
            for port in container.definition.ports:
                container.host_ports[port.container] = port.host or next(free)
            for one in offered:
                if one.container == container.definition.name:
                    container.proxy_ports[one.container_port] = one.ingress_port or next(free)
    return True


def _ports_taken(call: Call, task: Task) -> set[int]:
    return {
        port
        for other in ecs_state(call).tasks.values()
        if other.instance is task.instance and other is not task and other.status != "STOPPED"
        for container in other.containers
        for port in (*container.host_ports.values(), *container.proxy_ports.values())
    }


async def _activate(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    try:
        await _start_all(call, task, changed)
    except Exception:  # a mistake of ours may not leave a task on its way for ever
        log.exception("task %s cannot be started", task.id)
        _fail(call, task, changed, "InternalError: the embedded target failed; its log has the traceback")


async def _start_all(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    try:
        await proxies.start(call, task, lambda how: _proxy_ended(call, task, how, changed))
    except CannotStart as problem:
        _fail(call, task, changed, f"CannotStartContainerError: {problem}")
        return
    files = await write_task_files(call, task)
    for container in task.containers:
        try:
            await _start(call, task, container, files, changed)
        except CannotStart as problem:
            container.status, container.reason = "STOPPED", f"CannotStartContainerError: {problem}"
            _fail(call, task, changed, container.reason)
            return
    try:
        await _map_ports(task)
    except OSError as problem:
        _fail(call, task, changed, f"CannotStartContainerError: {problem.strerror or problem}")
        return
    _join(call, task, changed)


def _join(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    """Register it wherever it belongs; then it is RUNNING."""

    def registered(problem: str | None) -> None:
        if problem is not None and task.should_run:
            _fail(call, task, changed, f"ServiceDiscoveryError: {problem}")
        elif task.should_run:
            _run(call, task, changed)
        else:
            _deactivate(call, task, changed)

    def connected(problem: str | None) -> None:
        if problem is not None or task.template.registry is None:
            registered(problem)
        elif task.should_run:
            registration.register(call, task, registered)
        else:
            registered(None)

    if task.should_run and task.template.connect is not None:
        endpoints.register(call, task, connected)
    elif task.should_run:
        connected(None)
    else:
        _deactivate(call, task, changed)


async def _map_ports(task: Task) -> None:
    if task.instance is None or task.address is None:
        return
    for container in task.containers:
        for inside, outside in container.host_ports.items():
            task.forwarders.append(await forward(task.instance.address, outside, task.address, inside))


async def _start(
    call: Call, task: Task, container: Container, files: Mapping[str, str], changed: Callable[[Task], object]
) -> None:
    run = runtime(call.world)

    command = build_command(task, container)
    if not command:
        raise CannotStart("there is no command, and no image is pulled that could have one")

    def ended(how: Exit) -> None:
        run.pace.release(container)
        _container_ended(call, task, container, how, changed)

    container.process = await run.supervisor.start(
        command,
        build_environment(call, task, container),
        files=files,
        memory=container.definition.memory,
        on_end=ended,
    )
    if container.status == "PENDING":  # it may have ended already
        container.status = "RUNNING"
    if container.process.foreign:
        run.pace.hold(container, YOUNG)
    checks.watch(call, task, container, lambda: _told(call, task, changed))


def _run(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    task.started = call.now
    load_balancers.register(call, task)
    if task.template.load_balancers:
        call.world.clock.call_later(LOOK_AT_TARGETS, _look_at_targets, call, task, changed)
    elif not task.has_health_check:
        task.healthy_since = call.now + call.world.settings.task_counts_after
    _to(call, task, "RUNNING", changed)


def _look_at_targets(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    """It counts as healthy once its load balancers say so, and its own checks if it has any; later they may not."""
    if not task.should_run:
        return
    well = load_balancers.is_healthy(call, task) and (not task.has_health_check or task.health == "HEALTHY")
    if well and task.healthy_since is None:
        task.healthy_since = call.now
        changed(task)
    elif load_balancers.has_failed_check(call, task):
        changed(task)
    call.world.clock.call_later(LOOK_AT_TARGETS, _look_at_targets, call, task, changed)


def _fail(call: Call, task: Task, changed: Callable[[Task], object], why: str) -> None:
    """It does not get as far as RUNNING."""
    task.desired_status, task.stop_code, task.stopped_reason = "STOPPED", "TaskFailedToStart", why
    task.stopping = call.now
    if task.status == "ACTIVATING":
        _deactivate(call, task, changed)
    else:
        _deprovision(call, task, changed)


def _deactivate(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    order = call.world.settings.deregistration
    _to(call, task, "DEACTIVATING", changed)

    def stopping(problem: str | None = None) -> None:
        if task.status == "DEACTIVATING":
            _to(call, task, "STOPPING", changed)
            proxies.drain(call, task, lambda: call.world.clock.run(_terminate(call, task, changed)))

    if task.template.load_balancers and task.started is not None:
        left = partial(call.world.later, call.world.settings.task_deactivating, stopping)
        registration.deregister(call, task, lambda problem: None)
        endpoints.deregister(call, task, lambda problem: None)
        load_balancers.deregister(call, task, left)
        return
    wanted = task.template.connect
    if wanted is not None and not endpoints.has_access(call, wanted):
        # ECS Developer Guide, Troubleshooting shared namespaces: stranded until it may enter again.
        endpoints.deregister(call, task, stopping)
        return
    endpoints.deregister(call, task, lambda problem: None)
    if order == "wait-for-operation":
        registration.deregister(call, task, stopping)
        return
    if order == "no-wait":
        registration.deregister(call, task, lambda problem: None)
    call.world.later(call.world.settings.task_deactivating, stopping)


async def _terminate(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    left = [one for one in task.containers if one.process is not None and not one.process.ended.done()]
    if not left:
        _all_ended(call, task, changed)
        return
    for container in left:
        await stop_container(call, task, container)


async def stop_container(call: Call, task: Task, container: Container) -> None:
    """Send SIGTERM to a running container, and SIGKILL once its stopTimeout is over."""
    assert container.process is not None
    run, grace = runtime(call.world), container.definition.stop_timeout
    call.note("ecs.container.sigterm", task.id, container.definition.name)
    run.pace.hold(container, grace)
    call.world.clock.call_later(grace, kill_container, call, container)
    await run.supervisor.signal(container.process, signal.SIGTERM)


def kill_container(call: Call, container: Container) -> None:
    """Send SIGKILL to a container that still runs."""
    if container.process is not None and not container.process.ended.done():
        call.world.clock.run(_killed(call, container))


async def _killed(call: Call, container: Container) -> None:
    assert container.process is not None
    await runtime(call.world).supervisor.signal(container.process, signal.SIGKILL)
    await container.process.ended


def _container_ended(
    call: Call, task: Task, container: Container, how: Exit, changed: Callable[[Task], object]
) -> None:
    container.status, container.exit_code = "STOPPED", how.code
    if how.out_of_memory:
        container.reason = "OutOfMemoryError: Container killed due to memory usage"
    call.note("ecs.container.exited", task.id, f"{container.definition.name} {how.code}")
    if task.status == "STOPPING" and all(one.status == "STOPPED" for one in task.containers):
        _all_ended(call, task, changed)
    elif task.should_run and container.definition.essential:
        call.world.later(call.world.settings.task_exit_noticed, _essential_ended, call, task, changed)


def _essential_ended(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    stop(call, task, "EssentialContainerExited", "Essential container in task exited", changed)


def _proxy_ended(call: Call, task: Task, how: Exit, changed: Callable[[Task], object]) -> None:
    """The proxy is essential: a task without it reaches nobody."""
    if task.should_run and task.sidecar is not None:
        call.note("connect.proxy-ended", task.id, f"{how.code}")
        call.world.later(call.world.settings.task_exit_noticed, _essential_ended, call, task, changed)


def _all_ended(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    if task.status != "STOPPING":
        return
    task.execution_stopped = call.now
    if call.world.settings.deregistration == "after-exit":
        registration.deregister(call, task, lambda problem: None)
    _deprovision(call, task, changed)


def _deprovision(call: Call, task: Task, changed: Callable[[Task], object]) -> None:
    _to(call, task, "DEPROVISIONING", changed)

    def stopped() -> None:
        task.stopped = call.now
        for one in task.forwarders:
            one.close()
        proxies.end(call, task)
        if task.address is not None and (task.instance is None or task.address != task.instance.address):
            runtime(call.world).addresses.release(task.address)
        _to(call, task, "STOPPED", changed)

    call.world.later(call.world.settings.task_deprovisioning, stopped)
