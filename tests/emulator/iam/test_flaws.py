"""An engine that is wrong on purpose is wrong in exactly that way."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from surveyor_emulator.aws.iam.flaws import decide_wrongly
from surveyor_emulator.core.settings import IamFlaw, Settings
from surveyor_emulator.server.options import with_setting
from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, PolicySet, Principal
from surveyor_policies.parsing import parse_policy

USER = Principal("arn:aws:iam::111122223333:user/a", "111122223333", "user")
ARN = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-abc"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
REQUEST = AccessRequest("servicediscovery:GetService", ARN, USER)


def policies(*statements: dict[str, Any]) -> PolicySet:
    """Those of a user."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return PolicySet(identity=(parse_policy(text, "own"),))


@pytest.mark.parametrize(
    ("flaw", "given"),
    [
        ("ignores-deny", (ALLOW, {**ALLOW, "Effect": "Deny"})),
        ("ignores-conditions", ({**ALLOW, "Condition": {"StringEquals": {"aws:username": "b"}}},)),
        ("ignores-case", ({**ALLOW, "Resource": ARN.replace("srv-abc", "SRV-ABC")},)),
        ("fails-open", ({**ALLOW, "Action": "servicediscovery:ListServices"},)),
    ],
)
def test_each_flaw_allows_what_is_denied(flaw: IamFlaw, given: tuple[dict[str, Any], ...]) -> None:
    """What the engine denies, the flawed one allows; what it allows stays allowed."""
    assert not decide(REQUEST, policies(*given)).allowed
    assert decide_wrongly(flaw, REQUEST, policies(*given)).allowed
    assert decide_wrongly(flaw, REQUEST, policies(ALLOW)).allowed


def test_only_known_flaws_can_be_set() -> None:
    """The setting takes the four names and none."""
    for flaw in get_args(IamFlaw):
        assert with_setting(Settings(), f"iam_flaw={flaw}").iam_flaw == flaw
    assert with_setting(Settings(iam_flaw="fails-open"), "iam_flaw=none").iam_flaw is None
    with pytest.raises(ValueError, match="expected none, ignores-deny"):
        with_setting(Settings(), "iam_flaw=forgetful")
