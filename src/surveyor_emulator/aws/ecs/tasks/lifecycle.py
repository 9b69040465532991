"""The lifecycle of one task.

PROVISIONING, PENDING, ACTIVATING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED (ECS Developer Guide, Task
lifecycle). A task gets its address while PROVISIONING; while ACTIVATING its containers are started and it is
registered, so that its instance exists before it is RUNNING. No document describes the order of
deregistration and SIGTERM: it is a setting.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping
from functools import partial

from surveyor_emulator.aws.ecs.connect import endpoints, proxies
from surveyor_emulator.aws.ecs.connect.cloudmap_calls import has_access
from surveyor_emulator.aws.ecs.service_principal import send_event
from surveyor_emulator.aws.ecs.shapes import format_task
from surveyor_emulator.aws.ecs.state import Container, Task, TaskStatus
from surveyor_emulator.core.settings import Delay
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.forwarding import forward
from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit

from . import load_balancers, registration
from .container_checks import start_checks
from .environment import build_command, build_environment
from .images import pull_problem
from .task_addresses import assign_addresses, release_addresses, remove_interface
from .task_files import write_task_files

__all__ = ["kill_container", "launch", "stop", "stop_container"]

log = logging.getLogger(__name__)

# A command other than the workload needs time to start; an advanced clock waits that long (service seconds).
FOREIGN_START = 5.0
TARGET_POLL = 1.0  # service seconds

Changed = Callable[[Task], object]
"""Called after each step of a task's lifecycle."""


def launch(call: Call, task: Task, changed: Changed) -> None:
    """Launch a task that is in the state already; ``call`` must be ECS's own (see `call_as_ecs`)."""

    def pending() -> None:
        if not assign_addresses(call, task):
            _fail(call, task, changed, "RESOURCE:ENI")
            return
        _set_status(call, task, "PENDING", changed)
        _later(call, task, call.world.settings.task_pending, connected)

    def connected() -> None:
        task.connected = call.now
        _later(call, task, call.world.settings.task_pull_wait, pulling)

    def pulling() -> None:
        task.pull_started = call.now
        if pull_problem(call, task) is None:
            _later(call, task, call.world.settings.task_pull, activating)
        else:
            _later(call, task, call.world.settings.pull_retries, pulled_at_last)

    def pulled_at_last() -> None:
        problem = pull_problem(call, task)
        if problem is None:
            activating()
        else:
            task.containers[0].reason = problem
            _fail(call, task, changed, problem)

    def activating() -> None:
        task.pull_stopped = call.now
        if task.template.connect is not None:
            _set_status(call, task, "ACTIVATING", changed)
        else:  # without an event and a version of it
            task.status = "ACTIVATING"
            call.note("ecs.task.activating", task.id)
        call.world.clock.run(_activate(call, task, changed))

    _send_state(call, task, changed)
    _later(call, task, call.world.settings.task_provisioning, pending)


def stop(call: Call, task: Task, code: str, reason: str, changed: Changed) -> None:
    """Stop a task in any status; do nothing if it is being stopped already."""
    if not task.should_run:
        return
    task.desired_status, task.stop_code, task.stopped_reason, task.stopping = "STOPPED", code, reason, call.now
    _report_change(call, task, changed)
    # The answer of StopTask, and the event of this moment, have the status that the task is in.
    call.world.clock.call_later(0, _begin_to_stop, call, task, changed)


def _begin_to_stop(call: Call, task: Task, changed: Changed) -> None:
    if task.status in ("PROVISIONING", "PENDING"):
        _deprovision(call, task, changed)
    elif task.status == "RUNNING":
        _deactivate(call, task, changed)
    # ACTIVATING: it is deactivated once its containers have started and its registration has ended


def _later(call: Call, task: Task, delay: Delay, step: Callable[[], object]) -> None:
    """Call ``step`` after a delay, unless the task has been stopped by then."""

    def step_if_not_stopped() -> None:
        if task.should_run:
            step()

    call.world.later(delay, step_if_not_stopped)


def _set_status(call: Call, task: Task, status: TaskStatus, changed: Changed) -> None:
    task.status = status
    _report_change(call, task, changed)


def _report_change(call: Call, task: Task, changed: Changed) -> None:
    task.version += 1
    _send_state(call, task, changed)


def _send_state(call: Call, task: Task, changed: Changed) -> None:
    call.note(f"ecs.task.{task.status.lower()}", task.id, task.stopped_reason or "")
    send_event(call, "ECS Task State Change", [task.arn], format_task(call, task))
    changed(task)


