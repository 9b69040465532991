"""What proxies tell of the calls that they see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from surveyor import timeouts
from surveyor.testing import proves

if TYPE_CHECKING:
    from surveyor.clock import Clock
    from surveyor.fixtures.account import ClientFactory, Unique
    from surveyor.fixtures.service_connect import CallBy, MakeConnected, TaskOf
    from surveyor.fixtures.time import Eventually
    from surveyor.targets.running import RunningTarget


@proves("service-connect.access-logs.without-query-parameters")
@pytest.mark.parametrize("form", ["JSON", "TEXT"])
@pytest.mark.parametrize("query", [None, "ENABLED"])
def test_a_call_has_a_line(
    client: ClientFactory,
    running: RunningTarget,
    make_connected: MakeConnected,
    task_of: TaskOf,
    call_by: CallBy,
    eventually: Eventually,
    unique: Unique,
    form: str,
    query: str | None,
) -> None:
    """With method and path, and the query only where that was asked for."""
    logs, group = client("logs"), unique("proxies")
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-region": running.target.region, "awslogs-stream-prefix": "proxy"}
    access = {"format": form, **({"includeQueryParameters": query} if query else {})}
    configuration: Any = {
        "logConfiguration": {"logDriver": "awslogs", "options": options},
        "accessLogConfiguration": access,
    }
    server = make_connected("backend", configuration=configuration)
    task_of(server)
    caller = task_of(make_connected())
    assert [one.status for one in call_by(caller, f"{server.url}/?key=secret-7")] == [200]

    def line() -> str | None:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return next((one["message"] for one in found if "GET" in one["message"] and "200" in one["message"]), None)

    told = eventually(line, within=timeouts.DISCOVERY)
    assert ("secret-7" in told) is (query == "ENABLED"), told
    if form == "JSON":
        assert isinstance(json.loads(told), dict)
    else:
        assert not told.startswith("{")


@proves("service-connect.metrics.in-cloudwatch")
def test_calls_are_counted(
    client: ClientFactory,
    make_connected: MakeConnected,
    task_of: TaskOf,
    call_by: CallBy,
    clock: Clock,
    eventually: Eventually,
) -> None:
    """20 calls, of which 5 are answered with 500: by the server's proxy 20, by the client's 15 and 5."""
    metrics = client("cloudwatch")
    server = make_connected("backend")
    task_of(server)
    caller = task_of(make_connected())
    start = datetime.fromtimestamp(clock.now() - 600, UTC)
    call_by(caller, server.url, times=15)
    call_by(caller, f"{server.url}/?status=500", times=5)

    def total(name: str, dimension: str) -> float:
        metric: Any = {
            "Namespace": "AWS/ECS",
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": server.alias}],
        }
        answer = metrics.get_metric_data(
            MetricDataQueries=[{"Id": "calls", "MetricStat": {"Metric": metric, "Period": 3_600, "Stat": "Sum"}}],
            StartTime=start,
            EndTime=datetime.fromtimestamp(clock.now(), UTC) + timedelta(minutes=5),
        )
        return float(sum(answer["MetricDataResults"][0]["Values"]))

    def counted() -> tuple[float, float, float]:
        return (
            total("RequestCount", "DiscoveryName"),
            total("HTTPCode_Target_2XX_Count", "TargetDiscoveryName"),
            total("HTTPCode_Target_5XX_Count", "TargetDiscoveryName"),
        )

    eventually(lambda: counted() == (20, 15, 5), within=600)
    clock.wait(180)
    assert counted() == (20, 15, 5)
