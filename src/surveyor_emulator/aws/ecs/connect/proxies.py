"""The proxy of a task that takes part in Service Connect: configured, started, drained and stopped with the task.

ECS Developer Guide, Service Connect concepts: ECS adds a proxy container to each task of a service that uses it. Its
containers find the names of endpoints in /etc/hosts, each at an address where the proxy listens. Calls from outside
reach the proxy at the task's address, and it forwards them to the containers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from surveyor_emulator.aws.ec2.state import zone_names
from surveyor_emulator.aws.ecs.lookup import find_published
from surveyor_emulator.aws.ecs.state import ConnectConfiguration, OfferedEndpoint, Task
from surveyor_emulator.aws.ecs.task_properties import vpc_of, wall_seconds_per_second
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import ProxyDrain
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect import authority as certificates
from surveyor_emulator.runtime.service_connect import sidecar
from surveyor_emulator.runtime.service_connect.authority import ROTATION_PERIOD
from surveyor_emulator.runtime.service_connect.bootstrap import DRAIN
from surveyor_emulator.runtime.service_connect.sidecar import Sidecar
from surveyor_emulator.runtime.service_connect.values import RESTARTS, Endpoint, Inbound, Plan, Secrets, ZoneAware
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit

from . import callers, endpoints
from .authorities import find_authority
from .proxy_logs import deliver_log_lines, ensure_log_group
from .proxy_metrics import collect_metrics

__all__ = ["assign_addresses", "drain", "end", "reachable_endpoints", "rotate_certificates", "start", "stop"]

OPEN_CALLS_POLL = 0.02  # wall seconds
ENDPOINTS_PER_ZONE = 2


def assign_addresses(call: Call, task: Task) -> None:
    """Give a task the addresses that its proxy needs: an inner one, and one for each name.

    Raises Exhausted if there are none left.
    """
    run, connect = runtime(call.world), task.template.connect
    if connect is None:
        return
    if connect.offered and task.template.definition.network_mode == "awsvpc":
        task.inner_address = run.addresses.take()
    # Two endpoints of the same name have different ports. The names are numbered in alphabetical order.
    for alias in sorted({endpoint.alias for endpoint in reachable_endpoints(task)}):
        task.connect_names[alias] = run.names.take()


def reachable_endpoints(task: Task) -> tuple[Endpoint, ...]:
    """Return the endpoints that existed when the task's deployment began: the task reaches these."""
    return task.deployment.endpoints if task.deployment is not None else ()


async def start(call: Call, task: Task, ended: Callable[[Exit], object]) -> None:
    """Start the proxy, before any container of the task; return once it listens. Raises CannotStart."""
    run, connect = runtime(call.world), task.template.connect
    if connect is None or task.deployment is None:
        return
    ensure_log_group(call, connect)
    run.supervisor.warm()
    await run.discovery.listen(run.supervisor.folder)
    folder = run.supervisor.folder / f"proxy-{task.id}"
    folder.mkdir(mode=0o700)
    secrets = _write_secrets(call, task, connect, folder)
    plan = Plan(
        task.address or "",
        task.inner_address or task.address or "",
        wall_seconds_per_second(call, task),
        vpc_of(call, task) or endpoints.NO_VPC,
        tuple((endpoint, task.connect_names[endpoint.alias]) for endpoint in reachable_endpoints(task)),
        tuple(_inbound_ports(connect, task)),
        tuple(_direct_ports(connect, task)),
        connect.access_log,
        secrets,
        connect.debug,
        task.zone,
        _zone_aware(call, task),
    )
    if task.template.definition.network_mode == "bridge" and task.instance is not None:
        plan = replace(plan, outer=task.instance.address)
    for published in find_published(call, connect.owner, connect.namespace_id):
        endpoints.announce(call, connect.owner, published, plan.network)
    deliver = partial(deliver_log_lines, call, task, connect)
    callers.joined(call, task)
    task.sidecar = await sidecar.start(run.supervisor, plan, folder, partial(_envoy_ended, call, task, ended), deliver)
    if task.proxy is not None:
        task.proxy.status, task.proxy.health = "RUNNING", "HEALTHY"
    collect_metrics(call, task)
    if secrets is not None:
        call.world.clock.call_later(ROTATION_PERIOD, rotate_certificates, call, task, connect, folder)


def _zone_aware(call: Call, task: Task) -> ZoneAware | None:
    """Return how the proxy of a task prefers its zone; None if the target, or the task, has no zones."""
    if call.world.settings.zone_routing == "even" or not task.zone or task.service is None:
        return None
    # "at least 2 x the number of AZs as available endpoints" (ECS Developer Guide, service-connect-zone-aware-routing)
    return ZoneAware(callers.resource_name(task), ENDPOINTS_PER_ZONE * len(zone_names(call.region)))


def _envoy_ended(call: Call, task: Task, ended: Callable[[Exit], object], end: Exit) -> None:
    """Start a dead Envoy again, as the agent in its container does; after some times the container ends."""
    proxy = task.sidecar
    if proxy is None or not task.should_run or proxy.restarts >= RESTARTS:
        ended(end)
    elif not proxy.restarting:
        call.note("connect.envoy-restarted", task.id, f"{end.code}")
        call.world.clock.run(_restart(call, task, proxy, ended, end))


async def _restart(call: Call, task: Task, proxy: Sidecar, ended: Callable[[Exit], object], end: Exit) -> None:
    if task.sidecar is not proxy:
        return  # it was stopped meanwhile
    try:
        await proxy.restart(runtime(call.world).supervisor, partial(_envoy_ended, call, task, ended))
    except CannotStart:
        ended(end)