async def _activate(call: Call, task: Task, changed: Changed) -> None:
    try:
        await _start_all(call, task, changed)
    except Exception:  # an error of the embedded target must not leave a task ACTIVATING for ever
        log.exception("task %s cannot be started", task.id)
        _fail(call, task, changed, "InternalError: the embedded target failed; its log has the traceback")


async def _start_all(call: Call, task: Task, changed: Changed) -> None:
    try:
        await proxies.start(call, task, lambda end: _proxy_ended(call, task, end, changed))
    except CannotStart as error:
        _fail(call, task, changed, f"CannotStartContainerError: {error}")
        return
    files = await write_task_files(call, task)
    for container in task.containers:
        try:
            await _start_container(call, task, container, files, changed)
        except CannotStart as error:
            container.status, container.reason = "STOPPED", f"CannotStartContainerError: {error}"
            _fail(call, task, changed, container.reason)
            return
    try:
        await _forward_host_ports(call, task)
    except OSError as error:
        _fail(call, task, changed, f"CannotStartContainerError: {error.strerror or error}")
        return
    _register(call, task, changed)


def _register(call: Call, task: Task, changed: Changed) -> None:
    """Register the task for Service Connect and in its registry; after that it is RUNNING."""

    def registered(problem: str | None) -> None:
        if problem is not None and task.should_run:
            _fail(call, task, changed, f"ServiceDiscoveryError: {problem}")
        else:
            call.world.later(call.world.settings.task_activating, _run, call, task, changed)

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


async def _forward_host_ports(call: Call, task: Task) -> None:
    if task.instance is None or task.address is None:
        return
    for container in task.containers:
        for container_port, host_port in container.host_ports.items():
            address, traffic = task.instance.address, call.world.traffic
            task.forwarders.append(
                await forward(
                    address,
                    host_port,
                    task.address,
                    container_port,
                    for_machine=traffic is None or traffic.admits_machine(address, host_port),
                )
            )


async def _start_container(
    call: Call, task: Task, container: Container, files: Mapping[str, str], changed: Changed
) -> None:
    run = runtime(call.world)
    command = build_command(task, container)
    if not command:
        raise CannotStart("the container has no command, and images are not pulled here")

    def ended(end: Exit) -> None:
        run.pace.release(container)
        _container_ended(call, task, container, end, changed)

    container.process = await run.supervisor.start(
        command,
        build_environment(call, task, container),
        files=files,
        memory=container.definition.memory,
        task=task.id,
        task_memory=task.memory,
        address=_decided_address(call, task),
        on_end=ended,
    )
    if container.status == "PENDING":  # it may have ended already
        container.status, container.started = "RUNNING", call.now
    if container.process.foreign:
        run.pace.hold(container, FOREIGN_START)
    start_checks(call, task, container, lambda: _report_change(call, task, changed))


def _decided_address(call: Call, task: Task) -> str:
    """Return what the containers of a task act as, "" if nothing that they connect to is decided."""
    is_decided = call.world.traffic is not None or task.template.definition.document.get("enableFaultInjection")
    return (task.address or "") if is_decided else ""


def _run(call: Call, task: Task, changed: Changed) -> None:
    if not task.should_run:
        _deactivate(call, task, changed)
        return
    task.started = call.now
    load_balancers.register(call, task)
    if task.template.load_balancers:
        call.world.clock.call_later(TARGET_POLL, _check_targets, call, task, changed)
    elif not task.has_health_check:
        task.healthy_since = call.now + call.world.settings.task_counts_after
    _set_status(call, task, "RUNNING", changed)


def _check_targets(call: Call, task: Task, changed: Changed) -> None:
    """Count the task as healthy once its load balancers' checks and its own pass; report later failures."""
    if not task.should_run:
        return
    own_checks_pass = not task.has_health_check or task.health == "HEALTHY"
    if load_balancers.is_healthy(call, task) and own_checks_pass and task.healthy_since is None:
        task.healthy_since = call.now
        changed(task)
    elif load_balancers.has_failed_check(call, task):
        changed(task)
    call.world.clock.call_later(TARGET_POLL, _check_targets, call, task, changed)


def _fail(call: Call, task: Task, changed: Changed, reason: str) -> None:
    """Stop a task that cannot reach RUNNING."""
    task.desired_status, task.stop_code, task.stopped_reason = "STOPPED", "TaskFailedToStart", reason
    task.stopping = call.now
    if task.status == "ACTIVATING":
        _deactivate(call, task, changed)
    else:
        _deprovision(call, task, changed)


