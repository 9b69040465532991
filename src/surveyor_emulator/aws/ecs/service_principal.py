"""Calls and events of ECS itself: made with the service-linked role, not on behalf of a caller.

Amazon ECS Developer Guide, Using service-linked roles: what ECS does in Cloud Map it does as AWSServiceRoleForECS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from surveyor_emulator.aws.eventbridge import publish
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

__all__ = ["MANAGED", "call_as_ecs", "call_other_service", "role_arn", "send_event", "send_service_action"]

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import TagTypeDef

T = TypeVar("T")

ROLE = "AWSServiceRoleForECS"
MANAGED: list[TagTypeDef] = [{"Key": "AmazonECSManaged", "Value": "true"}]
"""The tag of what ECS creates in Cloud Map; its role may not create anything there without it."""


def call_as_ecs(world: World, account: str, region: str) -> Call:
    """Return a call that ECS makes itself."""
    principal = f"arn:aws:sts::{account}:assumed-role/{ROLE}/ecs-service-scheduler"
    return Call(world, account, region, principal, "servicediscovery", "")


def role_arn(account: str, role: str | None) -> str:
    """Return the ARN of the role that ECS uses for a service: the given one, or the service-linked role."""
    name = role or f"aws-service-role/ecs.amazonaws.com/{ROLE}"
    return name if name.startswith("arn:") else f"arn:aws:iam::{account}:role/{name}"


def call_other_service(submit: Callable[[], T]) -> T:
    """Call another service for a caller of ECS, who gets its words in an error of ECS, not the other API's code."""
    try:
        return submit()
    except ServiceError as error:
        raise ServiceError("InvalidParameterException", error.message) from error


def send_service_action(call: Call, service_arn: str, kind: str, name: str, detail: Mapping[str, object]) -> None:
    """Send an "ECS Service Action"; ``kind`` is INFO, WARN or ERROR (ECS Developer Guide, Service action events)."""
    send_event(call, "ECS Service Action", [service_arn], {"eventType": kind, "eventName": name, **detail})
    call.note("ecs.service-action", service_arn.rpartition("/")[2], name)


def send_event(call: Call, kind: str, resources: list[str], detail: Mapping[str, object]) -> None:
    """Put an event on the account's default bus."""
    publish(call.world, call.account, call.region, "aws.ecs", kind, _with_timestamps(detail), resources)


def _with_timestamps(detail: Mapping[str, object]) -> dict[str, object]:
    """Return the detail with moments as text: numbers in the API are ISO 8601 timestamps in events."""
    return {
        name: datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, float) and name.endswith("At")
        else value
        for name, value in detail.items()
    }
