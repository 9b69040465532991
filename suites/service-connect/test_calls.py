"""What a client's proxy does with calls: whom it picks, when it tries again, and when it gives up."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from surveyor.testing import (
    CallFromTask,
    CallTask,
    Inconclusive,
    MakeConnectService,
    ReportFigure,
    RunningTarget,
    TasksOf,
    WaitForTask,
    WaitUntilSteady,
    address_of,
    proves,
    timeouts,
)


@pytest.fixture
def three(
    make_connect_service: MakeConnectService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    wait_for_task: WaitForTask,
) -> Any:
    """`server, tasks, client = three()`: an endpoint of three tasks, and the task of a client."""

    def make(**how: Any) -> Any:
        server = make_connect_service("backend", count=3, **how)
        wait_until_steady(server.service)
        client = wait_for_task(make_connect_service(wall_second=how.get("second")))
        return server, tasks_of(server.service), client

    return make


@proves("service-connect.balancing.round-robin")
def test_calls_are_spread_in_turn(three: Any, call_from_task: CallFromTask) -> None:
    """Of 300 calls each of three tasks has a third, give or take three, and nearly any three in a row reach all."""
    server, tasks, client = three()
    reached = [one.address for one in call_from_task(client, server.url, times=300)]
    found = Counter(reached)
    assert sorted(found) == sorted(address_of(one) for one in tasks)
    assert all(97 <= count <= 103 for count in found.values()), found
    in_turn = sum(len(set(reached[first : first + 3])) == 3 for first in range(298))
    assert in_turn >= 280, f"{in_turn} of 298"


@proves("service-connect.outliers.are-ejected-and-return")
def test_a_failing_task_is_left_out_for_a_while(three: Any, call_from_task: CallFromTask, call_task: CallTask) -> None:
    """One of three resets: it has at least five calls, then none while it is ejected, and later calls again."""
    server, tasks, client = three(second=0.02)
    bad = tasks[0]
    call_task(bad, "/behave?do=reset", "PUT")
    call_from_task(client, server.url, times=40)
    failed = call_task(bad, "/executions")["served"]
    assert failed >= 5
    call_task(bad, "/behave?do=answer", "PUT")
    # Ejected during the calls before: what comes within 15 s of their end is within 30 s of the ejection.
    early = call_from_task(client, server.url, times=60, every=0.25)
    assert address_of(bad) not in {one.address for one in early}
    assert {one.status for one in early} == {200}
    late = call_from_task(client, server.url, times=560, every=0.5)
    assert address_of(bad) in {one.address for one in late}


@proves("service-connect.retries.two-by-other-hosts")
def test_a_failed_call_is_tried_again_elsewhere(three: Any, call_from_task: CallFromTask, call_task: CallTask) -> None:
    """All three reset: one call is executed three times, once by each. One of them resets: no call fails."""
    server, tasks, client = three()
    for task in tasks:
        call_task(task, "/behave?do=reset", "PUT")
    [call] = call_from_task(client, f"{server.url}/?key=once")
    assert call.status != 200
    executed = [call_task(task, "/executions")["executions"].get("once", 0) for task in tasks]
    assert executed == [1, 1, 1]
    for task in tasks[1:]:
        call_task(task, "/behave?do=answer", "PUT")
    assert {one.status for one in call_from_task(client, server.url, times=12)} == {200}


@proves("service-connect.retries.repeat-what-is-not-idempotent")
def test_posts_that_are_executed_twice(
    three: Any,
    call_from_task: CallFromTask,
    call_task: CallTask,
    report_figure: ReportFigure,
    running_target: RunningTarget,
) -> None:
    """One of three resets after it has executed: which POSTs were executed more than once, and by whom."""
    server, tasks, client = three()
    call_task(tasks[0], "/behave?do=reset", "PUT")
    for number in range(12):
        call_from_task(client, f"{server.url}/?key=order-{number}", method="POST")
    executed: dict[str, list[str]] = defaultdict(list)
    for task in tasks:
        for key, times in call_task(task, "/executions")["executions"].items():
            executed[key] += [address_of(task)] * times
    if not executed:
        raise Inconclusive("no POST has arrived")
    twice = {key: by for key, by in sorted(executed.items()) if len(by) > 1}
    for key, by in twice.items():
        running_target.evidence.event(f"POST {key} was executed {len(by)} times, by {', '.join(by)}")
    report_figure("POSTs sent", 12, unit="calls")
    report_figure("POSTs executed more than once", len(twice), unit="calls")
    report_figure("executions in all", sum(map(len, executed.values())), unit="calls")


@proves("service-connect.timeout.fifteen-seconds")
@pytest.mark.parametrize(("limit", "answered", "cut_off"), [(None, 14, 16), (18, 16, 20), (0, 25, None)])
def test_a_call_has_a_time_limit(
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    limit: int | None,
    answered: int,
    cut_off: int | None,
) -> None:
    """15 s unless the configuration says otherwise, and none where it says 0."""
    timeout = {} if limit is None else {"timeout": {"perRequestTimeoutSeconds": limit}}
    server = make_connect_service("backend", endpoint=timeout)
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [one.status for one in call_from_task(client, f"{server.url}/?after={answered}")] == [200]
    if cut_off is not None:
        [call] = call_from_task(client, f"{server.url}/?after={cut_off}")
        assert call.status != 200
        assert call.seconds < cut_off + 0.5


@proves("service-connect.proxy.other-traffic-bypasses-it")
def test_other_traffic_bypasses_the_proxy(
    make_connect_service: MakeConnectService, wait_for_task: WaitForTask, call_from_task: CallFromTask
) -> None:
    """A call to the task's own address may take longer than the proxy allows, the same by the endpoint's name not."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [one.status for one in call_from_task(client, f"http://{address_of(callee)}:8080/?after=20")] == [200]
    assert [one.status for one in call_from_task(client, f"{server.url}/?after=20")] != [200]


@proves("service-connect.unsupported.http-1-0")
def test_http_1_0_is_not_supported(
    make_connect_service: MakeConnectService, wait_for_task: WaitForTask, call_from_task: CallFromTask
) -> None:
    """A call in HTTP/1.0 does not reach the server, one in HTTP/1.1 does."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    [old] = call_from_task(client, server.url, http="HTTP/1.0", within=10)
    assert old.status != 200
    assert [one.status for one in call_from_task(client, server.url)] == [200]


@proves("service-connect.timeout.idle-connections")
@pytest.mark.parametrize(
    ("protocol", "limit", "second", "least", "most"),
    [("http", None, 0.01, 270, 330), (None, None, 0.001, 3_400, 3_900), ("http", 60, 0.05, 55, 75)],
)
def test_an_idle_connection_is_closed(
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_task: CallTask,
    protocol: str | None,
    limit: int | None,
    second: float,
    least: float,
    most: float,
) -> None:
    """After five minutes with HTTP, after an hour with TCP, or as told."""
    timeout = {} if limit is None else {"timeout": {"idleTimeoutSeconds": limit}}
    server = make_connect_service("backend", protocol=protocol, wall_second=second, endpoint=timeout)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=second))
    path = f"/hold?url={server.url}&within={most * 1.2:g}"
    # Where a service second cannot be shortened, an hour takes an hour.
    held = call_task(client, path, within=max(timeouts.TASK_CALLS, most * 1.3))["closed_after"]
    assert held is not None, "it is still open"
    assert least <= held <= most
