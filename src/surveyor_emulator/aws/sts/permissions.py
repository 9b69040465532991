"""The permissions that requests to STS need: those of AssumeRole are decided with the role's trust policy, by STS."""

from __future__ import annotations

from surveyor_emulator.aws.iam.action_resources import ActionTable, arns

__all__ = ["permission_requests"]

permission_requests = ActionTable(
    types=[(arns("RoleArn"), "AssumeRole")], without="GetCallerIdentity GetSessionToken"
).permission_requests
