"""What proxies tell of the calls that they see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from surveyor.testing import (
    CallFromTask,
    ClientFactory,
    Clock,
    Eventually,
    MakeConnectService,
    RunningTarget,
    UniqueName,
    WaitForTask,
    proves,
    timeouts,
)


@proves("service-connect.access-logs.without-query-parameters")
@pytest.mark.parametrize("form", ["JSON", "TEXT"])
@pytest.mark.parametrize("query", [None, "ENABLED"])
def test_a_call_has_a_line(
    client: ClientFactory,
    running_target: RunningTarget,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    eventually: Eventually,
    unique_name: UniqueName,
    form: str,
    query: str | None,
) -> None:
    """With method and path, and the query only where that was asked for."""
    logs, group = client("logs"), unique_name("proxies")
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-region": running_target.target.region, "awslogs-stream-prefix": "proxy"}
    access = {"format": form, **({"includeQueryParameters": query} if query else {})}
    configuration: Any = {
        "logConfiguration": {"logDriver": "awslogs", "options": options},
        "accessLogConfiguration": access,
    }
    server = make_connect_service("backend", configuration=configuration)
    wait_for_task(server)
    caller = wait_for_task(make_connect_service())
    assert [one.status for one in call_from_task(caller, f"{server.url}/?key=secret-7")] == [200]

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
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    clock: Clock,
    eventually: Eventually,
) -> None:
    """20 calls, of which 5 are answered with 500: by the server's proxy 20, by the client's 15 and 5."""
    metrics = client("cloudwatch")
    server = make_connect_service("backend")
    wait_for_task(server)
    caller = wait_for_task(make_connect_service())
    start = datetime.fromtimestamp(clock.now() - 600, UTC)
    call_from_task(caller, server.url, times=15)
    call_from_task(caller, f"{server.url}/?status=500", times=5)

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