def _deactivate(call: Call, task: Task, changed: Changed) -> None:
    order = call.world.settings.deregistration
    _set_status(call, task, "DEACTIVATING", changed)

    def stopping(problem: str | None = None) -> None:
        if task.status == "DEACTIVATING":
            _set_status(call, task, "STOPPING", changed)
            terminate = partial(_terminate, call, task, changed)
            proxies.drain(call, task, "before-containers", lambda: call.world.clock.run(terminate()))

    if task.template.load_balancers and task.started is not None:
        drained = partial(call.world.later, call.world.settings.task_deactivating, stopping)
        registration.deregister(call, task, lambda problem: None)
        endpoints.deregister(call, task, lambda problem: None)
        load_balancers.deregister(call, task, drained)
        return
    connect = task.template.connect
    if connect is not None and task.connect_services and not has_access(call, connect):
        # ECS Developer Guide, Troubleshooting shared namespaces: the task is stranded until access is restored.
        endpoints.deregister(call, task, stopping)
        return
    endpoints.deregister(call, task, lambda problem: None)
    if order == "wait-for-operation":
        registration.deregister(call, task, stopping)
        return
    if order == "no-wait":
        registration.deregister(call, task, lambda problem: None)
    call.world.later(call.world.settings.task_deactivating, stopping)


async def _terminate(call: Call, task: Task, changed: Changed) -> None:
    """Stop the containers that no running one depends on; as they end, those that they depended on follow."""
    running = [
        container
        for container in task.containers
        if container.process is not None and not container.process.ended.done()
    ]
    if not running:
        _all_ended(call, task, changed)
        return
    needed = {name for container in running for name in container.definition.depends_on}
    for container in running:
        if container.definition.name not in needed and not container.is_stopping:
            container.is_stopping = True
            await stop_container(call, task, container)


async def stop_container(call: Call, task: Task, container: Container) -> None:
    """Send SIGTERM to a running container, and SIGKILL once its stopTimeout is over."""
    assert container.process is not None
    run, stop_timeout = runtime(call.world), container.definition.stop_timeout
    call.note("ecs.container.sigterm", task.id, container.definition.name)
    run.pace.hold(container, stop_timeout)
    call.world.clock.call_later(stop_timeout, kill_container, call, container)
    await run.supervisor.signal(container.process, signal.SIGTERM)


def kill_container(call: Call, container: Container) -> None:
    """Send SIGKILL to a container that still runs."""
    if container.process is not None and not container.process.ended.done():
        call.world.clock.run(_kill_and_wait(call, container))


async def _kill_and_wait(call: Call, container: Container) -> None:
    assert container.process is not None
    await runtime(call.world).supervisor.signal(container.process, signal.SIGKILL)
    await container.process.ended


def _container_ended(call: Call, task: Task, container: Container, end: Exit, changed: Changed) -> None:
    container.status, container.exit_code = "STOPPED", end.code
    if end.out_of_memory:
        container.reason = "OutOfMemoryError: Container killed due to memory usage"
    call.note("ecs.container.exited", task.id, f"{container.definition.name} {end.code}")
    if task.status == "STOPPING":
        call.world.clock.run(_terminate(call, task, changed))
    elif task.should_run and container.definition.essential:
        call.world.later(call.world.settings.task_exit_noticed, _essential_ended, call, task, changed)


def _essential_ended(call: Call, task: Task, changed: Changed) -> None:
    stop(call, task, "EssentialContainerExited", "Essential container in task exited", changed)


def _proxy_ended(call: Call, task: Task, end: Exit, changed: Changed) -> None:
    """Stop the task: the proxy is essential, since a task without it cannot reach its endpoints."""
    if task.should_run and task.sidecar is not None:
        call.note("connect.proxy-ended", task.id, f"{end.code}")
        call.world.later(call.world.settings.task_exit_noticed, _essential_ended, call, task, changed)


def _all_ended(call: Call, task: Task, changed: Changed) -> None:
    if task.status != "STOPPING" or task.execution_stopped is not None:
        return
    task.execution_stopped = call.now
    if call.world.settings.deregistration == "after-exit":
        registration.deregister(call, task, lambda problem: None)
    proxies.drain(call, task, "after-containers", partial(_deprovision, call, task, changed))


def _deprovision(call: Call, task: Task, changed: Changed) -> None:
    _set_status(call, task, "DEPROVISIONING", changed)
    if call.world.settings.stopped_addresses == "vanish":
        proxies.end(call, task, partial(remove_interface, call, task))  # it listens at the address until then

    def stopped() -> None:
        task.stopped = call.now
        for container in task.containers:
            container.status = "STOPPED"
        for forwarder in task.forwarders:
            forwarder.close()
        proxies.stop(call, task)
        release_addresses(call, task)
        _set_status(call, task, "STOPPED", changed)

    call.world.later(call.world.settings.task_deprovisioning, stopped)
