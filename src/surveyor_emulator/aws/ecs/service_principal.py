"""Calls and events of ECS itself: made with the service-linked role, not on behalf of a caller.

Amazon ECS Developer Guide, Using service-linked roles: what ECS does in Cloud Map it does as AWSServiceRoleForECS.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from surveyor_emulator.aws.eventbridge import publish
from surveyor_emulator.core.world import Call, World

__all__ = ["call_as_ecs", "send_event", "send_service_action"]

ROLE = "AWSServiceRoleForECS"


def call_as_ecs(world: World, account: str, region: str) -> Call:
    """Return a call that ECS makes itself."""
    principal = f"arn:aws:sts::{account}:assumed-role/{ROLE}/ecs-service-scheduler"
    return Call(world, account, region, principal, "servicediscovery", "")


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
