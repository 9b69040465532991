"""The roles of a task: ECS must be able to assume them when it starts the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ecs.state import TaskDefinition
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.core.world import Call

__all__ = ["problem_with_roles"]


def problem_with_roles(call: Call, definition: TaskDefinition, overrides: Mapping[str, Any]) -> str | None:
    """Return why a task cannot have its roles, in the words of ECS; None if they exist or there are none."""
    for member in ("taskRoleArn", "executionRoleArn"):
        role = str(overrides.get(member) or definition.document.get(member) or "")
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
        if role and moto_store.role(arn) is None:
            return (
                f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the "
                "role being passed has the proper trust relationship and permissions and that your IAM user has "
                "permissions to pass this role."
            )
    return None
