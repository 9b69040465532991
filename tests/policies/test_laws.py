"""Properties of every decision, whatever the policies."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from surveyor_policies.engine import decide
from surveyor_policies.model import Decision
from tests.policies.generated import Case, cases, documents

pytestmark = pytest.mark.soak

CALM = settings(
    max_examples=50,
    deadline=None,
    # Properties of allowed requests skip denied ones, which most generated requests are.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
EVERYTHING: dict[str, object] = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
NOTHING: dict[str, object] = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}


def decision(case: Case) -> Decision:
    """Return the decision on a case; it is never an error."""
    result = decide(case.request, case.policies)
    assert result.reason != "error"
    return result


def statements_of(document: dict[str, object]) -> list[dict[str, object]]:
    """Return the statements of a generated document, which are a list."""
    statements = document["Statement"]
    assert isinstance(statements, list)
    return statements


def with_statements(case: Case, effect: str) -> Case:
    """Return the case with only those statements of its identity that have this effect."""

    def kept(document: dict[str, object]) -> dict[str, object]:
        return {**document, "Statement": [entry for entry in statements_of(document) if entry["Effect"] == effect]}

    documents_kept = (kept(document) for document in case.identity)
    return replace(case, identity=tuple(document for document in documents_kept if document["Statement"]))


@CALM
@given(case=cases())
def test_a_deny_of_everything_always_wins(case: Case) -> None:
    """With such a deny in the identity's policies the decision is an explicit deny."""
    assert decision(replace(case, identity=(*case.identity, NOTHING))).reason == "explicit-deny"


@CALM
@given(case=cases(), further=documents())
def test_more_allows_never_remove_access(case: Case, further: dict[str, object]) -> None:
    """Adding allows to the identity's policies keeps what was allowed."""
    assume(decision(case).allowed)
    added = with_statements(replace(case, identity=(further,)), "Allow").identity
    assert decision(replace(case, identity=case.identity + added)).allowed


@CALM
@given(case=cases(), further=documents())
def test_more_denies_never_add_access(case: Case, further: dict[str, object]) -> None:
    """Adding denies to the identity's policies keeps what was denied."""
    assume(not decision(case).allowed)
    added = with_statements(replace(case, identity=(further,)), "Deny").identity
    assert not decision(replace(case, identity=case.identity + added)).allowed


@CALM
@given(case=cases(), chance=st.randoms(use_true_random=False))
def test_order_does_not_matter(case: Case, chance: Random) -> None:
    """Reordering statements and policies does not change the decision."""
    shuffled = []
    for document in case.identity:
        statements = list(statements_of(document))
        chance.shuffle(statements)
        shuffled.append({**document, "Statement": statements})
    chance.shuffle(shuffled)
    assert decision(replace(case, identity=tuple(shuffled))).reason == decision(case).reason


@CALM
@given(case=cases(kind="plain"))
def test_a_boundary_intersects(case: Case) -> None:
    """With a boundary exactly that is allowed which identity and boundary each allow on their own."""
    assume(case.boundary is not None)
    assert case.boundary is not None
    alone = (
        decision(replace(case, boundary=None)).allowed
        and decision(replace(case, identity=case.boundary, boundary=None)).allowed
    )
    foreign = f":{case.principal.account}:" not in case.resource
    assert decision(case).allowed is (alone and not foreign)


@CALM
@given(case=cases())
def test_limits_never_add_access(case: Case) -> None:
    """A request that is allowed with boundary and session policies is allowed without them."""
    assume(decision(case).allowed)
    assert decision(replace(case, boundary=None, session=None)).allowed


@CALM
@given(case=cases())
def test_limits_that_allow_everything_change_nothing(case: Case) -> None:
    """A boundary that allows everything changes nothing, except for denies of all principals with a boundary."""
    assume(case.boundary is None and "NotPrincipal" not in json.dumps(case.resource_policy))
    assert decision(replace(case, boundary=(EVERYTHING,))).reason == decision(case).reason


@CALM
@given(case=cases())
def test_the_deciding_statement_decides_alone(case: Case) -> None:
    """The named statement alone covers the request, with the same effect."""
    result = decision(case)
    assume(result.by is not None and result.by.kind == "identity")
    assert result.by is not None
    document = case.identity[int(result.by.policy.rpartition("-")[2])]
    statement = statements_of(document)[result.by.index]
    only = replace(case, identity=({**document, "Statement": [statement]},), boundary=None, session=None)
    assert decision(only).reason == result.reason


@CALM
@given(case=cases())
def test_the_case_of_actions_and_keys_does_not_matter(case: Case) -> None:
    """Changing the case of the action and of the condition keys does not change the decision."""
    other = replace(case, action=case.action.upper(), context={key.upper(): v for key, v in case.context.items()})
    assert decision(other).reason == decision(case).reason
