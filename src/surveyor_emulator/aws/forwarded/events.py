"""The permissions that requests to EventBridge need (Service Authorization Reference, Amazon EventBridge).

Names of buses, and the last part of ARNs, are read as moto reads them, since the resource must be the one that a call
reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, arns, fill, named
from surveyor_emulator.aws.iam.permission_request import Keys, PermissionRequest
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]

_RULE = "arn:aws:events:{region}:{account}:rule/{name}"
_BUS = "arn:aws:events:{region}:{account}:event-bus/{name}"
_ARCHIVE = "arn:aws:events:{region}:{account}:archive/{name}"
_REPLAY = "arn:aws:events:{region}:{account}:replay/{name}"
_CONNECTION = "arn:aws:events:{region}:{account}:connection/{name}"
_DESTINATION = "arn:aws:events:{region}:{account}:api-destination/{name}"
_SOURCE = "arn:aws:events:{region}::event-source/{name}"


def _store(call: Call) -> Any:
    from moto.events.models import events_backends

    return events_backends[call.account][call.region]


def _with_tags(call: Call, arn: str) -> NamedResource:
    return NamedResource(arn, tags=_store(call).tagger.get_tag_dict_for_resource(arn))


def _last(text: Any) -> str:
    return str(text).rpartition("/")[2]


def _rule(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    bus, name = _last(params.get("EventBusName") or "default"), str(params.get("Rule") or params.get("Name"))
    yield _with_tags(call, fill(_RULE, call, name if bus == "default" else f"{bus}/{name}"))


def _bus(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield _with_tags(call, fill(_BUS, call, _last(params.get("Name") or "default")))


def _buses_of_events(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    for bus in sorted({_last(entry.get("EventBusName") or "default") for entry in params["Entries"]}):
        yield _with_tags(call, fill(_BUS, call, bus))


def _bus_of(member: str) -> Find:
    return lambda call, params: [_with_tags(call, fill(_BUS, call, _last(params[member])))]


def _destination_bus(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield _with_tags(call, fill(_BUS, call, _last(params["Destination"].get("Arn", ""))))


def _tagged(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find the resource of an ARN, and every rule and bus of that name, one of which moto takes for it."""
    arn = str(params["ResourceARN"])
    name, buses = _last(arn), _store(call).event_buses
    reached = [bus.rules[name].arn for bus in buses.values() if name in bus.rules]
    reached += [buses[name].arn] if name in buses else []
    for found in dict.fromkeys([arn, *reached[:1]]):
        yield _with_tags(call, found)


def _stored(template: str, kind: str, member: str) -> Find:
    """Return a function that finds a resource whose ARN has an id of moto's after the name."""

    def find(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        arn, known = fill(template, call, str(params[member])), getattr(_store(call), kind).get(str(params[member]))
        yield NamedResource(arn, (f"{arn}/*", *((str(known.arn),) if known is not None else ())))

    return find


def _connection_of_destination(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    known = _store(call).destinations.get(str(params["Name"]))
    yield NamedResource(str(known.connection_arn) if known is not None else fill(_CONNECTION, call, "*"))


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    if call.operation == "PutTargets":
        return {"events:TargetArn": tuple(str(target["Arn"]) for target in params["Targets"])}
    if call.operation == "PutEvents":
        members = {"events:detail-type": "DetailType", "events:source": "Source"}
        found = {
            key: {str(entry[name]) for entry in params["Entries"] if entry.get(name)} for key, name in members.items()
        }
        return {key: tuple(sorted(texts)) for key, texts in found.items() if texts}
    return {}


def _passed_roles(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the roles that a rule passes to EventBridge (EventBridge User Guide, iam:PassRole for rules)."""
    if call.operation in ("PutRule", "PutTargets"):
        targets = params.get("Targets") or ()
        for arn in filter(None, [params.get("RoleArn"), *(target.get("RoleArn") for target in targets)]):
            yield PermissionRequest(str(arn), {"iam:PassedToService": ("events.amazonaws.com",)}, "iam:PassRole")


permission_requests = ActionTable(
    types=[
        (
            _rule,
            "DeleteRule DescribeRule DisableRule EnableRule ListTargetsByRule PutRule PutTargets RemoveTargets",
        ),
        (_bus, "CreateEventBus DeleteEventBus DescribeEventBus UpdateEventBus"),
        (_buses_of_events, "PutEvents"),
        (_tagged, "ListTagsForResource TagResource UntagResource"),
        (named(_ARCHIVE, "ArchiveName"), "CreateArchive DeleteArchive DescribeArchive UpdateArchive"),
        (_bus_of("EventSourceArn"), "CreateArchive"),
        (named(_REPLAY, "ReplayName"), "CancelReplay DescribeReplay StartReplay"),
        (arns("EventSourceArn"), "StartReplay"),
        (_destination_bus, "StartReplay"),
        (
            _stored(_CONNECTION, "connections", "Name"),
            "CreateConnection DeauthorizeConnection DeleteConnection DescribeConnection UpdateConnection",
        ),
        (arns("ConnectionArn"), "CreateApiDestination"),
        (_connection_of_destination, "DescribeApiDestination"),
        (
            _stored(_DESTINATION, "destinations", "Name"),
            "CreateApiDestination DeleteApiDestination DescribeApiDestination UpdateApiDestination",
        ),
        (
            named(_SOURCE, "Name"),
            (
                "ActivateEventSource CreatePartnerEventSource DeactivateEventSource DeletePartnerEventSource "
                "DescribeEventSource DescribePartnerEventSource"
            ),
        ),
    ],
    without="ListApiDestinations ListArchives ListConnections ListEventBuses ListEventSources "
    "ListPartnerEventSourceAccounts ListPartnerEventSources ListReplays ListRuleNamesByTarget ListRules "
    "PutPartnerEvents PutPermission RemovePermission TestEventPattern",
    keys=_keys,
    further=_passed_roles,
).permission_requests
