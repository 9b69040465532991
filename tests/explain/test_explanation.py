"""Explanations: missing statements, near matches, and positions of statements."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor.explain.documents import parse_document
from surveyor.explain.explanation import Explanation, explain
from surveyor_policies.engine import decide
from surveyor_policies.parsing import DocumentKind, parse_policy
from tests.policies.generated import Case, Kind, cases, documents

CALM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def explain_case(case: Case) -> Explanation:
    """Return the explanation of a case."""
    return explain(case.request, case.policies)


@pytest.mark.soak
@CALM
@given(case=st.sampled_from(get_args(Kind)).flatmap(lambda kind: cases(kind=kind)))
def test_missing_statements_allow_the_request(case: Case) -> None:
    """The missing statements are sufficient together, and none of them can be omitted."""
    found = explain_case(case)
    assert bool(found.missing) is (found.decision.reason == "implicit-deny")
    for left_out in (None, *found.missing) if found.missing else ():
        policies = case.policies
        for missing in found.missing:
            if missing is not left_out:
                kind: DocumentKind = "resource" if missing.kind == "resource" else "identity"
                added = parse_policy(json.dumps({"Statement": missing.statement}), "added", kind=kind)
                policies = replace(policies, **{missing.kind: (*(getattr(policies, missing.kind) or ()), added)})
        assert decide(case.request, policies).allowed is (left_out is None)


@pytest.mark.soak
@CALM
@given(case=cases())
def test_near_matches_belong_to_policies_without_an_allow(case: Case) -> None:
    """Near matches are statements of kinds that lack an allow, each with the reason why it does not apply."""
    found = explain_case(case)
    assert {near.kind for near in found.near_matches} <= {missing.kind for missing in found.missing}
    assert all(near.why for near in found.near_matches)


@CALM
@given(
    policy=documents(),
    indent=st.sampled_from((None, 0, 2, "\t")),
    alone=st.booleans(),
    first=st.booleans(),
)
def test_position_of_each_statement_is_found(
    policy: dict[str, object], indent: int | str | None, alone: bool, first: bool
) -> None:
    """However a policy is formatted, the texts and lines of its statements are those in the file."""
    statements = policy["Statement"]
    assert isinstance(statements, list)
    whole = {"Version": "2012-10-17", "Statement": statements[0] if alone else statements}
    text = json.dumps(whole if first else dict(reversed(whole.items())), indent=indent)
    found = parse_document(text, "p", "identity")
    assert [json.loads(statement) for statement in found.texts] == (statements[:1] if alone else statements)
    lines = text.splitlines()
    assert all(line and "{" in lines[line - 1] for line in found.lines)


def test_value_statement_is_not_taken_for_the_key() -> None:
    """A Sid with the value Statement is not taken for the key."""
    statement = {"Sid": "Statement", "Effect": "Allow", "Action": "*", "Resource": "*"}
    text = json.dumps({"Statement": statement, "Version": "2012-10-17"})
    assert json.loads(parse_document(text, "p", "identity").texts[0]) == statement
