"""ECS at work by itself: with the service-linked role, on behalf of nobody.

Amazon ECS Developer Guide, Using service-linked roles: what it does in Cloud Map it does as AWSServiceRoleForECS.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from surveyor_emulator.aws.eventbridge import publish
from surveyor_emulator.core.world import Call, World

__all__ = ["acting", "event", "send_service_action"]

ROLE = "AWSServiceRoleForECS"


def acting(world: World, account: str, region: str) -> Call:
    """The call of the service itself."""
    principal = f"arn:aws:sts::{account}:assumed-role/{ROLE}/ecs-service-scheduler"
    return Call(world, account, region, principal, "servicediscovery", "")


def send_service_action(call: Call, service_arn: str, kind: str, name: str, detail: Mapping[str, object]) -> None:
    """Send an "ECS Service Action"; ``kind`` is INFO, WARN or ERROR (ECS Developer Guide, Service action events)."""
    whole = {"eventType": kind, "eventName": name, **detail}
    event(call, "ECS Service Action", [service_arn], whole)
    call.note("ecs.service-action", service_arn.rpartition("/")[2], name)


def event(call: Call, kind: str, resources: list[str], detail: Mapping[str, object]) -> None:
    """Put an event on the account's default bus."""
    publish(call.world, call.account, call.region, "aws.ecs", kind, _dated(detail), resources)


def _dated(detail: Mapping[str, object]) -> dict[str, object]:
    """Moments, which the API tells as numbers, are texts in events."""
    return {
        name: datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, float) and name.endswith("At")
        else value
        for name, value in detail.items()
    }
