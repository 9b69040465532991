"""Access logs and metrics of proxies."""

import json
from datetime import UTC, datetime, timedelta

from surveyor.testing import for_each, id_of, proves, timeouts

QUERIES = [None, "DISABLED", "ENABLED"]


@proves("service-connect.access-logs.without-query-parameters")
@for_each("form", ["JSON", "TEXT"])
def test_a_call_has_a_line(
    client, running_target, make_connect_service, wait_for_task, call_from_task, eventually, unique_name, clock,
    form,
):  # fmt: skip
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
    callees = [wait_for_task(server) for server in servers.values()]
    caller = wait_for_task(make_connect_service())
    called = clock.now()
    for query, server in servers.items():
        call_from_task(caller, f"{server.url}/{query}-{{n}}?key=secret-{{n}}", times=3)

    def lines(query):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found = [event for page in pages for event in page["events"] if f"/{query}-" in event["message"]]
        return found if len(found) >= 3 else []

    for query, callee in zip(QUERIES, callees, strict=True):
        events = eventually(lambda query=query: lines(query), within=timeouts.DISCOVERY)
        messages = sorted(event["message"] for event in events)
        # ecs/LogConfiguration.options: "the log stream takes the format prefix-name/container-name/ecs-task-id"
        streams = {tuple(event["logStreamName"].split("/")[::2]) for event in events}
        assert streams == {("proxy", id_of(callee))}
        moments = [event["timestamp"] / 1_000 for event in events]
        assert called - timeouts.TASK < min(moments) <= max(moments) < clock.now() + timeouts.TASK
        assert [sum(f"/{query}-{number}" in message for message in messages) for number in range(3)] == [1, 1, 1]
        for message in messages:
            assert "GET" in message
            assert "404" in message
            assert ("?key=secret-" in message) is (query == "ENABLED"), (query, message)
            assert ("secret" in message) is (query == "ENABLED")
            # The path is a value not part of another one.
            paths = {f"/{query}-{number}" + f"?key=secret-{number}" * (query == "ENABLED") for number in range(3)}
            if form == "JSON":
                values = {str(value) for value in json.loads(message).values()}
                assert {"GET", "404"} <= values
                assert len(values & paths) == 1
            else:
                assert not message.startswith("{")
                assert len(set(message.split()) & paths) == 1


@proves("service-connect.access-logs.log-group")
def test_a_log_group_is_created_on_request(
    client, running_target, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, unique_name
):
    """With awslogs-create-group a missing log group is created; without it no task starts."""
    # ecs/LogConfiguration.options: "If this option isn't specified, it defaults to false."
    logs, names = client("logs"), [unique_name("proxies") for _ in range(2)]
    required = {"awslogs-region": running_target.target.region, "awslogs-stream-prefix": "proxy"}

    def make(group, **options):
        log = {"logDriver": "awslogs", "options": {**required, "awslogs-group": group, **options}}
        configuration = {"logConfiguration": log, "accessLogConfiguration": {"format": "TEXT"}}
        return make_connect_service("backend", configuration=configuration)

    created, missing = make(names[0], **{"awslogs-create-group": "true"}), make(names[1])
    wait_for_task(created)
    call_from_task(wait_for_task(make_connect_service()), created.url)

    def groups():
        pages = logs.get_paginator("describe_log_groups").paginate()
        return {group["logGroupName"] for page in pages for group in page["logGroups"]} & set(names)

    eventually(lambda: groups() == {names[0]}, within=timeouts.DISCOVERY)
    eventually(lambda: logs.filter_log_events(logGroupName=names[0])["events"], within=timeouts.DISCOVERY)
    [end, *_] = eventually(lambda: tasks_of(missing.service, "STOPPED"), within=timeouts.TASK)
    assert "startedAt" not in end


CALLS = {200: 7, 302: 2, 404: 3, 500: 5}
COUNTED = {
    "RequestCount": ("DiscoveryName", 17),
    "HTTPCode_Target_2XX_Count": ("TargetDiscoveryName", 7),
    "HTTPCode_Target_3XX_Count": ("TargetDiscoveryName", 2),
    "HTTPCode_Target_4XX_Count": ("TargetDiscoveryName", 3),
    "HTTPCode_Target_5XX_Count": ("TargetDiscoveryName", 5),
    "RequestCountPerTarget": ("TargetDiscoveryName", 17),
}


@proves("service-connect.metrics.in-cloudwatch")
def test_calls_are_counted(client, cluster, make_connect_service, wait_for_task, call_from_task, clock, eventually):
    """17 calls are counted once, in all by the server's proxy and by hundreds of their status by the client's.

    Connections and bytes are counted too, and with TCP they are all that is counted.
    """
    metrics = client("cloudwatch")
    server, plain = make_connect_service("backend"), make_connect_service("plain", protocol=None)
    for service in (server, plain):
        wait_for_task(service)
    calling = make_connect_service()
    caller = wait_for_task(calling)
    start = datetime.fromtimestamp(clock.now() - 600, UTC)
    for status, times in CALLS.items():
        call_from_task(caller, f"{server.url}/?status={status}", times=times)
    assert [call.status for call in call_from_task(caller, plain.url, times=3)] == [200] * 3

    def counted(with_service, metrics_of=COUNTED, callee=server):
        queries = []
        for number, (name, (dimension, _)) in enumerate(metrics_of.items()):
            service = callee if dimension == "DiscoveryName" else calling
            of_service = {"ClusterName": cluster, "ServiceName": service.service["serviceName"]}
            dimensions = {**(of_service if with_service else {}), dimension: callee.alias}
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
        return {name: sums[f"m{number}"] for number, name in enumerate(metrics_of)}

    expected = {name: number for name, (_, number) in COUNTED.items()}
    eventually(lambda: counted(with_service=False) == expected, within=600)
    clock.wait(180)
    assert counted(with_service=False) == expected
    assert counted(with_service=True) == expected
    of_connections = dict.fromkeys(("NewConnectionCount", "ProcessedBytes", "RequestCount"), ("DiscoveryName", 0))
    for with_service in (False, True):
        http, tcp = (counted(with_service, of_connections, callee) for callee in (server, plain))
        assert 1 <= http["NewConnectionCount"] <= 17
        assert (tcp["NewConnectionCount"], tcp["RequestCount"]) == (3, 0)
        # A request has some hundred bytes.
        assert 17 * 20 <= http["ProcessedBytes"] <= 17 * 5_000
        assert 3 * 20 <= tcp["ProcessedBytes"] <= 3 * 5_000
