"""Fault injection from within tasks: the endpoints of their agent, and what other tasks experience meanwhile.

A task asks its agent by `PUT /fault` of the workload. Its container `side` listens at the next port, so that it can be
asked while nothing passes the other one.
"""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from surveyor.testing import TASK_PORT, Inconclusive, address_of, for_each, proves, timeouts

SIDE_PORT = TASK_PORT + 1
RATE_PERIOD = 5  # service seconds, as documented
PERIOD = RATE_PERIOD + 1
DELAY = 3_000  # milliseconds
HANGS = 5  # service seconds without an answer
EVERYWHERE, NOWHERE = ["0.0.0.0/0"], ["192.0.2.1"]  # the second one is of no network (RFC 5737)

HOLE = {"Port": SIDE_PORT, "Protocol": "tcp", "TrafficType": "ingress"}
LATENCY = {"DelayMilliseconds": DELAY, "JitterMilliseconds": 0, "Sources": EVERYWHERE}
LOSS = {"LossPercent": 100, "Sources": EVERYWHERE}
FAULTS = {
    "blackhole-port": ("network-blackhole-port", HOLE),
    "latency": ("network-latency", {**LATENCY, "Sources": NOWHERE}),
    "packet-loss": ("network-packet-loss", {**LOSS, "Sources": NOWHERE}),
}
RUNNING, STOPPED, NOT_RUNNING = (
    (200, {"Status": "running"}),
    (200, {"Status": "stopped"}),
    (200, {"Status": "not-running"}),
)


@pytest.fixture
def start_task(make_task_definition, run_task, describe_task, eventually):
    """Return a function that runs a task with two containers, and returns its description once it is RUNNING."""

    def start(**definition):
        task = run_task(make_task_definition(beside={"side": {}}, **definition))

        def running():
            described = describe_task(task)
            return described if described["lastStatus"] == "RUNNING" else None

        return eventually(running, within=timeouts.TASK)

    return start


@pytest.fixture
def ask_agent(call_task, clock):
    """Return a function that has a task send a request to its agent: the status and the document of the answer.

    It is sent at once, or once the rate of the endpoints allows another one.
    """

    def ask(task, fault, do, body=None, *, at_once=False, port=TASK_PORT):
        if not at_once:
            clock.wait(PERIOD)
        text = "" if body is None else json.dumps(body)
        path = f"/fault?fault={fault}&do={do}&with={quote(text)}"
        answer = call_task(f"{address_of(task)}:{port}", path, "PUT")
        return answer["status"], answer["answer"]

    return ask


@pytest.fixture
def call_between(call_task):
    """Return a function by which a task calls a port of another one: the seconds until its answer, None without one."""

    def call(caller, callee, port=SIDE_PORT):
        path = f"/call?url=http://{address_of(callee)}:{port}/&within={HANGS * 4}"
        result = call_task(caller, path)["calls"][0]
        return result["seconds"] if "status" in result else None

    return call


@proves("ecs.fault-injection.is-enabled-by-the-task-definition")
@for_each("definition", {"default": {}, "false": {"enableFaultInjection": False}})
def test_tasks_that_do_not_enable_it_are_refused(start_task, ask_agent, definition):
    """Each request of a task without enableFaultInjection is answered with 400 and an Error."""
    task = start_task(**definition)
    for fault, body in FAULTS.values():
        for do in ("start", "status", "stop"):
            status, answer = ask_agent(task, fault, do, body, at_once=True)
            assert (status, list(answer)) == (400, ["Error"])


@proves("ecs.fault-injection.is-enabled-by-the-task-definition", "ecs.fault-injection.status-is-that-of-the-fault")
@for_each("fault, body", FAULTS)
def test_a_fault_runs_until_it_is_stopped(start_task, ask_agent, fault, body):
    """A fault does not run, is started, runs, is stopped, and does not run; another port has no black hole."""
    task = start_task(enableFaultInjection=True)
    assert ask_agent(task, fault, "status", body) == NOT_RUNNING
    assert ask_agent(task, fault, "start", body) == RUNNING
    assert ask_agent(task, fault, "status", body) == RUNNING
    elsewhere = {**HOLE, "Port": SIDE_PORT + 1}
    assert ask_agent(task, "network-blackhole-port", "status", elsewhere) == NOT_RUNNING
    assert ask_agent(task, fault, "stop", body) == STOPPED
    assert ask_agent(task, fault, "status", body) == NOT_RUNNING


@proves("ecs.fault-injection.errors-say-why")
def test_wrong_parameters_are_refused(start_task, ask_agent):
    """Missing and wrong parameters are answered with 400 and an Error, and nothing runs afterwards."""
    task = start_task(enableFaultInjection=True)
    wrong: list[tuple[str, dict[str, object] | None]] = [
        (fault, {name: value for name, value in body.items() if name != missing})
        for fault, body in FAULTS.values()
        for missing in body
    ]
    wrong += [(fault, None) for fault, _ in FAULTS.values()]
    wrong += [
        ("network-blackhole-port", {**HOLE, "Protocol": "icmp"}),
        ("network-blackhole-port", {**HOLE, "TrafficType": "both"}),
        ("network-packet-loss", {**LOSS, "LossPercent": 101}),
        ("network-packet-loss", {**LOSS, "LossPercent": 0}),
        ("network-latency", {**LATENCY, "Sources": ["here"]}),
    ]
    for fault, body in wrong:
        status, answer = ask_agent(task, fault, "start", body)
        assert (status, list(answer)) == (400, ["Error"]), (fault, body)
        assert isinstance(answer["Error"], str)
    for fault, body in FAULTS.values():
        assert ask_agent(task, fault, "status", body) == NOT_RUNNING


