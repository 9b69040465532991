"""Alarms and metrics are three-valued; what CloudWatch does not know is never a pass."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from surveyor.errors import UsageError
from surveyor.gate import GateEvidence, Rules, Threshold, judge_gate, load_rules
from surveyor.gate.cloudwatch import add_cloudwatch
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.judging import judge_runs
from surveyor.gate.rules import DEPLOYMENT, Metric
from surveyor.gate.thresholds import ThresholdResult

BEGAN = 1_000_020.0
NOW = BEGAN + 300.0
METRIC = Metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", (("LoadBalancer", "app/shop/1"),))


class CloudWatch:
    """A client of CloudWatch with alarms by name, as state and time of the last transition, and values of a metric."""

    def __init__(self, values: tuple[float, ...] = (), status: str = "Complete", **alarms: tuple[str, float]) -> None:
        self.alarms, self.values, self.status = alarms, values, status
        self.queries: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        """Return the alarms of these names that exist."""
        assert 0 < len(request["AlarmNames"]) <= 100
        found = [
            {
                "AlarmName": name,
                "StateValue": self.alarms[name][0],
                "StateTransitionedTimestamp": datetime.fromtimestamp(self.alarms[name][1], UTC),
            }
            for name in request["AlarmNames"]
            if name in self.alarms
        ]
        return {"MetricAlarms": found, "CompositeAlarms": []}

    def describe_alarm_history(self, **request: Any) -> dict[str, Any]:
        """Return the changes of one alarm, one in a page."""
        assert request["HistoryItemType"] == "StateUpdate"
        assert set(request["AlarmTypes"]) >= {"MetricAlarm", "CompositeAlarm"}
        found = [
            change
            for change in self.changes
            if change["AlarmName"] == request["AlarmName"]
            and request["StartDate"] <= change["Timestamp"] <= request["EndDate"]
        ]
        begin = int(request.get("NextToken", 0))
        more = {"NextToken": str(begin + 1)} if begin + 1 < len(found) else {}
        return {"AlarmHistoryItems": found[begin : begin + 1], **more}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        """Return the values in two pages."""
        self.queries.append(request)
        half = len(self.values) // 2
        first = "NextToken" not in request
        page = self.values[:half] if first else self.values[half:]
        result = {"Id": "m", "Values": list(page), "StatusCode": "PartialData" if first else self.status}
        return {"MetricDataResults": [result], **({"NextToken": "2"} if first else {})}


def deployment(*alarms: str, triggered: tuple[str, ...] = ()) -> GatedDeployment:
    """Return a deployment with these alarms."""
    return GatedDeployment("arn/b", "IN_PROGRESS", age=300.0, created=BEGAN, alarms=alarms, triggered=triggered)


def judged(client: CloudWatch, threshold: Threshold, found: GatedDeployment | None) -> ThresholdResult:
    """Return the result of one threshold."""
    rules, evidence = Rules((threshold,)), GateEvidence()
    add_cloudwatch(client, rules, found, evidence, NOW)  # type: ignore[arg-type]  # a client as far as it is called
    [result] = judge_gate(rules, evidence)
    return result


@pytest.mark.parametrize(
    ("state", "since", "verdict"),
    [
        ("OK", BEGAN + 9, "pass"),
        ("ALARM", BEGAN + 9, "fail"),
        ("ALARM", BEGAN - 9, "inconclusive"),
        ("INSUFFICIENT_DATA", BEGAN + 9, "inconclusive"),
    ],
)
def test_an_alarm_has_three_values(state: str, since: float, verdict: str) -> None:
    """An alarm that rang before the deployment began says nothing about it."""
    client = CloudWatch(errors=(state, since))
    assert judged(client, Threshold(alarm="errors"), deployment()).verdict == verdict
    assert judged(client, Threshold(alarm=DEPLOYMENT), deployment("errors")).verdict == verdict


def test_an_alarm_that_rings_between_two_looks_is_a_failure() -> None:
    """It was quiet during the deployment, whatever the clocks say about the time of the change."""
    rules, quiet = Rules((Threshold(alarm="errors"),)), set[str]()
    for state, verdict in (("OK", "pass"), ("ALARM", "fail")):
        client: Any = CloudWatch(errors=(state, BEGAN - 9))
        evidence = GateEvidence()
        add_cloudwatch(client, rules, deployment(), evidence, NOW, quiet)
        assert evidence.alarms["errors"][0] == verdict


def change(at: float, **values: Any) -> dict[str, Any]:
    """Return a change of state to ALARM, as the AWS CLI's documentation shows one."""
    data = {"version": "1.0", "oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM"}}
    item = {"AlarmName": "errors", "Timestamp": datetime.fromtimestamp(at, UTC), "HistoryData": json.dumps(data)}
    return item | {"HistoryItemType": "StateUpdate", "HistorySummary": "Alarm updated from OK to ALARM"} | values


