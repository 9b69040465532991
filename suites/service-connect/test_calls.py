"""The handling of calls by a client's proxy: load balancing, retries and time limits."""

from collections import Counter, defaultdict

import pytest

from surveyor.testing import Inconclusive, address_of, proves, timeouts


@pytest.fixture
def make_three_tasks(make_connect_service, wait_until_steady, tasks_of, wait_for_task):
    """Return `server, tasks, client = make_three_tasks()`: an endpoint with three tasks, and a task of a client."""

    def make(wall_second=None):
        server = make_connect_service("backend", count=3, wall_second=wall_second)
        wait_until_steady(server.service)
        client = wait_for_task(make_connect_service(wall_second=wall_second))
        return server, tasks_of(server.service), client

    return make


@proves("service-connect.balancing.round-robin")
def test_calls_are_distributed_round_robin(make_three_tasks, call_from_task):
    """Each of three tasks gets 100 of 300 calls, plus or minus 3, and almost any three calls in a row reach all."""
    server, tasks, client = make_three_tasks()
    reached = [call.address for call in call_from_task(client, server.url, times=300)]
    counts = Counter(reached)
    assert sorted(counts) == sorted(address_of(task) for task in tasks)
    assert all(97 <= count <= 103 for count in counts.values()), counts
    in_rotation = sum(len(set(reached[first : first + 3])) == 3 for first in range(298))
    assert in_rotation >= 280, f"{in_rotation} of 298"


@proves("service-connect.outliers.are-ejected-and-return")
def test_a_failing_task_is_left_out_for_a_while(make_three_tasks, call_from_task, call_task):
    """One of three tasks resets calls: it gets at least five, then none while it is ejected, and later calls again."""
    server, tasks, client = make_three_tasks(wall_second=0.02)
    bad = tasks[0]
    call_task(bad, "/behave?do=reset", "PUT")
    call_from_task(client, server.url, times=40)
    failed = call_task(bad, "/executions")["served"]
    assert failed >= 5
    call_task(bad, "/behave?do=answer", "PUT")
    # The ejection was during the calls above, so the next 15 s are within 30 s of it.
    early = call_from_task(client, server.url, times=60, every=0.25)
    assert address_of(bad) not in {call.address for call in early}
    assert {call.status for call in early} == {200}
    late = call_from_task(client, server.url, times=560, every=0.5)
    assert address_of(bad) in {call.address for call in late}


@proves("service-connect.retries.two-by-other-hosts")
def test_a_failed_call_is_retried_on_other_tasks(make_three_tasks, call_from_task, call_task):
    """If all three tasks reset, one call is executed once by each; if one of them resets, no call fails."""
    server, tasks, client = make_three_tasks()
    for task in tasks:
        call_task(task, "/behave?do=reset", "PUT")
    [call] = call_from_task(client, f"{server.url}/?key=once")
    assert call.status != 200
    executed = [call_task(task, "/executions")["executions"].get("once", 0) for task in tasks]
    assert executed == [1, 1, 1]
    for task in tasks[1:]:
        call_task(task, "/behave?do=answer", "PUT")
    assert {call.status for call in call_from_task(client, server.url, times=12)} == {200}


@proves("service-connect.retries.repeat-what-is-not-idempotent")
def test_posts_that_are_executed_twice(make_three_tasks, call_from_task, call_task, report_figure, running_target):
    """One of three tasks resets after it has executed a POST; the number of repeated executions is recorded."""
    server, tasks, client = make_three_tasks()
    call_task(tasks[0], "/behave?do=reset", "PUT")
    for number in range(12):
        call_from_task(client, f"{server.url}/?key=order-{number}", method="POST")
    executed: defaultdict[str, list[str]] = defaultdict(list)
    for task in tasks:
        for key, times in call_task(task, "/executions")["executions"].items():
            executed[key] += [address_of(task)] * times
    if not executed:
        raise Inconclusive("no POST has arrived")
    repeated = {key: addresses for key, addresses in sorted(executed.items()) if len(addresses) > 1}
    for key, addresses in repeated.items():
        running_target.evidence.event(f"POST {key} was executed {len(addresses)} times, by {', '.join(addresses)}")
    report_figure("POSTs sent", 12, unit="calls")
    report_figure("POSTs executed more than once", len(repeated), unit="calls")
    report_figure("executions in all", sum(map(len, executed.values())), unit="calls")


@proves("service-connect.timeout.fifteen-seconds")
@pytest.mark.parametrize(("limit", "answered", "cut_off"), [(None, 14, 16), (18, 16, 20), (0, 25, None)])
def test_a_call_has_a_time_limit(make_connect_service, wait_for_task, call_from_task, limit, answered, cut_off):
    """The limit is 15 s by default, or the configured number of seconds; 0 means no limit."""
    timeout = {} if limit is None else {"timeout": {"perRequestTimeoutSeconds": limit}}
    server = make_connect_service("backend", endpoint=timeout)
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, f"{server.url}/?after={answered}")] == [200]
    if cut_off is not None:
        [call] = call_from_task(client, f"{server.url}/?after={cut_off}")
        assert call.status != 200
        assert call.seconds < cut_off + 0.5


@proves("service-connect.proxy.other-traffic-bypasses-it")
def test_other_traffic_bypasses_the_proxy(make_connect_service, wait_for_task, call_from_task):
    """A call to a task's own address may take longer than the limit of the proxy; by the endpoint name it may not."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, f"http://{address_of(callee)}:8080/?after=20")] == [200]
    assert [call.status for call in call_from_task(client, f"{server.url}/?after=20")] != [200]


@proves("service-connect.unsupported.http-1-0")
def test_http_1_0_is_not_supported(make_connect_service, wait_for_task, call_from_task):
    """A call in HTTP/1.0 gets no answer from the server; a call in HTTP/1.1 does."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    [old] = call_from_task(client, server.url, http="HTTP/1.0", within=10)
    assert old.status != 200
    assert [call.status for call in call_from_task(client, server.url)] == [200]


@proves("service-connect.timeout.idle-connections")
@pytest.mark.parametrize(
    ("protocol", "limit", "second", "minimum", "maximum"),
    [("http", None, 0.01, 270, 330), (None, None, 0.001, 3_400, 3_900), ("http", 60, 0.05, 55, 75)],
)
def test_an_idle_connection_is_closed(
    make_connect_service, wait_for_task, call_task, protocol, limit, second, minimum, maximum
):
    """The limit is five minutes with HTTP and an hour with TCP by default, or the configured number of seconds."""
    timeout = {} if limit is None else {"timeout": {"idleTimeoutSeconds": limit}}
    server = make_connect_service("backend", protocol=protocol, wall_second=second, endpoint=timeout)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=second))
    path = f"/hold?url={server.url}&within={maximum * 1.2:g}"
    # If the target cannot shorten a service second, an hour takes an hour.
    closed_after = call_task(client, path, within=max(timeouts.TASK_CALLS, maximum * 1.3))["closed_after"]
    assert closed_after is not None, "the connection is still open"
    assert minimum <= closed_after <= maximum
