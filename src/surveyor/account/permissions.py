"""The permissions that a run needs, from the calls that its tests made: the least that lets all of them be judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypedDict

__all__ = ["actions_of", "policy_of"]

_WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity"})
"""Nobody needs to be allowed this, and it cannot be denied (sts/GetCallerIdentity)."""


class _Statement(TypedDict):
    Sid: str
    Effect: str
    Action: list[str]
    Resource: str


class _Policy(TypedDict):
    Version: str
    Statement: list[_Statement]


def actions_of(operations: Iterable[str], dependent: Mapping[str, Iterable[str]]) -> set[str]:
    """The actions behind operations (`service:Operation`), with those that each needs beside its own."""
    asked = set(operations)
    beside = {action for operation in asked for action in dependent.get(operation, ())}
    return (asked | beside) - _WITHOUT_PERMISSION


def policy_of(actions: Iterable[str]) -> str:
    """The policy that allows these actions, as JSON text: one statement for each service."""
    by_service: dict[str, list[str]] = {}
    for action in sorted(set(actions)):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    statements: list[_Statement] = [
        {"Sid": service.capitalize(), "Effect": "Allow", "Action": named, "Resource": "*"}
        for service, named in by_service.items()
    ]
    policy: _Policy = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(policy, indent=2)
