"""Access logs and metrics of proxies."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from surveyor.testing import proves, timeouts


@proves("service-connect.access-logs.without-query-parameters")
@pytest.mark.parametrize("form", ["JSON", "TEXT"])
@pytest.mark.parametrize("query", [None, "ENABLED"])
def test_a_call_has_a_line(
    client, running_target, make_connect_service, wait_for_task, call_from_task, eventually, unique_name, form, query
):
    """The access log has a line for each call, with its query only if that is enabled."""
    logs, group = client("logs"), unique_name("proxies")
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-region": running_target.target.region, "awslogs-stream-prefix": "proxy"}
    access = {"format": form, **({"includeQueryParameters": query} if query else {})}
    configuration = {
        "logConfiguration": {"logDriver": "awslogs", "options": options},
        "accessLogConfiguration": access,
    }
    server = make_connect_service("backend", configuration=configuration)
    wait_for_task(server)
    caller = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(caller, f"{server.url}/?key=secret-7")] == [200]

    def line():
        events = logs.filter_log_events(logGroupName=group)["events"]
        return next(
            (event["message"] for event in events if "GET" in event["message"] and "200" in event["message"]), None
        )

    message = eventually(line, within=timeouts.DISCOVERY)
    assert ("secret-7" in message) is (query == "ENABLED"), message
    if form == "JSON":
        assert isinstance(json.loads(message), dict)
    else:
        assert not message.startswith("{")


@proves("service-connect.metrics.in-cloudwatch")
def test_calls_are_counted(client, make_connect_service, wait_for_task, call_from_task, clock, eventually):
    """Of 20 calls 5 are answered with 500: the server's proxy counts 20, the client's proxy 15 and 5."""
    metrics = client("cloudwatch")
    server = make_connect_service("backend")
    wait_for_task(server)
    caller = wait_for_task(make_connect_service())
    start = datetime.fromtimestamp(clock.now() - 600, UTC)
    call_from_task(caller, server.url, times=15)
    call_from_task(caller, f"{server.url}/?status=500", times=5)

    def total(name, dimension):
        metric = {
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

    def counted():
        return (
            total("RequestCount", "DiscoveryName"),
            total("HTTPCode_Target_2XX_Count", "TargetDiscoveryName"),
            total("HTTPCode_Target_5XX_Count", "TargetDiscoveryName"),
        )

    eventually(lambda: counted() == (20, 15, 5), within=600)
    clock.wait(180)
    assert counted() == (20, 15, 5)
