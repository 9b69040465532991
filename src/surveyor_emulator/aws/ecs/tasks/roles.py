"""The roles of a task: ECS must be able to assume them when it starts the task."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ecs.state import TaskDefinition
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.core.world import Call

__all__ = ["problem_with_roles"]

_TASKS = "ecs-tasks.amazonaws.com"

log = logging.getLogger(__name__)


def problem_with_roles(call: Call, definition: TaskDefinition, overrides: Mapping[str, Any]) -> str | None:
    """Return why a task cannot have its roles, in the words of ECS; None if they exist or there are none."""
    for member in ("taskRoleArn", "executionRoleArn"):
        role = str(overrides.get(member) or definition.document.get(member) or "")
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
        if role and not _may_assume(call, arn):
            return (
                f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the "
                "role being passed has the proper trust relationship and permissions and that your IAM user has "
                "permissions to pass this role."
            )
    return None


def _may_assume(call: Call, arn: str) -> bool:
    """Return whether a role exists and its trust policy allows ECS to assume it for a task of this account and Region.

    ECS Developer Guide, "Amazon ECS task IAM role": the principal is ecs-tasks.amazonaws.com, and aws:SourceAccount and
    aws:SourceArn (arn:aws:ecs:REGION:ACCOUNT:*) may limit for what.
    """
    role = moto_store.role(arn)
    if role is None:
        return False
    from surveyor_policies.engine import decide
    from surveyor_policies.model import AccessRequest, MalformedPolicy, PolicySet, Principal

    source = f"arn:aws:ecs:{call.region}:{call.account}:*"
    context = {"aws:SourceAccount": (call.account,), "aws:SourceArn": (source,)}
    request = AccessRequest("sts:AssumeRole", arn, Principal(_TASKS, "", "service"), context)
    try:
        return decide(request, PolicySet(resource=(moto_store.trust_policy(role),))).allowed
    except MalformedPolicy:
        log.exception("the trust policy of %s cannot be read: denied", arn)
        return False
