"""Each mutation of permission decisions allows what the engine denies, in one way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from surveyor_emulator.aws.iam import authorise
from surveyor_emulator.mutations import apply_mutation
from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, PolicySet, Principal
from surveyor_policies.parsing import parse_policy

USER = Principal("arn:aws:iam::111122223333:user/a", "111122223333", "user")
ARN = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-abc"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
REQUEST = AccessRequest("servicediscovery:GetService", ARN, USER)


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    """Undo the mutation after each test."""
    yield
    apply_mutation(None)


def policies(*statements: dict[str, Any]) -> PolicySet:
    """Return identity policies of these statements."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return PolicySet(identity=(parse_policy(text, "own", kind="identity"),))


@pytest.mark.parametrize(
    ("mutation", "statements"),
    [
        ("ignores-deny", (ALLOW, {**ALLOW, "Effect": "Deny"})),
        ("ignores-conditions", ({**ALLOW, "Condition": {"StringEquals": {"aws:username": "b"}}},)),
        ("ignores-case", ({**ALLOW, "Resource": ARN.replace("srv-abc", "SRV-ABC")},)),
        ("fails-open", ({**ALLOW, "Action": "servicediscovery:ListServices"},)),
    ],
)
def test_each_mutation_allows_what_is_denied(mutation: str, statements: tuple[dict[str, Any], ...]) -> None:
    """A request that the engine denies is allowed under the mutation; one that it allows stays allowed."""
    assert not decide(REQUEST, policies(*statements)).allowed
    assert not vars(authorise)["decide"](REQUEST, policies(*statements)).allowed
    apply_mutation(mutation)
    mutated = vars(authorise)["decide"]
    assert mutated(REQUEST, policies(*statements)).allowed
    assert mutated(REQUEST, policies(ALLOW)).allowed
    assert not decide(REQUEST, policies(*statements)).allowed