BACK = {
    "HistoryData": json.dumps({"newState": {"stateValue": "OK"}}),
    "HistorySummary": "Alarm updated from ALARM to OK",
}


@pytest.mark.parametrize(
    ("changes", "since_end", "verdict"),
    [
        ([], None, "pass"),
        ([change(BEGAN + 70, **BACK), change(BEGAN + 60)], None, "fail"),
        ([change(BEGAN + 70, **BACK)], None, "pass"),
        ([change(BEGAN - 5)], None, "pass"),
        ([change(BEGAN + 200)], 120.0, "pass"),
        ([change(BEGAN + 100)], 120.0, "fail"),
        ([change(BEGAN + 60, HistoryData="{")], None, "fail"),
        ([change(BEGAN + 60, HistoryData="[]", HistorySummary="Alarm updated from ALARM to OK")], None, "pass"),
        ([change(BEGAN + 60, HistoryData=None, HistorySummary=None)], None, "pass"),
        ([change(BEGAN + 60, AlarmName="other")], None, "pass"),
    ],
)
def test_an_alarm_that_is_ok_again_counts(changes: list[dict[str, Any]], since_end: float | None, verdict: str) -> None:
    """Its history says whether it was in ALARM while the deployment was in progress, neither before nor after."""
    for state in ("OK", "INSUFFICIENT_DATA"):
        client = CloudWatch(errors=(state, BEGAN + 70))
        client.changes = changes
        found = replace(deployment("errors"), since_end=since_end)
        for alarm in ("errors", DEPLOYMENT):
            result = judged(client, Threshold(alarm=alarm), found)
            expected = "inconclusive" if state != "OK" and verdict == "pass" else verdict
            assert result.verdict == expected
            if verdict == "fail":
                assert "ALARM at " in result.actual
                assert result.actual.partition("since then ")[2].startswith(state)


def test_alarms_that_do_not_exist() -> None:
    """One of the file is an error of the file; one of the deployment is inconclusive."""
    with pytest.raises(UsageError, match="line 4: CloudWatch has no alarm 'errors' in this account and Region"):
        judged(CloudWatch(), Threshold(alarm="errors", line=4), deployment())
    result = judged(CloudWatch(a=("OK", BEGAN)), Threshold(alarm=DEPLOYMENT), deployment("a", "gone"))
    assert (result.verdict, result.actual) == ("inconclusive", "CloudWatch has no alarm gone")
    result = judged(CloudWatch(), Threshold(alarm=DEPLOYMENT), deployment())
    assert (result.verdict, result.actual[:28]) == ("inconclusive", "the deployment has no alarms")


def test_an_alarm_that_ecs_saw_is_a_failure() -> None:
    """It counts even if it is OK again."""
    result = judged(CloudWatch(a=("OK", BEGAN)), Threshold(alarm=DEPLOYMENT), deployment("a", triggered=("a",)))
    assert (result.verdict, result.actual) == ("fail", "ECS saw in ALARM: a")