def drain(call: Call, task: Task, moment: ProxyDrain, then: Callable[[], object]) -> None:
    """Have callers close their connections if the proxy drains at this moment; call ``then`` after 20 s, else at once.

    After the containers it is the agent of the proxy that waits, on its own SIGTERM, whatever the proxy serves.
    """
    if (
        call.world.settings.proxy_drain != moment
        or task.sidecar is None
        or task.sidecar.envoy.process.ended.done()
        or (moment == "before-containers" and not task.sidecar.plan.inbound)
    ):
        then()
        return
    call.note("connect.drain", task.id)
    call.world.clock.run(task.sidecar.envoy.drain())
    if moment == "after-containers":
        call.world.clock.call_later(DRAIN, end, call, task, then)
        return
    run = runtime(call.world)
    run.pace.hold(task, DRAIN)
    watching = asyncio.get_running_loop().create_task(_release_clock(call, task))

    def drained() -> None:
        watching.cancel()
        run.pace.release(task)
        then()

    call.world.clock.call_later(DRAIN, drained)


def end(call: Call, task: Task, then: Callable[[], object] = lambda: None) -> None:
    """End the proxy of a task, and its container; call `then` once it listens no more, at once if there is none."""
    callers.left(call, task)
    stopped, task.sidecar = task.sidecar, None
    if stopped is None:
        then()
    else:
        call.world.clock.run(_stop_and_then(call, stopped, then))
    if task.proxy is not None and task.proxy.status != "STOPPED":
        task.proxy.exit_code = 0 if task.proxy.status == "RUNNING" else None
        task.proxy.status = "STOPPED"


async def _stop_and_then(call: Call, stopped: Sidecar, then: Callable[[], object]) -> None:
    run = runtime(call.world)
    try:
        await stopped.stop(run.supervisor)
    finally:
        run.discovery.leave(stopped.plan.outer)
        then()


async def _release_clock(call: Call, task: Task) -> None:
    """Release the clock once the proxy has no open calls: it need not wait longer."""
    assert task.sidecar is not None
    with contextlib.suppress(asyncio.CancelledError):
        while await task.sidecar.count_open_calls():  # noqa: ASYNC110 (another process sends no events)
            await asyncio.sleep(OPEN_CALLS_POLL)
    runtime(call.world).pace.release(task)


def stop(call: Call, task: Task) -> None:
    """Stop the proxy of a task that has stopped, and release its addresses."""
    run = runtime(call.world)
    end(call, task)
    if task.inner_address is not None:
        run.addresses.release(task.inner_address)
    for address in task.connect_names.values():
        run.names.release(address)
    task.connect_names = {}


def _write_secrets(call: Call, task: Task, connect: ConnectConfiguration, folder: Path) -> Secrets | None:
    """Write the files that TLS needs; return None if no endpoint uses TLS."""
    own_arns = {offered.authority for offered in connect.offered}
    arns = {endpoint.authority for endpoint in reachable_endpoints(task)} | own_arns
    if arns <= {None}:
        return None
    trusted = []
    for arn in arns - {None}:
        assert arn is not None
        # The authority of another service's endpoint may have been deleted: its calls fail, this task does not.
        with contextlib.nullcontext() if arn in own_arns else contextlib.suppress(ServiceError):
            trusted.append(find_authority(call, arn))
    secrets = certificates.trust(trusted, folder)
    for own_arn in own_arns - {None}:
        assert own_arn is not None
        names = [
            f"{offered.discovery_name}.{connect.namespace_name}"
            for offered in connect.offered
            if offered.authority == own_arn
        ]
        secrets = replace(secrets, certificate=certificates.write(find_authority(call, own_arn), names, folder))
    return secrets


def rotate_certificates(call: Call, task: Task, connect: ConnectConfiguration, folder: Path) -> None:
    """Give a task's proxy new certificates, and do so again after each rotation period."""
    proxy = task.sidecar
    if proxy is None:
        return

    def write() -> bool:
        with contextlib.suppress(OSError, ServiceError):  # its folder is being deleted, or the authority was deleted
            _write_secrets(call, task, connect, folder)
            call.note("connect.rotated", task.id)
            return True
        return False

    call.world.clock.run(proxy.replace_certificates(write))
    call.world.clock.call_later(ROTATION_PERIOD, rotate_certificates, call, task, connect, folder)


def _inbound_ports(connect: ConnectConfiguration, task: Task) -> Iterator[Inbound]:
    for offered in connect.offered:
        yield Inbound(
            offered.discovery_name,
            f"{offered.discovery_name}.{connect.namespace_name}",
            _listen_port(offered, task),
            offered.container_port,
            offered.protocol,
            offered.idle_timeout,
            offered.authority is not None,
        )


def _listen_port(offered: OfferedEndpoint, task: Task) -> int:
    """Return the port at which the proxy takes calls for an endpoint."""
    for container in task.containers:
        if container.definition.name == offered.container and offered.container_port in container.proxy_ports:
            return container.proxy_ports[offered.container_port]
    return offered.ingress_port or offered.container_port


def _direct_ports(connect: ConnectConfiguration, task: Task) -> Iterator[int]:
    """Yield the ports that calls reach without the proxy: those not offered, and those whose port was overridden."""
    if task.inner_address is None:
        return
    proxied = {_listen_port(offered, task) for offered in connect.offered}
    for container in task.containers:
        for port in container.definition.ports:
            if port.container not in proxied and port.protocol == "tcp":
                yield port.container
