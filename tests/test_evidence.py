"""What evidence keeps of calls and DNS questions, and what it never keeps."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.evidence import (
    KEPT_FIRST,
    KEPT_LAST,
    Evidence,
    deciding_operation,
    operation_of,
    recorded_block,
    trim,
)

if TYPE_CHECKING:
    from tests.conftest import Checkout

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(), inner, max_size=60),
    max_leaves=60,
)


@pytest.mark.soak
@given(json_values)
def test_any_value_becomes_json(value: object) -> None:
    """Any value becomes plain JSON of limited size."""
    assert len(json.dumps(trim(value))) < 1_000_000


@given(st.text(min_size=301))
def test_long_texts_are_truncated_with_a_note(text: str) -> None:
    """Three hundred characters are kept, followed by the full length."""
    kept = trim(text)
    assert isinstance(kept, str)
    assert kept.startswith(text[:300])
    assert kept.endswith(f"({len(text)} characters)")


def test_secrets_are_removed_at_any_depth() -> None:
    """Members whose names indicate secrets lose their values at any depth; others keep theirs."""
    value = {
        "Credentials": {"AccessKeyId": "AKIA1", "SecretAccessKey": "s3cret"},
        "Deep": [{"SessionToken": "t0ken", "Password": "pa55", "Name": "web"}],
    }
    kept = json.dumps(trim(value))
    assert not any(secret in kept for secret in ("AKIA1", "s3cret", "t0ken", "pa55"))
    assert "web" in kept


def test_beginning_and_end_are_kept() -> None:
    """Of a thousand calls the first and the last are kept, with the number of calls left out between them."""
    evidence = Evidence(lambda: 5.0)
    evidence.begin()
    for number in range(1000):
        evidence.call("ec2", f"Call{number}", {}, time.perf_counter(), status=200, response={})
    entries = evidence.entries()
    assert len(entries) == KEPT_FIRST + 1 + KEPT_LAST
    assert entries[0].get("operation") == "Call0"
    assert entries[KEPT_FIRST].get("skipped") == 1000 - KEPT_FIRST - KEPT_LAST
    assert entries[-1].get("operation") == "Call999"
    evidence.begin()
    assert evidence.entries() == []


def test_repeated_calls_are_one_entry() -> None:
    """Consecutive equal calls with equal answers are one entry with their number and the time of the last."""
    times = iter(range(100))
    evidence = Evidence(lambda: float(next(times)))
    for status in ("PENDING", "PENDING", "PENDING", "SUCCESS", "PENDING"):
        answer = {"Operation": {"Status": status}}
        evidence.call("servicediscovery", "GetOperation", {"OperationId": "a"}, time.perf_counter(), response=answer)
    first, *others = evidence.entries()
    assert (first.get("times"), first["at"], first.get("until")) == (3, 0.0, 2.0)
    assert [entry.get("times", 1) for entry in others] == [1, 1]


def test_dns_answers_are_kept_in_master_file_form() -> None:
    """A question is kept with its rcode and one line per record."""
    evidence = Evidence(lambda: 5.0)
    message = dns.message.make_response(dns.message.make_query("web.example.", "A"))
    message.answer.append(dns.rrset.from_text("web.example.", 10, "IN", "A", "10.0.0.1", "10.0.0.2"))
    evidence.question("web.example.", "A", "127.0.0.1:53", time.perf_counter(), message)
    assert evidence.entries()[0].get("answer") == {
        "rcode": "NOERROR",
        "answer": ["web.example. 10 IN A 10.0.0.1", "web.example. 10 IN A 10.0.0.2"],
    }


def test_no_credentials_in_a_report(checkout: Checkout) -> None:
    """No secret, signature or session token of a run is in any file that it writes."""
    path = checkout.layout.targets / "fake.toml"
    path.write_text(path.read_text() + '\n[credentials]\nsecret = "hush-hush-1234"\n')
    checkout.suite(
        """
        @proves("alpha.first")
        def test_it(client, account):
            '''It is so.'''
            assert client("sts").meta.service_model
            client("servicediscovery").create_http_namespace(Name="taken")
        """
    )
    checkout.run()
    written = "".join(file.read_text() for file in (checkout.layout.root / "out").rglob("*") if file.is_file())
    assert "CreateHttpNamespace" in written
    assert not any(word in written for word in ("hush-hush-1234", "AWS4-HMAC", "Signature", "X-Amz-Security-Token"))


def test_block_knows_its_own_calls() -> None:
    """A block has the calls made in it; of these the first that changes something is in question, else the first."""
    evidence = Evidence(lambda: 5.0)
    evidence.begin()
    evidence.call("ecs", "DescribeServices", {}, 0.0)
    with recorded_block() as outer:
        evidence.call("servicediscovery", "GetNamespace", {}, 0.0)
        with recorded_block() as inner:
            evidence.question("a.test", "AAAA", "127.0.0.1:53", 0.0, "no answer")
        evidence.call("ecs", "CreateService", {}, 0.0)
        evidence.call("ecs", "DescribeServices", {}, 0.0)
    assert deciding_operation(inner) == "DNS AAAA"
    assert deciding_operation(outer) == "ecs:CreateService"
    assert deciding_operation(outer[:1]) == "GetNamespace"
    assert deciding_operation([]) == ""
    with recorded_block() as lazy:
        evidence.call("ec2", "CreateVpc", {}, 0.0)
        evidence.call("servicediscovery", "CreatePrivateDnsNamespace", {}, 0.0)
    assert deciding_operation(lazy) == "CreatePrivateDnsNamespace"
    assert deciding_operation(lazy[:1]) == "ec2:CreateVpc"
    evidence.call("ecs", "DescribeServices", {}, 0.0)
    assert operation_of(evidence.latest) == "ecs:DescribeServices"


def test_messages_of_errors_keep_their_reason() -> None:
    """A denial names caller, action and resource first, and at its end the policy that decided."""
    reason = "User: " + "a" * 600 + " because no service control policy allows the action"
    assert trim({"Message": reason, "Name": "x" * 600}) == {"Message": reason, "Name": f"{'x' * 300}… (600 characters)"}
    assert trim({"Operation": {"ErrorMessage": reason}}) == {"Operation": {"ErrorMessage": reason}}
    assert len(str(trim({"Message": "x" * 9_000}))) < 1_100
