"""Callers with fewer permissions: the account's role, narrowed by session policies, so that nothing of IAM is written.

On a real account the role is one that its owner made once (docs/accounts.md has its trust policy). Where each test has
an account of its own, the role is made in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pytest
from botocore.credentials import Credentials

from surveyor.answers import member
from surveyor.errors import FeatureLacking
from surveyor.plugin.account import ClientFactory, Unique
from surveyor.plugin.sharing import Sharing
from surveyor.targets.running import RunningTarget

__all__ = ["Narrowed"]

_ROLE = "surveyor-suites"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

Statement = Mapping[str, Any]


class Narrowed(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, *statements: Statement, policies: Sequence[str] = ()) -> ClientFactory:
        """`narrowed(*statements, policies=())`: makes clients that may do what these statements, or policies, allow.

        `policies`: ARNs of managed policies. Both narrow a role that may do everything.
        """


@pytest.fixture
def role(running: RunningTarget, client: ClientFactory, account: str, sharing: Sharing | None) -> str:
    """The ARN of a role that may do everything, and that the test's account may assume."""
    target = running.target
    if target.role:
        return target.role
    if target.is_one_account and not target.start:
        raise FeatureLacking(f"claims about IAM need a role of {target.name} to narrow: --role ARN")
    return sharing.get("role", lambda: (_made(client, account), None)).id if sharing else _made(client, account)


def _made(client: ClientFactory, account: str) -> str:
    iam = client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    made = iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=_ROLE, PolicyName="everything", PolicyDocument=json.dumps(_EVERYTHING))
    return str(member(made, "Role", "Arn", of="CreateRole"))


@pytest.fixture
def narrowed(running: RunningTarget, client: ClientFactory, role: str, unique: Unique, account: str) -> Narrowed:
    """Assumes the role with session policies."""

    def narrow(*statements: Statement, policies: Sequence[str] = ()) -> ClientFactory:
        limits: dict[str, Any] = {"PolicyArns": [{"arn": arn} for arn in policies]} if policies else {}
        if statements:
            limits["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        answer = client("sts").assume_role(RoleArn=role, RoleSessionName=unique("session")[:64], **limits)
        came = member(answer, "Credentials", of="AssumeRole")
        session = Credentials(came["AccessKeyId"], came["SecretAccessKey"], came["SessionToken"])

        def make(service: str, region: str | None = None) -> Any:
            return running.clients.client(service, account, region, session)

        return make

    return narrow
