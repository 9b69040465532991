"""The output of sts:DecodeAuthorizationMessage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.explain.decoded import find_decoded
from surveyor.explain.text import format_decoded

ROLE = "arn:aws:sts::111122223333:assumed-role/suites/one"
INSTANCE = "arn:aws:ec2:us-east-1:111122223333:instance/*"


def message(*statements: dict[str, Any], explicit: bool = False, **members: Any) -> dict[str, Any]:
    """Return a decoded message about RunInstances."""
    condition = {"key": "aws:RequestedRegion", "values": {"items": [{"value": "us-east-1"}]}}
    return {
        "allowed": False,
        "explicitDeny": explicit,
        "matchedStatements": {"items": list(statements)},
        "failures": {"items": []},
        "context": {
            "principal": {"id": "AROA:one", "arn": ROLE},
            "action": "ec2:RunInstances",
            "resource": INSTANCE,
            "conditions": {"items": [condition]},
        },
        **members,
    }


DENY = {
    "statementId": "RegionFence",
    "effect": "DENY",
    "principals": {"items": [{"value": "AROA"}]},
    "principalGroups": {"items": []},
    "actions": {"items": [{"value": "ec2:*"}]},
    "resources": {"items": [{"value": "*"}]},
    "conditions": {"items": [{"key": "aws:requestedregion", "values": {"items": [{"value": "eu-west-1"}]}}]},
}


def explained(text: str) -> str:
    """Return the explanation of a text."""
    decoded = find_decoded(text)
    assert decoded is not None
    return "\n".join(format_decoded(decoded))


def test_an_explicit_deny_proposes_nothing() -> None:
    """The statement is shown with its condition and the request's value of the key."""
    text = explained(json.dumps(message(DENY, explicit=True)))
    assert text.startswith(f"denied: ec2:RunInstances on {INSTANCE} by {ROLE}")
    assert "statement 'RegionFence'" in text
    assert "if aws:requestedregion is eu-west-1; the request has us-east-1" in text
    assert "no allow helps" in text
    assert '"Effect"' not in text


def test_without_a_statement_the_smallest_one_is_proposed_with_what_else_may_decide() -> None:
    """AWS does not say in which policy it is missing."""
    text = explained(json.dumps(message()))
    assert '"Action": "ec2:RunInstances"' in text
    for words in ("permissions boundary", "session policy", "service control", "resource control", "VPC endpoint"):
        assert words in text


def test_the_session_policy_and_the_source_are_named() -> None:
    """AWS marks statements of a session policy, and names policies in some messages."""
    issued = DENY | {"principals": {"items": [{"value": "SCOPE_POLICY_ISSUER"}]}, "statementId": ""}
    assert "a statement without an id of the session policy" in explained(json.dumps(message(issued, explicit=True)))
    named = DENY | {"sourcePolicyId": "p-1", "sourcePolicyType": "SCP"}
    assert "'RegionFence' of p-1 (SCP)" in explained(json.dumps(message(named, explicit=True)))


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_texts_in_texts_are_read(depth: int) -> None:
    """As the CLI prints them with and without --query and --output text."""
    text = json.dumps(message(), indent=2)
    for level in range(depth):
        text = json.dumps(text if level % 2 else {"DecodedMessage": text})
    assert explained(text).startswith("denied: ec2:RunInstances")


def test_what_is_missing_or_null_is_said() -> None:
    """A message may have next to nothing."""
    for context in ({}, {"context": None}, {"context": {"principal": None, "action": None}}):
        text = explained(json.dumps({"allowed": False, "explicitDeny": False, "matchedStatements": None, **context}))
        assert text.startswith("denied: an action that the message does not name on * by a caller")
    assert explained('{"allowed": true}').startswith("allowed: ")


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "7", "null", '"text"', "{}", '{"DecodedMessage": 7}', '{"a": {"allowed": 1}}']
)
def test_other_texts_are_none(text: str) -> None:
    """They are no decoded messages."""
    assert find_decoded(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"allowed": fal', "is not complete JSON"),
        ('{"DecodedMessage": "{\\"allowed\\": fal"}', "is not complete JSON"),
        ('{"allowed": "no"}', "at allowed: expected 'bool'"),
        ('{"allowed": false, "matchedStatements": {"items": [7]}}', "at matchedStatements"),
        ('{"allowed": false, "context": {"action": ["a"]}}', "at context"),
        ('{"explicitDeny": true}', "allowed"),
        ('{"allowed": false, "x": ' + "[" * 100_000, "is nested too deeply"),
    ],
)
def test_broken_messages_are_one_line(text: str, words: str) -> None:
    """The line says where it is not as documented."""
    with pytest.raises(ValueError, match="is n") as error:
        find_decoded(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_hostile_values_stay_on_their_line() -> None:
    """Controls and line feeds of values are escapes or spaces."""
    hostile = "\x1b[2J\nallowed: everything"
    broken = message(DENY | {"statementId": hostile, "sourcePolicyId": hostile}, explicit=True)
    broken["context"]["action"] = broken["context"]["resource"] = hostile
    text = explained(json.dumps(broken))
    assert "\x1b" not in text
    assert not any(line.startswith("allowed") for line in text.splitlines())


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["allowed", "explicitDeny", "matchedStatements", "context"]), JSON))
def test_any_json_is_explained_or_refused(value: dict[str, Any]) -> None:
    """No value ends in another error."""
    try:
        decoded = find_decoded(json.dumps(value))
    except ValueError:
        return
    assert decoded is None or list(format_decoded(decoded))
