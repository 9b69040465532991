"""The fault injection endpoints of a task, `${ECS_AGENT_URI}/fault/v1/FAULT/start|stop|status`.

ECS Developer Guide, "Amazon ECS fault injection endpoints" and "Use fault injection with your Amazon ECS and Fargate
workloads". The faults take effect on the task's processes (`surveyor_emulator.runtime.tasks.network_faults`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import IPv4Network
from urllib.parse import urlsplit

import orjson

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.state import Container, EcsState, FaultParameters, HolePlace, InjectedFaults, Task
from surveyor_emulator.aws.ecs.task_properties import vpc_of, wall_seconds_per_second
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.delaying_proxy import NetworkDelay
from surveyor_emulator.runtime.tasks.network_faults import BlackHole, Impairments, Loss

from .fault_requests import BLACK_HOLE, LATENCY, PACKET_LOSS, FaultRefused, parse_fault

__all__ = ["answer_fault_request"]

log = logging.getLogger(__name__)

PERIOD = 5.0
"""Service seconds in which an endpoint accepts one request of a container."""

FAULTS, ACTIONS = (BLACK_HOLE, LATENCY, PACKET_LOSS), ("start", "stop", "status")
_MODES = ("awsvpc", "host")
_THIS_MACHINE = IPv4Network("127.0.0.0/8")


def answer_fault_request(world: World, path: str, request: Request) -> Response | None:
    """Return the answer to a request of a task, None if there is no such endpoint.

    `path`: ACCOUNT/REGION/CLUSTER/TASK/api/CONTAINER/fault/v1/FAULT/ACTION.
    """
    account, region, cluster, identity, *rest = path.split("/")
    state = world.peek(EcsState, account, region)
    task = state.tasks.get(f"arn:aws:ecs:{region}:{account}:task/{cluster}/{identity}")
    if task is None or len(rest) != 6 or rest[2:4] != ["fault", "v1"]:
        return None
    _, name, _, _, fault, action = rest
    if fault not in FAULTS or action not in ACTIONS:
        return None
    container = next((each for each in task.containers if each.definition.name == name), None)
    if container is None:
        return None
    if request.method != "POST":
        return Response(405)
    call = call_as_ecs(world, account, region)
    try:
        _count(call, container, f"{fault}/{action}")
        return _json(200, {"Status": _perform(call, task, fault, action, request.body)})
    except FaultRefused as refusal:
        return _json(refusal.status, {"Error": str(refusal)})
    except OSError as error:
        log.warning("task %s: %s cannot be injected: %s", task.id, fault, error)
        return _json(500, {"Error": f"internal error: {error.strerror or error}"})


def _count(call: Call, container: Container, endpoint: str) -> None:
    """Raise FaultRefused for a request that comes too soon after the last one that was accepted."""
    last = container.fault_requests.get(endpoint)
    if last is not None and call.now - last < PERIOD:
        raise FaultRefused(429, "You have reached maximum request limit.")
    container.fault_requests[endpoint] = call.now


def _perform(call: Call, task: Task, fault: str, action: str, body: bytes) -> str:
    needs_body = fault == BLACK_HOLE or action == "start"
    given = parse_fault(fault, body) if needs_body else FaultParameters()
    definition = task.template.definition
    if not definition.document.get("enableFaultInjection"):
        raise FaultRefused(400, f"enableFaultInjection is not enabled for task: {task.arn}")
    if definition.network_mode not in _MODES:
        text = f"{definition.network_mode} mode is not supported. Please use either host or awsvpc mode."
        raise FaultRefused(400, text)
    faults = _faults_of(task)
    if action == "status":
        return "running" if _is_running(faults, fault, given) else "not-running"
    if action == "stop":
        if _is_running(faults, fault, given):
            _stop(faults, fault, given)
            _apply(call, task)
        return "stopped"
    if fault != BLACK_HOLE:
        for running in (LATENCY, PACKET_LOSS):
            if _is_running(faults, running, given):
                raise FaultRefused(409, f"There is already one {running.replace('-', ' ')} fault running")
    if not _is_running(faults, fault, given):
        _start(faults, fault, given)
        try:
            _apply(call, task)
        except OSError:
            _stop(faults, fault, given)
            raise
    return "running"


def _faults_of(task: Task) -> InjectedFaults:
    """Return the faults of the network that a task has: in host mode that of its instance."""
    is_of_host = task.template.definition.network_mode == "host" and task.instance is not None
    return task.instance.faults if is_of_host and task.instance is not None else task.faults


def _is_running(faults: InjectedFaults, fault: str, given: FaultParameters) -> bool:
    if fault == BLACK_HOLE:
        return given.hole in faults.holes
    return (faults.latency if fault == LATENCY else faults.loss) is not None


def _start(faults: InjectedFaults, fault: str, given: FaultParameters) -> None:
    if fault == BLACK_HOLE:
        assert given.hole is not None
        faults.holes[given.hole] = given
    elif fault == LATENCY:
        faults.latency = given
    else:
        faults.loss = given


def _stop(faults: InjectedFaults, fault: str, given: FaultParameters) -> None:
    if fault == BLACK_HOLE:
        assert given.hole is not None
        faults.holes.pop(given.hole, None)
    elif fault == LATENCY:
        faults.latency = None
    else:
        faults.loss = None


def _apply(call: Call, task: Task) -> None:
    """Let the faults of a task take effect. Raises OSError if this machine cannot do it."""
    faults, pace = _faults_of(task), wall_seconds_per_second(call, task) / 1_000

    def known(networks: Sequence[IPv4Network]) -> tuple[IPv4Network, ...]:
        return _with_this_machine(call, task, networks)

    holes = [
        BlackHole(place.way, place.protocol, place.port, (*known(given.spared), *_agent_at(call, place)))
        for place, given in faults.holes.items()
    ]
    if any((hole.way, hole.protocol) == ("egress", "udp") for hole in holes):
        raise OSError("datagrams that a process sends cannot be dropped here")
    loss, delay = faults.loss, faults.latency
    impairments = Impairments(
        holes,
        Loss(loss.loss / 100, known(loss.sources), known(loss.spared)) if loss is not None else None,
        NetworkDelay(delay.delay * pace, delay.jitter * pace, known(delay.sources), known(delay.spared))
        if delay is not None
        else None,
    )
    assert task.address is not None
    runtime(call.world).network_faults.impair(task.address, impairments)


def _with_this_machine(call: Call, task: Task, networks: Sequence[IPv4Network]) -> tuple[IPv4Network, ...]:
    """Return ranges of addresses, with those of this machine beside a range that holds the task's whole VPC.

    On this machine tasks and their callers may have loopback addresses, which are in no subnet.
    """
    vpc = ec2_state(call.world, call.account, call.region).vpcs.get(vpc_of(call, task) or "")
    holds_vpc = vpc is not None and any(IPv4Network(vpc.cidr).subnet_of(network) for network in networks)
    return (*networks, _THIS_MACHINE) if holds_vpc else tuple(networks)


def _agent_at(call: Call, place: HolePlace) -> tuple[IPv4Network, ...]:
    """Return the address of the agent, if a black hole has its port: a task always reaches it, to end the fault."""
    endpoint = urlsplit(call.world.endpoint)
    is_of_agent = place.way == "egress" and place.port == endpoint.port
    return (IPv4Network(endpoint.hostname or "127.0.0.1"),) if is_of_agent else ()


def _json(status: int, answer: dict[str, str]) -> Response:
    return Response(status, orjson.dumps(answer), {"Content-Type": "application/json"})
