"""Situations of IAM and STS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surveyor.conformance.replay.situations import situation
from surveyor.errors import FeatureLacking
from surveyor.fixtures.permissions import AssumableRole
from surveyor.targets.running import RunningTarget

__all__: list[str] = []

_ECS_ROLE = "AWSServiceRoleForECS"
_ECS_POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"


@situation("ecs-role-policy", "iam")
def with_ecs_role_policy(client: Callable[..., Any]) -> dict[str, str]:
    """Provide the policy of ECS's service-linked role, and its default version."""
    version = client("iam").get_policy(PolicyArn=_ECS_POLICY)["Policy"]["DefaultVersionId"]
    return {"policy": _ECS_POLICY, "version": version}


@situation("ecs-role", "iam", "ecs")
def with_ecs_role(client: Callable[..., Any], running_target: RunningTarget) -> dict[str, str]:
    """Provide ECS's service-linked role, which an account has as soon as it uses ECS: a run creates no role there."""
    iam = client("iam")
    try:
        iam.get_role(RoleName=_ECS_ROLE)
    except iam.exceptions.NoSuchEntityException:
        if running_target.target.is_one_account:
            raise FeatureLacking("the account has no service-linked role of ECS") from None
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    return {"role": _ECS_ROLE}


@situation("role-to-assume", "iam")
def with_role(assumable_role: AssumableRole) -> dict[str, str]:
    """Provide a role that the caller `user` may assume."""
    return {"role": assumable_role.role}
