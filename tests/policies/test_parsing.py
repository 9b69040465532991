"""Valid policies are parsed, invalid texts are rejected with one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_policies.model import MalformedPolicy
from surveyor_policies.parsing import DocumentKind, parse_policy
from tests.policies.generated import documents

ALLOW: dict[str, object] = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
TRUST: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}


def policy(*statements: dict[str, object], **elements: object) -> str:
    """Return a document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | elements)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "line 1"),
        ("[]", "expected a JSON object, got []"),
        ("[" * 100_000, "nested too deeply"),
        ('{"Statement": NaN}', "expected a number, got NaN"),
        ('{"Version": "2012-10-17", "Version": "2012-10-17"}', '"Version" twice'),
        ('{"Version": "2012-10-17"}', "at least one statement"),
        (policy(ALLOW, Version="2012-10-18"), "expected Version"),
        (policy(ALLOW, Id="mine"), '"Id"'),
        (policy(ALLOW, Comment="no"), '"Comment"'),
        (policy(), "at least one statement"),
        (policy({**ALLOW, "Effect": "allow"}), 'got "allow"'),
        (policy({**ALLOW, "Effect": None}), "got null"),
        (policy({**ALLOW, "Sid": "with space"}), "letters and digits"),
        (policy({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"}), "unique"),
        (policy({**ALLOW, "NotAction": "*"}), "got both"),
        (policy({"Effect": "Allow", "Resource": "*"}), "got neither"),
        (policy({"Effect": "Allow", "Action": "*"}), "got neither"),
        (policy({**ALLOW, "Action": []}), "empty list"),
        (policy({**ALLOW, "Action": 1}), "service:name or *"),
        (policy({**ALLOW, "Action": "RegisterInstance"}), "service:name or *"),
        (policy({**ALLOW, "Resource": "srv-1"}), "to be an ARN"),
        (policy({**ALLOW, "Resource": "arn:aws:*:us-east-1:*:service/*"}), "to be an ARN"),
        (policy({**ALLOW, "Principal": "*"}), '"Principal"'),
        (policy({**ALLOW, "Resources": "*"}), '"Resources"'),
        (policy({**ALLOW, "Condition": []}), "expected a JSON object"),
        (
            policy({**ALLOW, "Condition": {"StringEqual": {"a": "b"}}}),
            "operator of IAM, got 'StringEqual'",
        ),
        (policy({**ALLOW, "Condition": {"ForSome:StringEquals": {"a": "b"}}}), "ForAllValues"),
        (policy({**ALLOW, "Condition": {"NullIfExists": {"a": "true"}}}), "expected a condition operator"),
        (policy({**ALLOW, "Condition": {"Null": {"a": "maybe"}}}), "true or false"),
        (policy({**ALLOW, "Condition": {"StringEquals": {"a": {"b": "c"}}}}), "expected a text"),
        (policy({**ALLOW, "Condition": {"StringEquals": {"a": [None]}}}), "expected a text"),
    ],
)
def test_an_invalid_policy_is_rejected_in_one_line(text: str, message: str) -> None:
    """The error states what was expected and what was found, and no other exception escapes."""
    with pytest.raises(MalformedPolicy) as raised:
        parse_policy(text, "p", kind="identity")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "statement", "message"),
    [
        ("resource", ALLOW, "expected Principal or NotPrincipal, got neither"),
        ("resource", {**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}, "named in full"),
        ("resource", {**ALLOW, "Principal": {"Service": "*"}}, "named in full"),
        ("resource", {**ALLOW, "Principal": {"Amazon": "a"}}, '"Amazon"'),
        ("resource", {**ALLOW, "Principal": {}}, "to name a principal"),
        ("resource", {**ALLOW, "NotPrincipal": "*"}, "only with Deny"),
        ("trust", {**TRUST, "Resource": "*"}, "remove it"),
        ("trust", {"Effect": "Deny", "Action": "*", "NotPrincipal": "*"}, "not in a trust policy"),
        ("session", {**ALLOW, "Resource": "arn:aws:servicediscovery"}, "ARNs of six parts"),
    ],
)
def test_each_kind_of_policy_has_its_rules(kind: DocumentKind, statement: dict[str, object], message: str) -> None:
    """Principals and resources are accepted only in the kinds of policies that have them."""
    with pytest.raises(MalformedPolicy) as raised:
        parse_policy(policy(statement), "p", kind=kind)
    assert message in str(raised.value)


def test_a_single_statement_or_value_needs_no_list() -> None:
    """A statement or value without a list is read as a list of one."""
    parsed = parse_policy(json.dumps({"Statement": ALLOW}), "p", kind="identity")
    assert len(parsed.statements) == 1
    assert parsed.statements[0].actions == ("servicediscovery:*",)


def test_numbers_and_booleans_are_values_of_conditions() -> None:
    """A condition's value may be a JSON number or boolean; it is kept as written."""
    condition = {"NumericEquals": {"a": [10, 1.50]}, "Bool": {"b": True}}
    text = policy({**ALLOW, "Condition": condition}).replace("1.5", "1.50")
    assert [c.values for c in parse_policy(text, "p", kind="identity").statements[0].conditions] == [
        ("10", "1.50"),
        ("true",),
    ]


def test_thousands_of_statements_are_one_policy() -> None:
    """Size is no reason to reject a policy: quotas depend on what it is attached to."""
    assert len(parse_policy(policy(*[ALLOW] * 5_000), "p", kind="identity").statements) == 5_000


@given(document=documents())
def test_generated_documents_are_valid(document: dict[str, object]) -> None:
    """The generator of the other tests writes valid policies."""
    assert parse_policy(json.dumps(document), "p", kind="identity").statements


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
NAMES = (
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "Condition",
    "Principal",
    "x",
)


@given(
    text=st.one_of(
        st.text(),
        JSON.map(json.dumps),
        st.dictionaries(st.sampled_from(NAMES), JSON).map(json.dumps),
        st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda statement: json.dumps({"Statement": [statement]})),
        st.tuples(documents(), st.sampled_from(NAMES), JSON).map(
            lambda parts: json.dumps({**parts[0], "Statement": [{**ALLOW, parts[1]: parts[2]}]})
        ),
    ),
    kind=st.sampled_from(("identity", "session", "resource", "trust")),
)
def test_any_text_is_parsed_or_rejected(text: str, kind: DocumentKind) -> None:
    """Random texts, random JSON and policies with a random element are parsed, or rejected in one line."""
    try:
        parse_policy(text, "p", kind=kind)
    except MalformedPolicy as error:
        message = str(error)
        assert "\n" not in message
