"""What is said to be missing, and where statements stand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor.explain.documents import document
from surveyor.explain.explanation import Explanation, explain
from surveyor_policies.engine import decide
from surveyor_policies.parsing import DocumentKind, parse_policy
from tests.policies.generated import Case, Kind, cases, documents

CALM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def explained(case: Case) -> Explanation:
    """The explanation of a case."""
    return explain(case.request, case.policies)


@CALM
@given(case=st.sampled_from(get_args(Kind)).flatmap(lambda kind: cases(kind=kind)))
def test_with_what_is_missing_the_request_is_allowed(case: Case) -> None:
    """The statements that are said to be missing are enough together, and none of them can be left out."""
    found = explained(case)
    assert bool(found.missing) is (found.decision.reason == "implicit-deny")
    for left_out in (None, *found.missing) if found.missing else ():
        policies = case.policies
        for missing in found.missing:
            if missing is not left_out:
                kind: DocumentKind = "resource" if missing.kind == "resource" else "identity"
                added = parse_policy(json.dumps({"Statement": missing.statement}), "added", kind=kind)
                policies = replace(policies, **{missing.kind: (*(getattr(policies, missing.kind) or ()), added)})
        assert decide(case.request, policies).allowed is (left_out is None)


@CALM
@given(case=cases())
def test_what_is_close_is_an_allow_of_a_policy_that_lacks_one(case: Case) -> None:
    """Only statements of kinds that lack an allow are told as near, each with what does not fit."""
    found = explained(case)
    assert {close.kind for close in found.close} <= {missing.kind for missing in found.missing}
    assert all(close.why for close in found.close)


@CALM
@given(
    policy=documents(),
    indent=st.sampled_from((None, 0, 2, "\t")),
    alone=st.booleans(),
    first=st.booleans(),
)
def test_each_statement_is_found_in_its_file(
    policy: dict[str, object], indent: int | str | None, alone: bool, first: bool
) -> None:
    """However a policy is written, its statements' texts and lines are those of the file."""
    statements = policy["Statement"]
    assert isinstance(statements, list)
    whole = {"Version": "2012-10-17", "Statement": statements[0] if alone else statements}
    text = json.dumps(whole if first else dict(reversed(whole.items())), indent=indent)
    found = document(text, "p", "identity")
    assert [json.loads(each) for each in found.texts] == (statements[:1] if alone else statements)
    lines = text.splitlines()
    assert all(line and "{" in lines[line - 1] for line in found.lines)


def test_a_value_that_reads_statement_is_not_the_key() -> None:
    """A Sid that says Statement does not mislead."""
    statement = {"Sid": "Statement", "Effect": "Allow", "Action": "*", "Resource": "*"}
    text = json.dumps({"Statement": statement, "Version": "2012-10-17"})
    assert json.loads(document(text, "p", "identity").texts[0]) == statement
