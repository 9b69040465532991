"""Policies have AWS's sizes, managed ones of AWS are not changed, and what is no policy is not stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.emulator.iam.users import ALL, TRUST, code, is_denied, policy


def statements(characters: int) -> str:
    """Return a policy with this number of characters, without white space."""
    text = policy({**ALL, "Sid": "X"}).replace(" ", "")
    return text.replace("X", "X" * (1 + characters - len(text)))


@pytest.mark.parametrize(
    ("operation", "params", "most"),
    [
        ("put_user_policy", {"UserName": "large", "PolicyName": "p"}, 2_048),
        ("put_group_policy", {"GroupName": "large", "PolicyName": "p"}, 5_120),
        ("put_role_policy", {"RoleName": "large", "PolicyName": "p"}, 10_240),
        ("create_policy", {"PolicyName": "large"}, 6_144),
    ],
)
def test_policies_have_a_size(
    owner: Callable[[str], Any], operation: str, params: Mapping[str, Any], most: int
) -> None:
    """A policy of the documented size is stored, one of a character more is LimitExceeded; white space is free."""
    iam = owner("iam")
    if "UserName" in params:
        iam.create_user(UserName="large")
    elif "GroupName" in params:
        iam.create_group(GroupName="large")
    elif "RoleName" in params:
        iam.create_role(RoleName="large", AssumeRolePolicyDocument=policy(TRUST))
    call = getattr(iam, operation)
    assert code(call, **params, PolicyDocument=statements(most + 1)) == "LimitExceeded"
    assert code(call, **params, PolicyDocument=statements(most).replace(",", ",   ")) == ""
    if operation.startswith("put_"):
        small = {**params, "PolicyName": "another", "PolicyDocument": policy(ALL)}
        assert code(call, **small) == "LimitExceeded"
        assert code(call, **{**small, "PolicyName": params["PolicyName"]}) == ""


def test_other_policies_have_a_size(owner: Callable[[str], Any]) -> None:
    """A trust policy has at most 2,048 characters, and a new version of a policy 6,144; huge ones cost no time."""
    iam = owner("iam")
    trust = policy({**TRUST, "Sid": "X" * 2_048})
    assert code(iam.create_role, RoleName="wordy", AssumeRolePolicyDocument=trust) == "LimitExceeded"
    iam.create_role(RoleName="terse", AssumeRolePolicyDocument=policy(TRUST))
    assert code(iam.update_assume_role_policy, RoleName="terse", PolicyDocument=trust) == "LimitExceeded"
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=policy(ALL))["Policy"]["Arn"]
    assert code(iam.create_policy_version, PolicyArn=arn, PolicyDocument=statements(6_145)) == "LimitExceeded"
    many = policy(*[{**ALL, "Resource": "arn:aws:sqs:*"}] * 1_700)
    assert code(iam.create_policy, PolicyName="many", PolicyDocument=many) == "LimitExceeded"


def test_policies_of_aws_are_not_changed(owner: Callable[[str], Any]) -> None:
    """Only AWS changes the policies that it manages, whatever an account allows."""
    iam, arn = owner("iam"), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    before = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    assert is_denied(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy(ALL), SetAsDefault=True)
    assert is_denied(iam.set_default_policy_version, PolicyArn=arn, VersionId="v1")
    assert is_denied(iam.delete_policy, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == before


def test_a_boundary_exists(owner: Callable[[str], Any]) -> None:
    """A user or role gets no boundary that does not exist, or that is another account's; those of AWS exist."""
    iam, trust = owner("iam"), policy(TRUST)
    iam.create_user(UserName="unbounded")
    iam.create_role(RoleName="unbounded", AssumeRolePolicyDocument=trust)
    for account in ("111122223333", "444455556666"):
        lost = f"arn:aws:iam::{account}:policy/lost"
        assert code(iam.create_user, UserName="lost", PermissionsBoundary=lost) == "NoSuchEntity"
        call = iam.create_role
        assert code(call, RoleName="none", AssumeRolePolicyDocument=trust, PermissionsBoundary=lost) == "NoSuchEntity"
        user = {"UserName": "unbounded", "PermissionsBoundary": lost}
        assert code(iam.put_user_permissions_boundary, **user) == "NoSuchEntity"
        role = {"RoleName": "unbounded", "PermissionsBoundary": lost}
        assert code(iam.put_role_permissions_boundary, **role) == "NoSuchEntity"
    assert code(iam.get_user, UserName="lost") == code(iam.get_role, RoleName="none") == "NoSuchEntity"
    assert "PermissionsBoundary" not in iam.get_user(UserName="unbounded")["User"]
    own = iam.create_policy(PolicyName="own", PolicyDocument=policy(ALL))["Policy"]["Arn"]
    for arn in (own, "arn:aws:iam::aws:policy/ReadOnlyAccess"):
        iam.put_user_permissions_boundary(UserName="unbounded", PermissionsBoundary=arn)


@pytest.mark.parametrize(
    "condition",
    [{"StringNotEquals": {"aws:username": []}}, {"StringIsNot": {"aws:username": "a"}}, {"Anything": {}}],
)
def test_junk_is_not_stored(owner: Callable[[str], Any], condition: Mapping[str, Any]) -> None:
    """A condition without values, or with an operator that does not exist, is a malformed policy."""
    document = policy({**ALL, "Condition": condition})
    assert code(owner("iam").create_policy, PolicyName="junk", PolicyDocument=document) == "MalformedPolicyDocument"


def test_a_policy_that_is_used_is_not_deleted(owner: Callable[[str], Any]) -> None:
    """It is attached to nothing, and its versions are deleted, before it is (iam/DeletePolicy)."""
    iam = owner("iam")
    arn = iam.create_policy(PolicyName="used", PolicyDocument=policy(ALL))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(ALL), SetAsDefault=True)
    iam.create_group(GroupName="users-of-it")
    iam.attach_group_policy(GroupName="users-of-it", PolicyArn=arn)
    assert code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_group_policy(GroupName="users-of-it", PolicyArn=arn)
    assert code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert code(iam.delete_policy, PolicyArn=arn) == ""
    assert code(iam.delete_policy, PolicyArn=arn) == "NoSuchEntity"
