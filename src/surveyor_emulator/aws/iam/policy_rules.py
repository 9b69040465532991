"""What IAM refuses about policies: their size, documents that are no policy, changes of those of AWS, and deletions.

IAM User Guide, IAM and AWS STS quotas: characters of the inline policies of an entity in total, of a managed policy,
and of a trust policy; white space does not count. The texts are those that AWS was seen to answer with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_policies.model import MalformedPolicy
from surveyor_policies.parsing import DocumentKind, parse_policy

from . import moto_store

__all__ = ["check_policies"]

MANAGED_POLICY = 6_144
TRUST_POLICY = 2_048
INLINE_POLICIES: Mapping[str, tuple[str, int]] = {
    "PutUserPolicy": ("user", 2_048),
    "PutGroupPolicy": ("group", 5_120),
    "PutRolePolicy": ("role", 10_240),
}


_CHANGES = frozenset({
    "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy",
})  # fmt: skip
_BOUNDED = frozenset({"CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"})


def check_policies(call: Call, params: Mapping[str, Any]) -> None:
    """Raise ServiceError if a policy in a request is too large, malformed, unknown, or not the account's to change."""
    operation = call.operation
    # IAM User Guide, Managed policies and inline policies: only AWS changes a policy of AWS.
    if operation in _CHANGES and f":{call.account}:" not in str(params["PolicyArn"]):
        raise ServiceError("AccessDenied", "Policy is outside your own account.", status=403)
    if operation == "DeletePolicy":
        _check_unused(call, str(params["PolicyArn"]))
    boundary = params.get("PermissionsBoundary")
    if operation in _BOUNDED and boundary and boundary not in moto_store.backend(call.account).managed_policies:
        raise ServiceError("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.", status=404)
    if operation in INLINE_POLICIES:
        kind, most = INLINE_POLICIES[operation]
        name, text = str(params[f"{kind.capitalize()}Name"]), str(params["PolicyDocument"])
        stored = _inline_policies(call, kind, name) | {str(params["PolicyName"]): text}
        if sum(map(_size, stored.values())) > most:
            raise _too_large(f"Maximum policy size of {most} bytes exceeded for {kind} {name}")
        _check_document(text, "identity")
    elif operation in ("CreatePolicy", "CreatePolicyVersion"):
        _check_quota(str(params["PolicyDocument"]), "PolicySize", MANAGED_POLICY)
        _check_document(str(params["PolicyDocument"]), "identity")
    elif operation in ("CreateRole", "UpdateAssumeRolePolicy"):
        text = str(params.get("AssumeRolePolicyDocument") or params.get("PolicyDocument"))
        _check_quota(text, "ACLSizePerRole", TRUST_POLICY)
        _check_document(text, "trust")


def _check_unused(call: Call, arn: str) -> None:
    """Raise ServiceError for a policy that something has, or that has versions (iam/DeletePolicy)."""
    policy = moto_store.backend(call.account).managed_policies.get(arn)
    if policy is None:
        return
    if policy.attachment_count:
        raise ServiceError("DeleteConflict", "Cannot delete a policy attached to entities.", status=409)
    if len(policy.versions) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
        raise ServiceError("DeleteConflict", message, status=409)


def _inline_policies(call: Call, kind: str, name: str) -> dict[str, str]:
    holders = getattr(moto_store.backend(call.account), f"{kind}s").values()
    return next((dict(holder.policies) for holder in holders if holder.name == name), {})


def _size(text: str) -> int:
    return sum(map(len, text.split()))


def _check_quota(text: str, quota: str, most: int) -> None:
    if _size(text) > most:
        raise _too_large(f"Cannot exceed quota for {quota}: {most}")


def _too_large(message: str) -> ServiceError:
    return ServiceError("LimitExceeded", message, status=409)


def _check_document(text: str, kind: DocumentKind) -> None:
    try:
        parse_policy(text, kind=kind)
    except MalformedPolicy as error:
        raise ServiceError("MalformedPolicyDocument", str(error), status=400) from None
