"""What CloudWatch says about a deployment: the states of alarms, and metrics since it began. Each is three-valued.

An alarm that is OK again was in ALARM if its history says so: it can change its state between two looks, and before
the first (cloudwatch/DescribeAlarmHistory).

An alarm that was in ALARM before the deployment began says nothing about it: ECS does not watch the alarms of a
deployment that begins so (ECS Developer Guide, How CloudWatch alarms detect Amazon ECS deployment failures).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from surveyor.errors import UsageError
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.estimates import Estimate, certain_estimate
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.rules import DEPLOYMENT, Metric, Rules
from surveyor.observers.alarms import read_alarms
from surveyor.verdicts import Verdict, worst

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

__all__ = ["add_cloudwatch", "needs_cloudwatch"]

PERIOD = 60
"""Seconds of one value; metrics of AWS services have one each minute (CloudWatch User Guide, Metrics retention)."""

_BATCH = 100
"""Records of one answer (cloudwatch/DescribeAlarmHistoryInput.MaxRecords)."""

_MAX_PAGES = 20
"""Of one metric: a page has up to 100,800 values (cloudwatch/GetMetricDataInput.MaxDatapoints)."""

_State = tuple[Verdict, str]
"""A verdict on an alarm, and its state in words."""


def needs_cloudwatch(rules: Rules) -> bool:
    """Return whether a threshold is on an alarm or a metric."""
    return any(threshold.alarm or threshold.metric for threshold in rules.thresholds)


def add_cloudwatch(
    client: CloudWatchClient,
    rules: Rules,
    deployment: GatedDeployment | None,
    evidence: GateEvidence,
    now: float,
    quiet: set[str] | None = None,
) -> None:
    """Read the alarms and metrics of the rules, and add them to the evidence. `now`: service time, POSIX seconds.

    `quiet`: the alarms that were not in ALARM at an earlier look during the deployment, which is added to. Raises
    UsageError for an alarm of the rules that does not exist.
    """
    lines = {threshold.alarm: threshold.line for threshold in rules.thresholds if threshold.alarm}
    own = deployment.alarms if deployment is not None and DEPLOYMENT in lines else ()
    named = [alarm for alarm in lines if alarm != DEPLOYMENT]
    states = _read_alarms(client, {*named, *own}, deployment, set() if quiet is None else quiet)
    if deployment is not None:
        states = {name: _with_history(client, name, state, deployment, now) for name, state in states.items()}
    for alarm in named:
        if alarm not in states:
            raise UsageError(f"line {lines[alarm]}: CloudWatch has no alarm {alarm!r} in this account and Region")
        evidence.alarms[alarm] = states[alarm]
    if DEPLOYMENT in lines:
        evidence.alarms[DEPLOYMENT] = _own_alarms(deployment, own, states)
    for threshold in rules.thresholds:
        if threshold.metric is not None:
            evidence.metrics[threshold.metric] = _worst_value(client, threshold.metric, deployment, now)


def _own_alarms(deployment: GatedDeployment | None, names: Sequence[str], states: Mapping[str, _State]) -> _State:
    """Return the verdict on the alarms that the deployment itself has."""
    if deployment is None:
        return Verdict.INCONCLUSIVE, "there is no deployment"
    if deployment.triggered:
        return Verdict.FAIL, f"ECS saw in ALARM: {', '.join(deployment.triggered)}"
    if not names:
        return Verdict.INCONCLUSIVE, "the deployment has no alarms (deploymentConfiguration.alarms)"
    missing = [name for name in names if name not in states]
    if missing:
        return Verdict.INCONCLUSIVE, f"CloudWatch has no alarm {', '.join(missing)}"
    verdict = worst(states[name][0] for name in names)
    shown = [f"{name}: {states[name][1]}" for name in names if states[name][0] is verdict]
    return verdict, "; ".join(shown) if verdict is not Verdict.PASS else f"{len(names)} alarms are OK"


def _read_alarms(
    client: CloudWatchClient, names: Collection[str], deployment: GatedDeployment | None, quiet: set[str]
) -> dict[str, _State]:
    """Return the states of the alarms that exist, by name."""
    states: dict[str, _State] = {}
    for name, alarm in read_alarms(client, names).items():
        states[name] = _state(alarm, deployment, was_quiet=name in quiet)
        if deployment is not None and alarm.get("StateValue") != "ALARM":
            quiet.add(name)
    return states


def _state(alarm: Mapping[str, Any], deployment: GatedDeployment | None, *, was_quiet: bool) -> _State:
    value = str(alarm.get("StateValue"))
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    if value == "OK":
        return Verdict.PASS, "OK"
    if value != "ALARM":
        return Verdict.INCONCLUSIVE, f"{value}: it has not enough data"
    is_older = deployment is not None and isinstance(since, datetime) and since.timestamp() < deployment.created
    if is_older and not was_quiet:
        return Verdict.INCONCLUSIVE, "ALARM since before the deployment began"
    return Verdict.FAIL, "ALARM"


def _with_history(
    client: CloudWatchClient, name: str, state: _State, deployment: GatedDeployment, now: float
) -> _State:
    """Return the state of an alarm, or that it was in ALARM since the deployment began and is not any more."""
    if state[0] is Verdict.FAIL:
        return state
    rang = _last_alarm(client, name, deployment.created, now - (deployment.since_end or 0.0))
    if rang is None:
        return state
    return Verdict.FAIL, f"ALARM at {datetime.fromtimestamp(rang, UTC):%H:%M:%S} UTC, since then {state[1]}"


def _last_alarm(client: CloudWatchClient, name: str, since: float, until: float) -> float | None:
    """Return when an alarm changed its state to ALARM last in this time, in POSIX seconds; None if it did not."""
    kinds: Any = ["MetricAlarm", "CompositeAlarm"]  # without them metric alarms alone are returned
    token = ""
    for _ in range(_MAX_PAGES):
        more: Any = {"NextToken": token} if token else {}
        answer: Any = client.describe_alarm_history(
            AlarmName=name,
            AlarmTypes=kinds,
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(since, UTC),
            EndDate=datetime.fromtimestamp(max(since, until), UTC),
            MaxRecords=_BATCH,
            ScanBy="TimestampDescending",
            **more,
        )
        for item in answer.get("AlarmHistoryItems") or ():
            moment = item.get("Timestamp")
            if isinstance(moment, datetime) and moment.timestamp() >= since and _new_state(item) == "ALARM":
                return moment.timestamp()
        token = str(answer.get("NextToken") or "")
        if not token:
            break
    return None


def _new_state(item: Mapping[str, Any]) -> str:
    """Return the state that an alarm got, "" if the item does not say it.

    HistoryData is JSON without a documented form; AWS's example has newState.stateValue (AWS CLI Command Reference,
    describe-alarm-history), and HistorySummary "Alarm updated from OK to ALARM".
    """
    try:
        found = json.loads(str(item.get("HistoryData") or ""))["newState"]["stateValue"]
    except (ValueError, LookupError, TypeError, RecursionError):
        found = str(item.get("HistorySummary") or "").rpartition(" to ")[2]
    return str(found)


def _worst_value(
    client: CloudWatchClient, metric: Metric, deployment: GatedDeployment | None, now: float
) -> Estimate | str:
    """Return the largest value of a whole minute during the deployment, or why there is none."""
    if deployment is None:
        return "there is no deployment"
    start = math.ceil(deployment.created / PERIOD) * PERIOD
    end = math.floor((now - (deployment.since_end or 0.0)) / PERIOD) * PERIOD
    if end <= start:
        return "no whole minute of the deployment has passed"
    query: Any = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            },
            "Period": PERIOD,
            "Stat": metric.statistic,
        },
    }
    values: list[float] = []
    problem, token = "", ""
    for _ in range(_MAX_PAGES):
        more: Any = {"NextToken": token} if token else {}
        answer: Any = client.get_metric_data(
            MetricDataQueries=[query],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            **more,
        )
        token = str(answer.get("NextToken") or "")
        for result in answer["MetricDataResults"]:
            values += [float(value) for value in result.get("Values") or () if math.isfinite(value)]
            status = str(result.get("StatusCode") or "Complete")
            if status != "Complete" and not (status == "PartialData" and token):
                problem = status
        if not token:
            break
    if problem:
        return f"CloudWatch has no complete data: {problem}"
    if not values:
        return "CloudWatch has no data since the deployment began"
    return certain_estimate(max(values), max(values), f"{max(values):g} in the worst of {len(values)} minutes")
