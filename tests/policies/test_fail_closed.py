"""Nothing that is odd, unknown or broken allows a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor_policies.engine import decide
from surveyor_policies.model import UNKNOWN_RESOURCE, AccessRequest, MalformedPolicy, Policy, PolicySet, Principal
from surveyor_policies.operators import OPERATORS
from surveyor_policies.parsing import parse_policy
from surveyor_policies.statements import Condition

from .generated import HOME, documents

USER = Principal(f"arn:aws:iam::{HOME}:user/alice", HOME, "user")
QUEUE = f"arn:aws:sqs:us-east-1:{HOME}:q"
REQUEST = AccessRequest("sqs:DeleteQueue", QUEUE, USER, {"aws:username": ("alice",)})
ALLOW: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OBJECTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["*", "Allow", "sqs:*", QUEUE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OPERATOR_NAMES = ("null", *OPERATORS)


def policy(*statements: Any) -> str:
    """Return a document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def parsed(text: str) -> Policy | None:
    """Return a policy; None if it is refused."""
    try:
        return parse_policy(text, kind="identity")
    except MalformedPolicy:
        return None


@given(st.sampled_from(["Effect", "Action", "Resource", "Condition", "Sid", "NotAction", "NotResource"]), OBJECTS)
def test_an_odd_element_allows_nothing_that_it_does_not_name(element: str, value: object) -> None:
    """With any JSON as one element, a policy that is accepted allows only what its texts cover."""
    odd = parsed(policy({**ALLOW, element: value}))
    if odd is None or not decide(REQUEST, PolicySet(identity=(odd,))).allowed:
        return
    [statement] = odd.statements
    assert statement.effect == "Allow"
    texts = value if isinstance(value, list) else [value]
    assert value in ("Allow", {}) or element == "Sid" or "*" in str(value) or QUEUE in texts


@given(OBJECTS)
def test_any_json_is_a_policy_or_refused(document: object) -> None:
    """A document that is no policy raises nothing but MalformedPolicy, and a policy among them allows nothing."""
    found = parsed(json.dumps(document))
    assert found is None or not decide(REQUEST, PolicySet(identity=(found,))).allowed


@given(st.text(min_size=1, max_size=30), st.sampled_from(["", "ForAllValues:", "ForAnyValue:", "ForSomeValues:"]))
def test_an_unknown_operator_is_refused(operator: str, prefix: str) -> None:
    """A condition with an operator that IAM does not have makes the policy invalid, also under Deny."""
    if operator.lower().rpartition(":")[2].removesuffix("ifexists") in OPERATOR_NAMES:
        return
    for effect in ("Allow", "Deny"):
        condition = {f"{prefix}{operator}": {"aws:username": "alice"}}
        with pytest.raises(MalformedPolicy):
            parse_policy(policy({**ALLOW, "Effect": effect, "Condition": condition}), kind="identity")


@pytest.mark.parametrize("operator", sorted({entry.name for entry in OPERATORS.values()} | {"Null"}))
@pytest.mark.parametrize("form", ["{}", "{}IfExists", "ForAllValues:{}", "ForAnyValue:{}"])
def test_a_condition_without_values_is_refused(operator: str, form: str) -> None:
    """An empty list compares with nothing, which would make a negated operator hold."""
    if operator == "Null" and form == "{}IfExists":
        return
    condition: Mapping[str, Any] = {form.format(operator): {"aws:username": []}}
    with pytest.raises(MalformedPolicy, match="to have a value"):
        parse_policy(policy({**ALLOW, "Condition": condition}), kind="identity")


def _fail(*_: object) -> bool:
    raise RuntimeError("broken")


@pytest.mark.parametrize("part", ["covers_resource", "conditions"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_error_in_a_statement_denies(part: str, effect: str) -> None:
    """A statement whose evaluation fails denies the request, whatever else allows it."""
    fine = parse_policy(policy(ALLOW), kind="identity")
    broken = parse_policy(policy({**ALLOW, "Effect": effect}), kind="identity")
    value = (Condition("StringEquals", "a", ("b",), _fail),) if part == "conditions" else _fail
    object.__setattr__(broken.statements[0], part, value)
    policies = PolicySet(identity=(broken, fine) if effect == "Deny" else (broken,))
    decision = decide(REQUEST, policies)
    assert (decision.allowed, decision.reason) == (False, "error")


@pytest.mark.soak
@settings(max_examples=300)
@given(documents())
def test_an_unknown_resource_is_allowed_by_a_star_only(document: Mapping[str, Any]) -> None:
    """Any statement that denies the action denies an unknown resource; one that allows it must name `*`."""
    found = parse_policy(json.dumps(document), kind="identity")
    unconditional = [statement for statement in found.statements if not statement.conditions]
    request = AccessRequest("servicediscovery:RegisterInstance", UNKNOWN_RESOURCE, USER)
    on_action = [statement for statement in unconditional if statement.covers_action(request.action)]
    decision = decide(request, PolicySet(identity=(found,)))
    if any(statement.effect == "Deny" for statement in on_action):
        assert not decision.allowed
    if decision.allowed:
        assert any("*" in statement.resources and not statement.not_resources for statement in found.statements)
