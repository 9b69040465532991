"""What holds of every decision, whatever the policies."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from surveyor_policies.engine import decide
from surveyor_policies.model import Decision
from tests.emulator.iam.generated import Case, cases, documents

CALM = settings(
    max_examples=50,
    deadline=None,
    # Laws about what is allowed pass over what is not, which most made-up requests are.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
EVERYTHING: dict[str, object] = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
NOTHING: dict[str, object] = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}


def decision(case: Case) -> Decision:
    """The decision on a case, which is never an error."""
    made = decide(case.request, case.policies)
    assert made.reason != "error"
    return made


def statements_of(document: dict[str, object]) -> list[dict[str, object]]:
    """The statements of a generated document, which has them in a list."""
    statements = document["Statement"]
    assert isinstance(statements, list)
    return statements


def with_statements(case: Case, effect: str) -> Case:
    """The case with only the identity's statements of this effect."""

    def kept(document: dict[str, object]) -> dict[str, object]:
        return {**document, "Statement": [each for each in statements_of(document) if each["Effect"] == effect]}

    documents_kept = (kept(document) for document in case.identity)
    return replace(case, identity=tuple(each for each in documents_kept if each["Statement"]))


@CALM
@given(case=cases())
def test_a_deny_of_everything_always_wins(case: Case) -> None:
    """With it in the identity's policies nothing is allowed, and it is an explicit deny."""
    assert decision(replace(case, identity=(*case.identity, NOTHING))).reason == "explicit-deny"


@CALM
@given(case=cases(), further=documents())
def test_more_allows_never_take_access_away(case: Case, further: dict[str, object]) -> None:
    """Adding allows to the identity's policies keeps what was allowed."""
    assume(decision(case).allowed)
    added = with_statements(replace(case, identity=(further,)), "Allow").identity
    assert decision(replace(case, identity=case.identity + added)).allowed


@CALM
@given(case=cases(), further=documents())
def test_more_denies_never_give_access(case: Case, further: dict[str, object]) -> None:
    """Adding denies to the identity's policies keeps what was denied."""
    assume(not decision(case).allowed)
    added = with_statements(replace(case, identity=(further,)), "Deny").identity
    assert not decision(replace(case, identity=case.identity + added)).allowed


@CALM
@given(case=cases(), chance=st.randoms(use_true_random=False))
def test_order_does_not_matter(case: Case, chance: Random) -> None:
    """Statements and policies in another order come to the same."""
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
    """Allowed under a boundary is what identity and boundary would each allow by themselves."""
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
def test_limits_only_limit(case: Case) -> None:
    """Without its boundary and session policies a request is allowed at least what it is with them."""
    assume(decision(case).allowed)
    assert decision(replace(case, boundary=None, session=None)).allowed


@CALM
@given(case=cases())
def test_limits_that_allow_everything_change_nothing(case: Case) -> None:
    """A boundary of everything is as good as none, but for denials to everyone who has one."""
    assume(case.boundary is None and "NotPrincipal" not in json.dumps(case.resource_policy))
    assert decision(replace(case, boundary=(EVERYTHING,))).reason == decision(case).reason


@CALM
@given(case=cases())
def test_the_statement_that_decided_decides_alone(case: Case) -> None:
    """The statement that is named covers the request by itself, with the effect that it had."""
    made = decision(case)
    assume(made.by is not None and made.by.kind == "identity")
    assert made.by is not None
    document = case.identity[int(made.by.policy.rpartition("-")[2])]
    statement = statements_of(document)[made.by.index]
    only = replace(case, identity=({**document, "Statement": [statement]},), boundary=None, session=None)
    assert decision(only).reason == made.reason


@CALM
@given(case=cases())
def test_the_case_of_actions_and_keys_does_not_matter(case: Case) -> None:
    """The same request with its action and its condition keys in other letters comes to the same."""
    other = replace(case, action=case.action.upper(), context={key.upper(): v for key, v in case.context.items()})
    assert decision(other).reason == decision(case).reason
