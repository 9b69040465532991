"""The permissions that requests to CloudWatch need (Service Authorization Reference, Amazon CloudWatch)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, arns, fill, none_named, texts
from surveyor_emulator.aws.iam.permission_request import Keys
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]

_ALARM = "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
_DASHBOARD = "arn:aws:cloudwatch::{account}:dashboard/{name}"
_RULE = "arn:aws:cloudwatch:{region}:{account}:insight-rule/{name}"


def _tagged(find: Find) -> Find:
    """Return the same resources with their tags."""

    def find_tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        from moto.cloudwatch.models import cloudwatch_backends

        store = cloudwatch_backends[call.account][call.region]
        for resource in find(call, params):
            yield resource._replace(tags=store.tagger.get_tag_dict_for_resource(resource.arn))

    return find_tagged


def _named(template: str, *members: str) -> Find:
    return _tagged(lambda call, params: [NamedResource(fill(template, call, text)) for text in texts(params, members)])


def _all_or(find: Find, everything: Find) -> Find:
    """Return what a request names, or everything of the type if it names nothing."""
    return lambda call, params: list(find(call, params)) or everything(call, params)


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    keys: Keys = {}
    if call.operation == "PutMetricData":
        keys["cloudwatch:namespace"] = (str(params["Namespace"]),)
    if call.operation == "PutMetricAlarm" and params.get("AlarmActions"):
        keys["cloudwatch:AlarmActions"] = tuple(map(str, params["AlarmActions"]))
    return keys


_alarm = _named(_ALARM, "AlarmName", "AlarmNames")

permission_requests = ActionTable(
    types=[
        (
            _alarm,
            (
                "DeleteAlarms DescribeAlarmHistory DisableAlarmActions EnableAlarmActions PutCompositeAlarm "
                "PutMetricAlarm SetAlarmState"
            ),
        ),
        (_all_or(_alarm, none_named(_ALARM)), "DescribeAlarms"),
        (_named(_DASHBOARD, "DashboardName", "DashboardNames"), "DeleteDashboards GetDashboard PutDashboard"),
        (
            _named(_RULE, "RuleName", "RuleNames"),
            "DeleteInsightRules DisableInsightRules EnableInsightRules GetInsightRuleReport PutInsightRule",
        ),
        (_tagged(arns("ResourceARN")), "ListTagsForResource TagResource UntagResource"),
    ],
    without="DescribeAlarmsForMetric DescribeInsightRules GetMetricData GetMetricStatistics ListDashboards ListMetrics "
    "PutMetricData",
    prefix="cloudwatch",
    keys=_keys,
).permission_requests
