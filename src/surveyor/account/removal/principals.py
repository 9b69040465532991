"""Users, groups, roles and policies of IAM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while

__all__ = ["delete_groups", "delete_policies", "delete_roles", "delete_users", "find_policy", "find_principal"]

_ABSENT = "NoSuchEntity"
_IN_USE = "DeleteConflict"


def find_principal(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the name of a user, group or role, which is in the parameters of the call."""
    names = (resource.parameters.get(f"{kind}Name") for kind in ("User", "Group", "Role"))
    return resource.ids or tuple(name for name in names if name)


def find_policy(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the ARN of the policy that the call created; without an answer, that of its name."""
    if resource.ids:
        return resource.ids
    name = resource.parameters.get("PolicyName")
    policies = _pages(account.client("iam", resource.region), "list_policies", "Policies", Scope="Local")
    return tuple(policy["Arn"] for policy in policies if policy["PolicyName"] == name)


def delete_users(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete users with their access keys and inline policies; groups and attached policies stay."""
    iam = account.client("iam", region)

    def delete(name: str) -> None:
        for key in _pages(iam, "list_access_keys", "AccessKeyMetadata", UserName=name):
            with ignore_absent(_ABSENT):
                iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for group in _pages(iam, "list_groups_for_user", "Groups", UserName=name):
            with ignore_absent(_ABSENT):
                iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
        for policy in _pages(iam, "list_user_policies", "PolicyNames", UserName=name):
            with ignore_absent(_ABSENT):
                iam.delete_user_policy(UserName=name, PolicyName=policy)
        for policy in _pages(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name):
            with ignore_absent(_ABSENT):
                iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_user(UserName=name)

    return _delete_each(account, ids, delete)


def delete_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete groups; their users and attached policies stay."""
    iam = account.client("iam", region)

    def delete(name: str) -> None:
        for user in _pages(iam, "get_group", "Users", GroupName=name):
            with ignore_absent(_ABSENT):
                iam.remove_user_from_group(UserName=user["UserName"], GroupName=name)
        for policy in _pages(iam, "list_attached_group_policies", "AttachedPolicies", GroupName=name):
            with ignore_absent(_ABSENT):
                iam.detach_group_policy(GroupName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_group(GroupName=name)

    return _delete_each(account, ids, delete)


def delete_roles(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete roles with their inline policies; attached policies stay."""
    iam = account.client("iam", region)

    def delete(name: str) -> None:
        for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
            with ignore_absent(_ABSENT):
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            with ignore_absent(_ABSENT):
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)

    return _delete_each(account, ids, delete)


def delete_policies(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete managed policies with all their versions, once no user, group or role has them any more."""
    iam = account.client("iam", region)

    def delete(arn: str) -> None:
        for version in _pages(iam, "list_policy_versions", "Versions", PolicyArn=arn):
            if not version["IsDefaultVersion"]:
                with ignore_absent(_ABSENT):
                    iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=arn)

    return _delete_each(account, ids, delete)


def _delete_each(account: Account, ids: Sequence[str], delete: Callable[[str], None]) -> Problems:
    problems: dict[str, str] = {}
    for identifier in ids:
        try:
            with ignore_absent(_ABSENT):
                retry_while(account, partial(delete, identifier), _IN_USE, within=timeouts.REMOVAL)
        except ClientError as error:
            problems[identifier] = str(error)
    return problems


def _pages(iam: Any, operation: str, member: str, **params: Any) -> Iterator[Any]:
    for page in iam.get_paginator(operation).paginate(**params):
        yield from page.get(member) or ()
