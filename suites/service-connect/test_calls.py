"""The handling of calls by a client's proxy: load balancing, retries and time limits."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from surveyor.testing import address_of, for_each, proves, timeouts

EARLY = 0.01
"""Seconds of the wall clock by which a timer of a proxy may be early, which is more where a service second is short."""

HELD = 3
"""Connections that are held to see when they are closed."""


@pytest.fixture
def make_three_tasks(make_connect_service, wait_until_steady, tasks_of, wait_for_task):
    """Return `server, tasks, client = make_three_tasks()`: an endpoint with three tasks, and a task of a client."""

    def make(wall_second=None, timeout=None):
        server = make_connect_service("backend", count=3, wall_second=wall_second, endpoint={"timeout": timeout})
        wait_until_steady(server.service)
        client = wait_for_task(make_connect_service(wall_second=wall_second))
        return server, tasks_of(server.service), client

    return make


@pytest.fixture
def ends_after(call_from_task):
    """Return `ends_after(client, url)`: how long the shortest of some calls takes that gets no answer, in seconds.

    A busy machine prolongs calls, but not all of them.
    """

    def measure(client, url):
        calls = call_from_task(client, f"{url}/?after=200", times=4, every=3, within=100)
        assert {call.status == 200 for call in calls} == {False}, calls
        return min(call.seconds for call in calls)

    return measure


@proves("service-connect.balancing.round-robin")
def test_calls_are_distributed_round_robin(make_three_tasks, call_from_task):
    """Of each 30 calls in a row each of three tasks gets 8 to 12, which random choices seldom do."""
    server, tasks, client = make_three_tasks()
    reached = [call.address for call in call_from_task(client, server.url, times=240)]
    addresses = {address_of(task) for task in tasks}
    for first in range(0, 240, 30):
        counts = Counter(reached[first : first + 30])
        assert set(counts) == addresses
        assert all(8 <= count <= 12 for count in counts.values()), (first, counts)


@proves("service-connect.outliers.are-ejected-and-return")
def test_a_failing_task_is_left_out_for_a_while(make_three_tasks, call_from_task, call_task):
    """One of three tasks resets calls: after the fifth it gets none for 30 to 300 s, and then one again."""
    server, tasks, client = make_three_tasks(wall_second=0.02)
    call_task(tasks[0], "/behave?do=reset", "PUT")
    assert {call.status for call in call_from_task(client, server.url, times=20)} == {200}
    arrivals = call_task(tasks[0], "/executions")["arrivals"]
    assert len(arrivals) == 5
    for _ in range(9):  # 315 s
        call_from_task(client, server.url, times=70, every=0.5)
        arrivals = call_task(tasks[0], "/executions")["arrivals"]
        if len(arrivals) > 5:
            break
    assert len(arrivals) > 5, "no calls within 315 s"
    assert 30 - EARLY / 0.02 <= arrivals[5] - arrivals[4] <= 300, arrivals


@proves("service-connect.retries.two-by-other-hosts")
def test_a_failed_call_is_retried_on_other_tasks(make_three_tasks, call_from_task, call_task):
    """If all three tasks reset, each call is executed once by each, alone and beside others, and then fails."""
    server, tasks, client = make_three_tasks(wall_second=0.02, timeout={"perRequestTimeoutSeconds": 0})
    for task in tasks:
        call_task(task, "/behave?do=reset", "PUT")
    alone = call_from_task(client, f"{server.url}/?key=alone")
    # Each execution takes 2 s: the calls are retried at the same time.
    beside = call_from_task(client, f"{server.url}/?after=2&key={{n}}", times=3, every=0.01)
    assert 200 not in {call.status for call in (*alone, *beside)}
    executed = [call_task(task, "/executions")["executions"] for task in tasks]
    assert executed == [{"alone": 1, "0": 1, "1": 1, "2": 1}] * 3


@proves("service-connect.retries.two-by-other-hosts")
def test_a_failed_call_does_not_return_to_its_task(
    make_connect_service, wait_until_steady, tasks_of, wait_for_task, call_from_task, call_task
):
    """Of two tasks one resets: none of three calls at the same time is executed by it twice, and all are answered."""
    limits = {"timeout": {"perRequestTimeoutSeconds": 0}}
    server = make_connect_service("backend", count=2, wall_second=0.02, endpoint=limits)
    wait_until_steady(server.service)
    failing, _ = tasks_of(server.service)
    client = wait_for_task(make_connect_service(wall_second=0.02))
    # Which calls share a worker of the proxy, and so a turn, is chance.
    for turn in range(8):
        call_task(failing, "/behave?do=reset", "PUT")
        calls = call_from_task(client, f"{server.url}/?after=2&key={turn}-{{n}}", times=3, every=0.01)
        assert {call.status for call in calls} == {200}
        call_task(failing, "/behave?do=answer", "PUT")
        call_from_task(client, server.url, times=4)  # after an answer it may fail five times more
    executed = call_task(failing, "/executions")["executions"]
    assert executed
    assert set(executed.values()) == {1}, executed


@proves("service-connect.retries.two-by-other-hosts")
def test_calls_succeed_while_another_task_answers(make_three_tasks, call_from_task, call_task):
    """If one or two of three tasks reset every call, no call fails."""
    server, tasks, client = make_three_tasks()
    for task in tasks[:2]:
        call_task(task, "/behave?do=reset", "PUT")
        assert {call.status for call in call_from_task(client, server.url, times=12)} == {200}


@proves("service-connect.retries.repeat-what-is-not-idempotent")
def test_posts_that_are_executed_twice(make_three_tasks, call_from_task, call_task, report_figure, running_target):
    """One of three tasks resets after it has executed a POST; the number of repeated executions is recorded."""
    server, tasks, client = make_three_tasks()
    call_task(tasks[0], "/behave?do=reset", "PUT")
    call_from_task(client, f"{server.url}/?key=order-{{n}}", method="POST", times=12)
    executed: defaultdict[str, list[str]] = defaultdict(list)
    for task in tasks:
        for key, times in call_task(task, "/executions")["executions"].items():
            executed[key] += [address_of(task)] * times
    assert set(executed) == {f"order-{number}" for number in range(12)}
    repeated = {key: addresses for key, addresses in sorted(executed.items()) if len(addresses) > 1}
    for key, addresses in repeated.items():
        running_target.evidence.event(f"POST {key} was executed {len(addresses)} times, by {', '.join(addresses)}")
    report_figure("POSTs sent", 12, unit="calls")
    report_figure("POSTs executed more than once", len(repeated), unit="calls")
    report_figure("executions in all", sum(map(len, executed.values())), unit="calls")


@proves("service-connect.timeout.fifteen-seconds")
@for_each("limit, seconds", {"15 s by default": (None, 15), "configured": (18, 18)})
def test_a_call_has_a_time_limit(make_connect_service, wait_for_task, call_from_task, ends_after, limit, seconds):
    """A call without an answer ends after 15 s by default, or after the configured number of seconds."""
    timeout = {} if limit is None else {"timeout": {"perRequestTimeoutSeconds": limit}}
    server = make_connect_service("backend", endpoint=timeout, wall_second=0.025)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=0.025))
    assert seconds - EARLY / 0.025 <= ends_after(client, server.url) < seconds + 1
    assert [call.status for call in call_from_task(client, f"{server.url}/?after={seconds // 3}")] == [200]


@proves("service-connect.timeout.fifteen-seconds")
@for_each("protocol, timeout", {"0": ("http", {"perRequestTimeoutSeconds": 0}), "TCP": (None, {})})
def test_a_call_has_no_time_limit(make_connect_service, wait_for_task, call_from_task, protocol, timeout):
    """With a limit of 0, and with TCP, a call may take 25 s."""
    # ecs/TimeoutConfiguration.perRequestTimeoutSeconds: "A value of 0 can be set to disable perRequestTimeout."
    server = make_connect_service("backend", protocol=protocol, endpoint={"timeout": timeout}, wall_second=0.02)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=0.02))
    assert [call.status for call in call_from_task(client, f"{server.url}/?after=25")] == [200]


@proves("service-connect.timeout.idle-before-request")
def test_the_idle_timeout_may_end_a_call(make_connect_service, wait_for_task, call_from_task, ends_after):
    """With an idle timeout of 8 s and a request timeout of 20 s a call without an answer ends after 8 s."""
    # ecs/TimeoutConfiguration: "the connection will close when the idleTimeout is reached and not the
    # perRequestTimeout"
    limits = {"timeout": {"idleTimeoutSeconds": 8, "perRequestTimeoutSeconds": 20}}
    server = make_connect_service("backend", endpoint=limits, wall_second=0.025)
    wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=0.025))
    assert 8 - EARLY / 0.025 <= ends_after(client, server.url) < 9
    assert [call.status for call in call_from_task(client, f"{server.url}/?after=4")] == [200]


@proves("service-connect.proxy.other-traffic-bypasses-it")
def test_other_traffic_bypasses_the_proxy(make_connect_service, wait_for_task, call_from_task):
    """A call to a task's own address may take longer than the limit of the proxy; by the endpoint name it may not."""
    server = make_connect_service("backend", wall_second=0.02)
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=0.02))
    assert [call.status for call in call_from_task(client, f"http://{address_of(callee)}:8080/?after=20")] == [200]
    assert [call.status for call in call_from_task(client, f"{server.url}/?after=20")] != [200]


