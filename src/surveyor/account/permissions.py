"""The least-privilege policy of a run: the permissions behind the calls that its tests made, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypedDict

__all__ = ["format_policy", "required_actions"]

_WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity"})
"""Actions that need no permission and cannot be denied (sts/GetCallerIdentity)."""


_PREFIXES = {"elbv2": "elasticloadbalancing"}
"""Prefixes of IAM actions, where they are not botocore's names of services (Service Authorization Reference)."""


class _Statement(TypedDict):
    Sid: str
    Effect: str
    Action: list[str]
    Resource: str


class _Policy(TypedDict):
    Version: str
    Statement: list[_Statement]


def required_actions(operations: Iterable[str], dependent: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the actions behind operations (`service:Operation`), with the further actions that each depends on.

    Requests that are no operation (`service:POST /path`) are left out: what they call, tests call by its name as well.
    """
    called = {_action(operation) for operation in operations if " " not in operation}
    further = {action for operation in called for action in dependent.get(operation, ())}
    return (called | further) - _WITHOUT_PERMISSION


def _action(operation: str) -> str:
    service, _, name = operation.partition(":")
    return f"{_PREFIXES.get(service, service)}:{name}"


def format_policy(actions: Iterable[str]) -> str:
    """Return the policy that allows these actions as JSON text, with one statement for each service."""
    by_service: dict[str, list[str]] = {}
    for action in sorted(set(actions)):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    statements: list[_Statement] = [
        {"Sid": service.capitalize(), "Effect": "Allow", "Action": service_actions, "Resource": "*"}
        for service, service_actions in by_service.items()
    ]
    policy: _Policy = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(policy, indent=2)
