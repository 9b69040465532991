"""Read record sets from requests and describe them in answers; refuse an invalid record set (InvalidInput)."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from surveyor_emulator.core.errors import ServiceError

from . import names
from .record_model import AliasTarget, RecordSet
from .shapes import plain_id

__all__ = ["ChangeInput", "RecordSetShape", "read_record", "record_shape"]


class AliasShape(TypedDict):
    """The shape route53/AliasTarget."""

    HostedZoneId: str
    DNSName: str
    EvaluateTargetHealth: bool


class ValueShape(TypedDict):
    """The shape route53/ResourceRecord."""

    Value: str


class RecordSetShape(TypedDict):
    """The shape route53/ResourceRecordSet, without the routing policies that are not implemented here."""

    Name: str
    Type: str
    SetIdentifier: NotRequired[str]
    Weight: NotRequired[int]
    MultiValueAnswer: NotRequired[bool]
    Failover: NotRequired[str]
    TTL: NotRequired[int]
    ResourceRecords: NotRequired[list[ValueShape]]
    AliasTarget: NotRequired[AliasShape]
    HealthCheckId: NotRequired[str]


class ChangeInput(TypedDict):
    """The shape route53/Change."""

    Action: str
    ResourceRecordSet: RecordSetShape


_POLICIES = ("Weight", "Failover", "MultiValueAnswer")
_NO_ALIAS = ("NS", "SOA")


def read_record(change: ChangeInput) -> RecordSet:
    """Return the record set of one change. Raise InvalidInput if its members contradict each other."""
    shape = change["ResourceRecordSet"]
    try:
        name = names.canonical(shape["Name"])
        alias = _read_alias(shape)
    except ValueError as error:
        raise _invalid(change, str(error)) from None
    _check_members(change)
    return RecordSet(
        name=name,
        type=shape["Type"],
        ttl=shape.get("TTL"),
        values=tuple(record["Value"] for record in shape.get("ResourceRecords", ())),
        set_identifier=shape.get("SetIdentifier"),
        multivalue=shape.get("MultiValueAnswer", False),
        weight=shape.get("Weight"),
        failover=shape.get("Failover"),
        health_check_id=shape.get("HealthCheckId"),
        alias=alias,
    )


def record_shape(record: RecordSet) -> RecordSetShape:
    """Return a record set as the API shows it."""
    shape: RecordSetShape = {"Name": record.name, "Type": record.type}
    if record.set_identifier is not None:
        shape["SetIdentifier"] = record.set_identifier
    if record.weight is not None:
        shape["Weight"] = record.weight
    if record.failover is not None:
        shape["Failover"] = record.failover
    if record.multivalue:
        shape["MultiValueAnswer"] = True
    if record.alias is not None:
        shape["AliasTarget"] = {
            "HostedZoneId": record.alias.zone_id,
            "DNSName": record.alias.name,
            "EvaluateTargetHealth": record.alias.evaluate_target_health,
        }
    else:
        shape["TTL"] = record.ttl or 0
        shape["ResourceRecords"] = [{"Value": value} for value in record.values]
    if record.health_check_id is not None:
        shape["HealthCheckId"] = record.health_check_id
    return shape


def _read_alias(shape: RecordSetShape) -> AliasTarget | None:
    target = shape.get("AliasTarget")
    if target is None:
        return None
    return AliasTarget(
        plain_id(target["HostedZoneId"]), names.canonical(target["DNSName"]), target["EvaluateTargetHealth"]
    )


def _check_members(change: ChangeInput) -> None:
    shape = change["ResourceRecordSet"]
    unknown = sorted(shape.keys() - RecordSetShape.__annotations__.keys())
    if unknown:
        raise _invalid(
            change,
            f"{unknown[0]} is not implemented here; simple, weighted, multivalue answer and failover records are",
        )
    if {"TTL", "ResourceRecords"} & shape.keys() != (set() if "AliasTarget" in shape else {"TTL", "ResourceRecords"}):
        raise _invalid(change, "expected AliasTarget, or TTL and ResourceRecords, and not both")
    if "AliasTarget" in shape and shape["Type"] in _NO_ALIAS:
        raise _invalid(change, f"there are no alias records of type {shape['Type']}")
    # A weight of 0 is a policy; MultiValueAnswer false is none.
    policies = [member for member in _POLICIES if member in shape and shape.get(member) is not False]
    if len(policies) > 1:
        raise _invalid(change, f"expected one of {', '.join(_POLICIES)}, but found {' and '.join(policies)}")
    if policies and "SetIdentifier" not in shape:
        raise _invalid(change, f"a record set with {policies[0]} needs a SetIdentifier")
    if "SetIdentifier" in shape and not policies:
        raise _invalid(change, f"a record set with a SetIdentifier needs one of {', '.join(_POLICIES)}")
    if policies == ["MultiValueAnswer"] and "AliasTarget" in shape:
        raise _invalid(change, "there are no multivalue answer alias records")


def _invalid(change: ChangeInput, text: str) -> ServiceError:
    shape = change["ResourceRecordSet"]
    where = f"[Action={change['Action']}, Name={shape['Name']}, Type={shape['Type']}]"
    return ServiceError("InvalidInput", f"Invalid request: {text}, in Change with {where}")
