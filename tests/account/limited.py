"""Users of an account who may do only what policies say, as the environment in which a command runs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.credentials import Credentials

from surveyor.account.needed_calls import needed_operations
from surveyor.account.permissions import make_policies, required_actions
from surveyor.account.scopes import Place
from surveyor_policies.dependent import DEPENDENT
from tests.account.conftest import ACCOUNT, SECRET

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount

__all__ = ["deny", "limited", "policies_for", "without"]

_numbers = itertools.count(1)


def limited(emulator: EmulatorAccount, *policies: Mapping[str, Any], account: str = ACCOUNT) -> dict[str, str]:
    """Return the environment of a new user with these managed policies."""
    owner = Credentials(account, SECRET)
    iam, number = emulator.clients().client("iam", account, session=owner), next(_numbers)
    name = f"user-{number}"
    iam.create_user(UserName=name)
    for part, policy in enumerate(policies):
        created = iam.create_policy(PolicyName=f"{name}-{part}", PolicyDocument=json.dumps(policy))
        iam.attach_user_policy(UserName=name, PolicyArn=created["Policy"]["Arn"])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return {**emulator.environment, **keys}


def policies_for(command: str, features: Iterable[str] = (), **place: Any) -> list[dict[str, Any]]:
    """Return the policies that `surveyor policy` prints for a command."""
    operations = needed_operations(command, tuple(features), service="service" in place)
    return make_policies(required_actions(operations, DEPENDENT), Place(**{"account": ACCOUNT, **place}))


def without(policies: Iterable[Mapping[str, Any]], *actions: str) -> list[dict[str, Any]]:
    """Return the policies without some actions."""
    left = []
    for policy in policies:
        statements = [
            {**statement, "Action": [action for action in statement["Action"] if action not in actions]}
            for statement in policy["Statement"]
        ]
        left.append({**policy, "Statement": [statement for statement in statements if statement["Action"]]})
    return left


def deny(*actions: str, **condition: Any) -> dict[str, Any]:
    """Return a policy that allows everything but these actions, which it denies under a condition."""
    statement: dict[str, Any] = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
    statement |= {"Condition": condition} if condition else {}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [allow, statement]}