@proves("ecs.fault-injection.one-request-in-five-seconds")
def test_an_endpoint_accepts_one_request_in_five_seconds(start_task, ask_agent, clock):
    """The second request at once is answered with 429; other endpoints and containers have separate rates."""
    task = start_task(enableFaultInjection=True)
    began = clock.now()
    assert ask_agent(task, "network-latency", "status", at_once=True)[0] == 200
    second, _ = ask_agent(task, "network-latency", "status", at_once=True)
    if second != 429 and (seconds := clock.now() - began) >= RATE_PERIOD:
        raise Inconclusive(
            f"two requests took {seconds:.1f} s, too slow for a rate of one in {RATE_PERIOD} s; "
            "run it again with fewer workers"
        )
    assert second == 429
    assert ask_agent(task, "network-latency", "stop", at_once=True)[0] == 200
    assert ask_agent(task, "network-packet-loss", "status", at_once=True)[0] == 200
    assert ask_agent(task, "network-latency", "status", at_once=True, port=SIDE_PORT)[0] == 200
    assert ask_agent(task, "network-latency", "status")[0] == 200


@proves("ecs.fault-injection.latency-and-loss-exclude-each-other")
@for_each(
    "first, second",
    {"loss during latency": ("latency", "packet-loss"), "latency during loss": ("packet-loss", "latency")},
)
def test_latency_and_loss_exclude_each_other(start_task, ask_agent, first, second):
    """Starting the other one is answered with 409 until the first one was stopped; a black hole is accepted."""
    task = start_task(enableFaultInjection=True)
    (first, first_body), (second, second_body) = FAULTS[first], FAULTS[second]
    assert ask_agent(task, first, "start", first_body) == RUNNING
    status, answer = ask_agent(task, second, "start", second_body)
    assert (status, list(answer)) == (409, ["Error"])
    assert ask_agent(task, first, "status") == RUNNING
    assert ask_agent(task, second, "status") == NOT_RUNNING
    assert ask_agent(task, "network-blackhole-port", "start", HOLE) == RUNNING
    assert ask_agent(task, first, "stop") == STOPPED
    assert ask_agent(task, second, "start", second_body) == RUNNING


@proves("ecs.fault-injection.black-hole-drops-traffic-of-a-port")
def test_a_black_hole_drops_what_arrives_at_a_port(start_task, ask_agent, call_between):
    """Calls to the port get no answer and those to another port do; a caller that is spared gets one."""
    caller, callee = (start_task(enableFaultInjection=True) for _ in range(2))
    fault, spared = "network-blackhole-port", {**HOLE, "SourcesToFilter": [address_of(caller)]}
    assert call_between(caller, callee) is not None
    assert ask_agent(callee, fault, "start", HOLE) == RUNNING
    assert call_between(caller, callee) is None
    assert call_between(caller, callee, TASK_PORT) is not None
    assert ask_agent(callee, fault, "stop", HOLE) == STOPPED
    assert ask_agent(callee, fault, "start", spared) == RUNNING
    assert call_between(caller, callee) is not None
    assert ask_agent(callee, fault, "stop", HOLE) == STOPPED


@proves("ecs.fault-injection.black-hole-drops-traffic-of-a-port")
def test_a_black_hole_drops_what_a_task_sends_to_a_port(start_task, ask_agent, call_between):
    """With egress it is the caller's calls to that port that get no answer, except those to spared addresses."""
    caller, callee, spared = start_task(enableFaultInjection=True), start_task(), start_task()
    hole = {**HOLE, "TrafficType": "egress", "SourcesToFilter": [address_of(spared)]}
    assert ask_agent(caller, "network-blackhole-port", "start", hole) == RUNNING
    assert call_between(caller, callee) is None
    assert call_between(caller, callee, TASK_PORT) is not None
    assert call_between(caller, spared) is not None
    assert ask_agent(caller, "network-blackhole-port", "stop", hole) == STOPPED
    assert call_between(caller, callee) is not None


@proves("ecs.fault-injection.latency-delays-what-a-task-sends")
def test_a_latency_delays_answers(start_task, ask_agent, call_between):
    """Each call of a source takes the delay at least; of others, and afterwards, some call takes less."""
    caller, callee = (start_task(enableFaultInjection=True) for _ in range(2))

    def fastest():
        return min(call_between(caller, callee) or HANGS * 4 for _ in range(3))

    fault = "network-latency"
    assert fastest() < DELAY / 1_000
    for body, is_delayed in (
        (LATENCY, True),
        ({**LATENCY, "Sources": NOWHERE}, False),
        ({**LATENCY, "Sources": [f"{address_of(caller)}/32"]}, True),
    ):
        assert ask_agent(callee, fault, "start", body) == RUNNING
        assert (fastest() >= DELAY / 1_000) is is_delayed, body
        assert ask_agent(callee, fault, "stop") == STOPPED
    assert fastest() < DELAY / 1_000


@proves("ecs.fault-injection.packet-loss-drops-a-share")
def test_all_packets_are_lost(start_task, ask_agent, call_between):
    """With 100 percent no call of a source is answered; calls of others are, and all of them afterwards."""
    caller, callee = (start_task(enableFaultInjection=True) for _ in range(2))
    fault = "network-packet-loss"
    for body, is_answered in (
        ({**LOSS, "Sources": [address_of(caller)]}, False),
        ({**LOSS, "Sources": NOWHERE}, True),
        ({**LOSS, "Sources": [address_of(caller)], "SourcesToFilter": [address_of(caller)]}, True),
    ):
        assert ask_agent(callee, fault, "start", body) == RUNNING
        assert (call_between(caller, callee) is not None) is is_answered, body
        assert ask_agent(callee, fault, "stop") == STOPPED
    assert call_between(caller, callee) is not None
