"""Callers with fewer permissions: the account's role, narrowed by session policies, so that nothing of IAM is written.

On a real account the role is one that its owner made once (docs/accounts.md has its trust policy). Where each test has
an account of its own, the role is made in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from botocore.credentials import Credentials

from surveyor.answers import member
from surveyor.errors import FeatureLacking
from surveyor.plugin.account import ClientFactory, Unique
from surveyor.targets.running import RunningTarget

__all__ = ["Narrowed", "Session"]

_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

Statement = Mapping[str, Any]


class Narrowed(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, *statements: Statement, policies: Sequence[str] = ()) -> ClientFactory:
        """`narrowed(*statements, policies=())`: makes clients that may do what these statements, or policies, allow.

        `policies`: ARNs of managed policies. Both narrow a role that may do everything.
        """


class Session(Protocol):
    """What the fixture `narrowed_session` gives."""

    def __call__(self, *statements: Statement, policies: Sequence[str] = ()) -> Credentials:
        """`narrowed_session(*statements, policies=())`: credentials with which only these are allowed."""


@dataclass(frozen=True)
class Assumer:
    """A role that may do everything, and who may assume it: the owner of an account may not (sts/AssumeRole)."""

    role: str
    sts: Any


@pytest.fixture
def assumer(running: RunningTarget, client: ClientFactory, account: str, unique: Unique) -> Assumer:
    """The role that was given, or one that is made in the test's own account, with a user who may assume it."""
    target = running.target
    if target.role:
        return Assumer(target.role, client("sts"))
    if target.is_one_account and not target.start:
        raise FeatureLacking(f"claims about IAM need a role of {target.name} to narrow: --role ARN")
    iam, name = client("iam"), unique("suites")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=json.dumps(_EVERYTHING))
    key = member(iam.create_access_key(UserName=name), "AccessKey", of="CreateAccessKey")
    owner = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": owner, "Action": "sts:AssumeRole"}],
    }
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(_EVERYTHING))
    who = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    sts = running.clients.client("sts", account, None, who)
    return Assumer(str(member(made, "Role", "Arn", of="CreateRole")), sts)


@pytest.fixture
def narrowed_session(assumer: Assumer, unique: Unique) -> Session:
    """Assumes the role with session policies."""

    def narrow(*statements: Statement, policies: Sequence[str] = ()) -> Credentials:
        limits: dict[str, Any] = {"PolicyArns": [{"arn": arn} for arn in policies]} if policies else {}
        if statements:
            limits["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        name = unique("session")[-64:]
        answer = assumer.sts.assume_role(RoleArn=assumer.role, RoleSessionName=name, **limits)
        came = member(answer, "Credentials", of="AssumeRole")
        return Credentials(came["AccessKeyId"], came["SecretAccessKey"], came["SessionToken"])

    return narrow


@pytest.fixture
def narrowed(running: RunningTarget, narrowed_session: Session, account: str) -> Narrowed:
    """Makes clients of such sessions."""

    def narrow(*statements: Statement, policies: Sequence[str] = ()) -> ClientFactory:
        session = narrowed_session(*statements, policies=policies)

        def make(service: str, region: str | None = None) -> Any:
            return running.clients.client(service, account, region, session)

        return make

    return narrow
