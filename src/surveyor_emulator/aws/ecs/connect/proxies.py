"""The proxy of a task that takes part in Service Connect: planned, started, rotated, drained and ended with the task.

ECS Developer Guide, Service Connect concepts: ECS adds a proxy container to each task of a service that uses it. Its
containers find names of endpoints in /etc/hosts, each at an address where the proxy listens; calls from outside come
to the proxy at the task's address, and it passes them on inside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from surveyor_emulator.aws.ecs.lookup import find_published
from surveyor_emulator.aws.ecs.state import ConnectConfiguration, OfferedEndpoint, Task
from surveyor_emulator.aws.ecs.task_properties import vpc_of, wall_seconds_per_second
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect import authority as certificates
from surveyor_emulator.runtime.service_connect import sidecar
from surveyor_emulator.runtime.service_connect.authority import ROTATION_PERIOD
from surveyor_emulator.runtime.service_connect.bootstrap import DRAIN
from surveyor_emulator.runtime.service_connect.values import Endpoint, Inbound, Plan, Secrets
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.supervisor import Exit

from . import endpoints
from .authorities import authority
from .proxy_logs import deliver_log_lines, ensure_log_group
from .proxy_metrics import collect_metrics

__all__ = ["drain", "end", "place", "reachable_endpoints", "rotate_certificates", "start"]

LOOK_AT_CALLS = 0.02  # wall seconds


def place(call: Call, task: Task) -> None:
    """Give a task that is about to be placed what its proxy needs: addresses inside, and for each name. Exhausted."""
    run, wanted = runtime(call.world), task.template.connect
    if wanted is None:
        return
    if wanted.offered and task.template.definition.network_mode == "awsvpc":
        task.inner_address = run.addresses.take()
    for endpoint in reachable_endpoints(task):
        # Two endpoints of one name have ports that differ.
        if endpoint.alias not in task.connect_names:
            task.connect_names[endpoint.alias] = run.names.take()


def reachable_endpoints(task: Task) -> tuple[Endpoint, ...]:
    """Return the endpoints that existed when the task's deployment began: the task reaches these."""
    return task.deployment.endpoints if task.deployment is not None else ()


async def start(call: Call, task: Task, ended: Callable[[Exit], object]) -> None:
    """Start it, before any container of the task; returns when it listens. Raises CannotStart."""
    run, wanted = runtime(call.world), task.template.connect
    if wanted is None or task.deployment is None:
        return
    ensure_log_group(call, wanted)
    run.supervisor.warm()
    await run.discovery.listen(run.supervisor.folder)
    folder = run.supervisor.folder / f"proxy-{task.id}"
    folder.mkdir(mode=0o700)
    secrets = _secrets(call, task, wanted, folder)
    plan = Plan(
        task.address or "",
        task.inner_address or task.address or "",
        wall_seconds_per_second(call, task),
        vpc_of(call, task) or endpoints.NO_VPC,
        tuple((one, task.connect_names[one.alias]) for one in reachable_endpoints(task)),
        tuple(_inbound(wanted, task)),
        tuple(_through(wanted, task)),
        wanted.access_log,
        secrets,
        wanted.debug,
    )
    if task.template.definition.network_mode == "bridge" and task.instance is not None:
        plan = replace(plan, outer=task.instance.address)
    for one in find_published(call, wanted.owner, wanted.namespace_id):
        endpoints.show(call, wanted.owner, one, plan.network)
    task.sidecar = await sidecar.start(
        run.supervisor, plan, folder, ended, partial(deliver_log_lines, call, task, wanted)
    )
    collect_metrics(call, task)
    if secrets is not None:
        call.world.clock.call_later(ROTATION_PERIOD, rotate_certificates, call, task, wanted, folder)


def drain(call: Call, task: Task, then: Callable[[], object]) -> None:
    """Have callers leave, and go on when the agent has waited as long as it does (the agent's README: 20 s)."""
    if task.sidecar is None or not task.sidecar.plan.inbound:
        then()
        return
    call.note("connect.drain", task.id)
    call.world.clock.run(task.sidecar.envoy.drain())
    run = runtime(call.world)
    run.pace.hold(task, DRAIN)
    watching = asyncio.get_running_loop().create_task(_release(call, task))

    def over() -> None:
        watching.cancel()
        run.pace.release(task)
        then()

    call.world.clock.call_later(DRAIN, over)


async def _release(call: Call, task: Task) -> None:
    """The clock need not wait for a proxy that has no call left."""
    assert task.sidecar is not None
    with contextlib.suppress(asyncio.CancelledError):
        while await task.sidecar.count_open_calls():  # noqa: ASYNC110 (another process sends no events)
            await asyncio.sleep(LOOK_AT_CALLS)
    runtime(call.world).pace.release(task)


def end(call: Call, task: Task) -> None:
    """End the proxy of a task that has ended, and give back its addresses."""
    run = runtime(call.world)
    if task.sidecar is not None:
        stopped, task.sidecar = task.sidecar, None
        call.world.clock.run(stopped.stop(run.supervisor))
    if task.inner_address is not None:
        run.addresses.release(task.inner_address)
    for address in task.connect_names.values():
        run.names.release(address)
    task.connect_names = {}


def _secrets(call: Call, task: Task, wanted: ConnectConfiguration, folder: Path) -> Secrets | None:
    """Write what TLS needs, as far as anything here uses it."""
    arns = {one.authority for one in reachable_endpoints(task)} | {one.authority for one in wanted.offered}
    if arns <= {None}:
        return None
    secrets = certificates.trust([authority(call, arn) for arn in arns if arn is not None], folder)
    for shown in {one.authority for one in wanted.offered if one.authority is not None}:
        names = [f"{one.discovery_name}.{wanted.namespace_name}" for one in wanted.offered if one.authority == shown]
        secrets = replace(secrets, certificate=certificates.write(authority(call, shown), names, folder))
    return secrets


def rotate_certificates(call: Call, task: Task, wanted: ConnectConfiguration, folder: Path) -> None:
    """Write new certificates for a task's proxy, and do so again after each rotation period."""
    if task.sidecar is None:
        return
    with contextlib.suppress(OSError, ServiceError):  # its folder is going just now, or the authority is no more
        _secrets(call, task, wanted, folder)
        call.note("connect.rotated", task.id)
    call.world.clock.call_later(ROTATION_PERIOD, rotate_certificates, call, task, wanted, folder)


def _inbound(wanted: ConnectConfiguration, task: Task) -> Iterator[Inbound]:
    for one in wanted.offered:
        yield Inbound(
            one.discovery_name,
            f"{one.discovery_name}.{wanted.namespace_name}",
            _listened(one, task),
            one.container_port,
            one.protocol,
            one.idle_timeout,
            one.authority is not None,
        )


def _listened(one: OfferedEndpoint, task: Task) -> int:
    for container in task.containers:
        if container.definition.name == one.container and one.container_port in container.proxy_ports:
            return container.proxy_ports[one.container_port]
    return one.ingress_port or one.container_port


def _through(wanted: ConnectConfiguration, task: Task) -> Iterator[int]:
    """Ports that calls reach without the proxy: those it does not offer, and those it has overridden."""
    if task.inner_address is None:
        return
    taken = {_listened(one, task) for one in wanted.offered}
    for container in task.containers:
        for port in container.definition.ports:
            if port.container not in taken and port.protocol == "tcp":
                yield port.container
