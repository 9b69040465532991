"""Access logs and metrics of proxies."""

import json
from datetime import UTC, datetime, timedelta

from surveyor.testing import for_each, proves, timeouts

QUERIES = [None, "DISABLED", "ENABLED"]


@proves("service-connect.access-logs.without-query-parameters")
@for_each("form", ["JSON", "TEXT"])
def test_a_call_has_a_line(
    client, running_target, make_connect_service, wait_for_task, call_from_task, eventually, unique_name, form
):
    """The access log has a line for each call, with its query only if that is enabled."""
    # ecs/ServiceConnectAccessLogConfiguration.includeQueryParameters: "By default, this parameter is DISABLED"
    logs, group, servers = client("logs"), unique_name("proxies"), {}
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-region": running_target.target.region, "awslogs-stream-prefix": "proxy"}
    for query in QUERIES:
        access = {"format": form, **({"includeQueryParameters": query} if query else {})}
        configuration = {
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            "accessLogConfiguration": access,
        }
        servers[query] = make_connect_service("backend", configuration=configuration)
    for server in servers.values():
        wait_for_task(server)
    caller = wait_for_task(make_connect_service())
    for query, server in servers.items():
        call_from_task(caller, f"{server.url}/{query}-{{n}}?key=secret-{{n}}", times=3)

    def lines(query):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found = [event["message"] for page in pages for event in page["events"] if f"/{query}-" in event["message"]]
        return found if len(found) >= 3 else []

    for query in QUERIES:
        messages = sorted(eventually(lambda query=query: lines(query), within=timeouts.DISCOVERY))
        assert [sum(f"/{query}-{number}" in message for message in messages) for number in range(3)] == [1, 1, 1]
        for message in messages:
            assert "GET" in message
            assert "404" in message
            assert ("?key=secret-" in message) is (query == "ENABLED"), (query, message)
            assert ("secret" in message) is (query == "ENABLED")
            if form == "JSON":
                values = {str(value) for value in json.loads(message).values()}
                assert {"GET", "404"} <= values
            else:
                assert not message.startswith("{")


CALLS = {200: 7, 302: 2, 404: 3, 500: 5}
COUNTED = {
    "RequestCount": ("DiscoveryName", 17),
    "HTTPCode_Target_2XX_Count": ("TargetDiscoveryName", 7),
    "HTTPCode_Target_3XX_Count": ("TargetDiscoveryName", 2),
    "HTTPCode_Target_4XX_Count": ("TargetDiscoveryName", 3),
    "HTTPCode_Target_5XX_Count": ("TargetDiscoveryName", 5),
}


@proves("service-connect.metrics.in-cloudwatch")
def test_calls_are_counted(client, cluster, make_connect_service, wait_for_task, call_from_task, clock, eventually):
    """17 calls are counted once, in all by the server's proxy and by hundreds of their status by the client's."""
    metrics = client("cloudwatch")
    server = make_connect_service("backend")
    wait_for_task(server)
    calling = make_connect_service()
    caller = wait_for_task(calling)
    start = datetime.fromtimestamp(clock.now() - 600, UTC)
    for status, times in CALLS.items():
        call_from_task(caller, f"{server.url}/?status={status}", times=times)

    def counted(with_service):
        queries = []
        for number, (name, (dimension, _)) in enumerate(COUNTED.items()):
            service = server if dimension == "DiscoveryName" else calling
            of_service = {"ClusterName": cluster, "ServiceName": service.service["serviceName"]}
            dimensions = {**(of_service if with_service else {}), dimension: server.alias}
            metric = {
                "Namespace": "AWS/ECS",
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            }
            queries.append({"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 3_600, "Stat": "Sum"}})
        answer = metrics.get_metric_data(
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=datetime.fromtimestamp(clock.now(), UTC) + timedelta(minutes=5),
        )
        sums = {result["Id"]: sum(result["Values"]) for result in answer["MetricDataResults"]}
        return {name: sums[f"m{number}"] for number, name in enumerate(COUNTED)}

    expected = {name: number for name, (_, number) in COUNTED.items()}
    eventually(lambda: counted(with_service=False) == expected, within=600)
    clock.wait(180)
    assert counted(with_service=False) == expected
    assert counted(with_service=True) == expected
