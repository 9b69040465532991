"""The permissions that requests to CloudWatch Logs need (Service Authorization Reference, Amazon CloudWatch Logs).

A log group has several ARNs in policies: with nothing after its name, and with ``:*`` (CloudWatch Logs User Guide,
"Overview of managing access permissions"). Services were seen to name it with an empty log stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource, arns, fill, named, none_named, texts
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]

_GROUP = "arn:aws:logs:{region}:{account}:log-group:{name}"
_DESTINATION = "arn:aws:logs:{region}:{account}:destination:{name}"
_DELIVERY = "arn:aws:logs:{region}:{account}:delivery:{name}"
_DELIVERY_DESTINATION = "arn:aws:logs:{region}:{account}:delivery-destination:{name}"
_DELIVERY_SOURCE = "arn:aws:logs:{region}:{account}:delivery-source:{name}"


def _groups(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    members = ("logGroupName", "logGroupNames", "logGroupIdentifier", "logGroupIdentifiers")
    for text in texts(params, members):
        yield _group(call, text)


def _group(call: Call, text: str) -> NamedResource:
    from moto.logs.models import logs_backends

    arn = text.removesuffix(":*") if text.startswith("arn:") else fill(_GROUP, call, text)
    tags = logs_backends[call.account][call.region].tagger.get_tag_dict_for_resource(arn)
    return NamedResource(arn, (f"{arn}:log-stream:", f"{arn}:*"), tags)


def _described_groups(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield from list(_groups(call, params)) or [_group(call, "*")]


def _groups_of_query(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    from moto.logs.models import logs_backends

    query = logs_backends[call.account][call.region].queries.get(str(params["queryId"]))
    for text in query.log_group_names if query is not None else ():
        yield _group(call, str(text))


def _stream(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    for group in _groups(call, params):
        yield NamedResource(f"{group.arn}:log-stream:{params['logStreamName']}", tags=group.tags)


def _tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    arn = str(params["resourceArn"])
    yield _group(call, arn) if ":log-group:" in arn else NamedResource(arn)


permission_requests = ActionTable(
    types=[
        (
            _groups,
            (
                "CreateExportTask CreateLogGroup DeleteLogGroup DeleteMetricFilter DeleteRetentionPolicy "
                "DeleteSubscriptionFilter DescribeLogStreams DescribeSubscriptionFilters FilterLogEvents "
                "ListTagsLogGroup PutMetricFilter PutRetentionPolicy PutSubscriptionFilter StartLiveTail StartQuery "
                "TagLogGroup UntagLogGroup"
            ),
        ),
        (_described_groups, "DescribeMetricFilters"),
        (_groups_of_query, "GetQueryResults"),
        (_stream, "CreateLogStream DeleteLogStream GetLogEvents PutLogEvents"),
        (_tagged, "ListTagsForResource TagResource UntagResource"),
        (named(_DESTINATION, "destinationName"), "DeleteDestination PutDestination PutDestinationPolicy"),
        (named(_DELIVERY, "id"), "DeleteDelivery GetDelivery"),
        (none_named(_DELIVERY), "CreateDelivery"),
        (arns("deliveryDestinationArn"), "CreateDelivery"),
        (named(_DELIVERY_SOURCE, "deliverySourceName"), "CreateDelivery"),
        (named(_DELIVERY_SOURCE, "name"), "DeleteDeliverySource GetDeliverySource PutDeliverySource"),
        (
            named(_DELIVERY_DESTINATION, "name", "deliveryDestinationName"),
            (
                "DeleteDeliveryDestination DeleteDeliveryDestinationPolicy GetDeliveryDestination "
                "GetDeliveryDestinationPolicy PutDeliveryDestination PutDeliveryDestinationPolicy"
            ),
        ),
    ],
    without="CancelExportTask DeleteResourcePolicy DescribeDeliveries DescribeDeliveryDestinations "
    "DescribeDeliverySources DescribeDestinations DescribeExportTasks DescribeLogGroups DescribeQueries "
    "DescribeResourcePolicies PutResourcePolicy",
).permission_requests