@pytest.mark.parametrize(
    ("values", "status", "verdict"),
    [
        ((0.0, 4.0, 1.0, 2.0), "Complete", "pass"),
        ((0.0, 4.0, 6.0, 2.0), "Complete", "fail"),
        ((), "Complete", "inconclusive"),
        ((1.0, 2.0), "Forbidden", "inconclusive"),
        ((1.0, 2.0), "PartialData", "inconclusive"),
    ],
)
def test_the_worst_minute_of_a_metric_decides(values: tuple[float, ...], status: str, verdict: str) -> None:
    """Whole minutes since the deployment began are read, page by page."""
    client = CloudWatch(values, status)
    assert judged(client, Threshold(metric=METRIC, at_most=5.0), deployment()).verdict == verdict
    query = client.queries[0]
    assert (query["StartTime"].timestamp(), query["EndTime"].timestamp()) == (1_000_020.0, 1_000_320.0)
    assert query["MetricDataQueries"][0]["MetricStat"]["Stat"] == "Sum"
    assert len(client.queries) == 2


def test_without_a_deployment_nothing_is_known() -> None:
    """Alarms can be OK, but a metric has no time."""
    result = judged(CloudWatch((1.0,)), Threshold(metric=METRIC, at_most=5.0), None)
    assert (result.verdict, result.actual) == ("inconclusive", "there is no deployment")
    with pytest.raises(UsageError, match="alarms and metrics need the service that is deployed: add --ecs"):
        judge_runs(Rules((Threshold(alarm="errors"),)), GateEvidence())


def test_thresholds_on_alarms_and_metrics_are_read(tmp_path: Path) -> None:
    """A metric is its namespace and name, with statistic and dimensions."""
    path = tmp_path / "gate.toml"
    path.write_text(
        '[[threshold]]\nalarm = "shop-5xx"\n[[threshold]]\nalarm = "deployment"\n[[threshold]]\n'
        'metric = "AWS/ApplicationELB HTTPCode_Target_5XX_Count"\nstatistic = "Sum"\n'
        'dimensions = { LoadBalancer = "app/shop/1" }\nat-most = 5\n',
        "utf-8",
    )
    rules = load_rules(path)
    assert rules.thresholds[2].metric == METRIC
    assert [str(threshold) for threshold in rules.thresholds] == [
        "alarm shop-5xx is not in ALARM",
        "the deployment's own alarms are not in ALARM",
        "Sum of AWS/ApplicationELB HTTPCode_Target_5XX_Count (LoadBalancer app/shop/1) at most 5",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('alarm = "a"\nat-most = 1', "a threshold on an alarm has no other key than alarm"),
        ('metric = "RequestCount"\nat-most = 1', "metric: expected a namespace and a name"),
        ('metric = "A B"', "a metric needs at-most, a finite number"),
        ('metric = "A B"\nat-most = inf', "a metric needs at-most, a finite number"),
        ('metric = "A B"\nat-most = 1\nclient = "dns"', "a threshold on a metric has no client"),
        ('metric = "A B"\nat-most = 1\nstatistic = "Mean"', "statistic: expected Average, Sum, Minimum, Maximum,"),
        ('scenario = "watch"\nfigure = "p99"\nat-most = 1\nstatistic = "Sum"', "belong to a metric"),
        ('scenario = "watch"\nfigure = "outage"\nby = "revision"\nat-most = 1', "outage is not measured by revision"),
        ('scenario = "watch"\nfigure = "p99"\nby = "revision"', "by needs one of at-most, at-most-more and ratio"),
        ('scenario = "watch"\nfigure = "checks"\nby = "revision"', "checks have no by"),
        ('scenario = "watch"\nfigure = "p99"\nby = "zone"\nat-most = 1', "by: expected revision, got 'zone'"),
    ],
)
def test_errors_of_such_thresholds_name_their_line(tmp_path: Path, text: str, message: str) -> None:
    """Each is one line."""
    path = tmp_path / "gate.toml"
    path.write_text(f"[[threshold]]\n{text}\n", "utf-8")
    with pytest.raises(UsageError) as refusal:
        load_rules(path)
    assert message in str(refusal.value)
    assert "gate.toml:" in str(refusal.value)
    assert "\n" not in str(refusal.value)
