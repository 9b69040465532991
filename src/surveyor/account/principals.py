"""What users, groups and roles that a run creates in an account may do at most.

The account's owner creates two managed policies once: the limits. Each user and role of a run has one of them as its
permissions boundary, and groups have no other policies. So none of them may do more than read lists and assume roles of
runs, whatever its policies allow; and a run cannot change the limits, which have no name of a run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["LIMITS", "NARROW", "OF_RUNS", "WIDE", "limit_arn", "limit_documents", "limit_refusal"]

WIDE, NARROW = "surveyor-limit-wide", "surveyor-limit-narrow"
LIMITS = (WIDE, NARROW)

OF_RUNS = "surveyor-????????-*"
"""Names that runs give; those of the limits are none of them."""

_LIMIT = re.compile(rf"arn:aws[\w-]*:iam::\d{{12}}:policy/(?:{'|'.join(LIMITS)})")

_READS = (
    "ecs:DescribeClusters", "ecs:ListClusters", "servicediscovery:GetService", "servicediscovery:ListInstances",
    "servicediscovery:ListNamespaces", "servicediscovery:ListOperations", "servicediscovery:ListServices",
)  # fmt: skip
_SESSIONS = ("sts:AssumeRole", "sts:TagSession")

_BOUNDED = frozenset({"CreateUser", "CreateRole", "PutUserPermissionsBoundary", "PutRolePermissionsBoundary"})
_UNBOUNDED = frozenset({"DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary", "PutGroupPolicy"})


def limit_arn(account: str, name: str) -> str:
    """Return the ARN of a limit in an account."""
    return f"arn:aws:iam::{account}:policy/{name}"


def limit_documents(account: str, roles: str = OF_RUNS) -> dict[str, dict[str, Any]]:
    """Return the limits of an account by name. `roles`: the names of roles that may be assumed.

    The narrow one does not allow ListServices, and denies ListOperations, which it allows as well.
    """
    sessions = {
        "Sid": "Sessions", "Effect": "Allow", "Action": list(_SESSIONS),
        "Resource": f"arn:aws:iam::{account}:role/{roles}",
    }  # fmt: skip
    fewer = [action for action in _READS if not action.endswith(":ListServices")]
    wide, narrow = (
        {"Sid": "Reads", "Effect": "Allow", "Action": list(actions), "Resource": "*"} for actions in (_READS, fewer)
    )
    denied = {"Sid": "Denied", "Effect": "Deny", "Action": "servicediscovery:ListOperations", "Resource": "*"}
    return {
        WIDE: {"Version": "2012-10-17", "Statement": [wide, sessions]},
        NARROW: {"Version": "2012-10-17", "Statement": [narrow, sessions, denied]},
    }


def limit_refusal(operation: str, params: Mapping[str, Any]) -> str | None:
    """Return why a call of IAM would make a principal that no limit limits; None if it would not."""
    if operation in _UNBOUNDED:
        return "would allow what no limit limits"
    if operation in _BOUNDED:
        return None if _is_limit(params.get("PermissionsBoundary")) else f"has not {WIDE} or {NARROW} as boundary"
    if operation == "AttachGroupPolicy" and not _is_limit(params.get("PolicyArn")):
        return f"gives a group another policy than {WIDE} or {NARROW}"
    return None


def _is_limit(arn: object) -> bool:
    return isinstance(arn, str) and _LIMIT.fullmatch(arn) is not None