@proves("service-connect.unsupported.http-1-0")
def test_http_1_0_is_not_supported(make_connect_service, wait_for_task, call_from_task, call_task):
    """A call in HTTP/1.0 does not reach the server; a call in HTTP/1.1 does."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    [old] = call_from_task(client, server.url, http="HTTP/1.0", within=10)
    assert old.status != 200
    assert call_task(callee, "/executions")["served"] == 0
    assert [call.status for call in call_from_task(client, server.url)] == [200]


@proves("service-connect.timeout.idle-connections")
@for_each(
    "protocol, second, limits",
    {
        "HTTP": ("http", 0.005, {None: (300, 360), 60: (60, 120), 0: (None, 400)}),
        "TCP": (None, 0.0006, {None: (3_600, 4_100), 0: (None, 4_200)}),
    },
)
def test_an_idle_connection_is_closed(make_connect_service, wait_for_task, call_task, protocol, second, limits):
    """The limit is five minutes with HTTP and an hour with TCP by default, or as configured; 0 means no limit."""
    # ecs/TimeoutConfiguration.idleTimeoutSeconds: "A value of 0 can be set to disable idleTimeout."
    servers = {}
    for limit in limits:
        timeout = {} if limit is None else {"idleTimeoutSeconds": limit}
        if protocol is not None:
            timeout["perRequestTimeoutSeconds"] = 0
        servers[limit] = make_connect_service(
            "backend", protocol=protocol, wall_second=second, endpoint={"timeout": timeout}
        )
    for server in servers.values():
        wait_for_task(server)
    client = wait_for_task(make_connect_service(wall_second=second))

    def hold(limit):
        within = limits[limit][1]
        path = f"/hold?url={servers[limit].url}&within={within}"
        # If the target cannot shorten a service second, an hour takes an hour.
        return call_task(client, path, within=max(timeouts.TASK_CALLS, within * 1.3))

    with ThreadPoolExecutor() as pool:
        held = {limit: [pool.submit(hold, limit) for _ in range(HELD)] for limit in limits}
    for limit, (minimum, maximum) in limits.items():
        connections = [future.result() for future in held[limit]]
        closed = [connection["closed_after"] for connection in connections]
        if minimum is None:
            assert closed == [None] * HELD, "a connection without a limit was closed"
        else:
            assert None not in closed, "a connection is still open"
            # A busy machine delays some of them, not all.
            assert minimum - EARLY / second <= min(connection["after_request"] for connection in connections)
            assert min(closed) <= maximum, limit
