"""Denials in a report."""

from __future__ import annotations

import json

import pytest

from surveyor.evidence import EvidenceEntry
from surveyor.explain.denials import DenialMessage, find_denials, parse_message
from surveyor.explain.text import format_denial
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport, TestReport
from surveyor.verdicts import Verdict
from surveyor_policies.model import PolicyKind

CALLER = "arn:aws:sts::111122223333:assumed-role/surveyor-suites/one"
ACTION = "servicediscovery:RegisterInstance"
SERVICE = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-a"
MESSAGE = f"User: {CALLER} is not authorized to perform: {ACTION} on resource: {SERVICE}"


def reported(*evidence: EvidenceEntry) -> ConformanceReport:
    """Return a report of one claim with this evidence."""
    test = TestReport("suites/iam/test_x.py::test_it", Verdict.PASS, "", "", evidence)
    claim = ClaimReport("iam.one", "iam", "It is so.", Verdict.PASS, True, "", "", "", (test,), None, None)
    target = TargetReport("embedded", "0", "started", (), {})
    return ConformanceReport(target, "0", 0, (), (), "", "", 0.0, 0.0, (claim,))


def refused(message: str, code: str = "AccessDeniedException") -> EvidenceEntry:
    """Return the evidence of a refused call."""
    return {"service": "servicediscovery", "operation": "RegisterInstance", "error": {"Code": code, "Message": message}}


def assumed(*statements: dict[str, object]) -> EvidenceEntry:
    """Return the evidence of AssumeRole with a session policy."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return {"service": "sts", "operation": "AssumeRole", "params": {"Policy": policy}, "response": {}}


def explain_all(*evidence: EvidenceEntry) -> str:
    """Return the explanations of all denials in this evidence."""
    return "\n".join(line for denial in find_denials(reported(*evidence)) for line in format_denial(denial))


@pytest.mark.parametrize(
    ("message", "decision"),
    [
        (f"{MESSAGE} because no session policy allows the {ACTION} action", ("session", False)),
        (f"{MESSAGE} with an explicit deny in a permissions boundary", ("boundary", True)),
        (f"{MESSAGE} with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p", ("identity", True)),
        (MESSAGE, (None, False)),
        (MESSAGE.replace(SERVICE, f'"{SERVICE}" because no resource-based policy allows it'), ("resource", False)),
    ],
)
def test_message_is_parsed(message: str, decision: tuple[PolicyKind | None, bool]) -> None:
    """A message has caller, action and resource, and mostly the kind of policy that decided and whether it denied."""
    assert parse_message(message) == DenialMessage(CALLER, ACTION, SERVICE, *decision)


@pytest.mark.parametrize(
    "message", ["Access Denied", "", "User is not authorized", "healthcheck/1 can only be managed"]
)
def test_message_of_unknown_form_is_not_parsed(message: str) -> None:
    """A message in none of AWS's forms is not parsed."""
    assert parse_message(message) is None


def test_message_without_a_resource_concerns_all() -> None:
    """If an action has no resource type, the resource is `*`."""
    assert parse_message(MESSAGE.partition(" on resource")[0]) == DenialMessage(CALLER, ACTION, "*", None, False)


def test_missing_statement_follows_from_the_answer() -> None:
    """Without a policy in the report, the kind of policy and the smallest statement are shown."""
    text = explain_all(refused(f"{MESSAGE} because no identity-based policy allows the {ACTION} action"))
    assert "missing in an identity-based policy of the caller" in text
    assert f'"Resource": "{SERVICE}"' in text


def test_session_policy_in_the_report_is_evaluated() -> None:
    """The statements that nearly match are shown, and a condition that cannot be checked is marked as unknown."""
    text = explain_all(
        assumed(
            {"Sid": "Other", "Effect": "Allow", "Action": ACTION, "Resource": SERVICE[:-1] + "b"},
            {
                "Effect": "Allow",
                "Action": ACTION,
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            },
        ),
        refused(f"{MESSAGE} because no session policy allows the {ACTION} action"),
    )
    assert "missing in the session policy" in text
    assert "statement 1 (Other): its Resource" in text
    assert "statement 2: it allows if Bool aws:SecureTransport" in text
    assert "the value in the request is unknown" in text


def test_deny_of_the_session_policy_is_shown() -> None:
    """The statement that decided is shown with its text."""
    text = explain_all(
        assumed(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "No", "Effect": "Deny", "Action": ACTION, "Resource": "*"},
        ),
        refused(f"{MESSAGE} with an explicit deny in a session policy"),
    )
    assert "decided by the session policy, line 1, statement 2 (No)" in text
    assert '"Effect": "Deny"' in text


def test_conditional_deny_is_shown_as_possible() -> None:
    """The context of a request is not in a report, so a conditional deny may have decided."""
    condition = {"StringEquals": {"servicediscovery:NamespaceName": "corp"}}
    text = explain_all(
        assumed(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "servicediscovery:*", "Resource": "*", "Condition": condition},
        ),
        refused(f"{MESSAGE} with an explicit deny in a session policy"),
    )
    assert "as far as the report shows" in text
    assert "statement 2: it denies if StringEquals servicediscovery:NamespaceName" in text


def test_operation_that_failed_with_a_denial_is_explained() -> None:
    """ACCESS_DENIED in an asynchronous operation is explained like a refused call."""
    operation = {"Status": "FAIL", "ErrorCode": "ACCESS_DENIED", "ErrorMessage": f"{MESSAGE} because no session policy"}
    entry: EvidenceEntry = {
        "service": "servicediscovery",
        "operation": "GetOperation",
        "response": {"Operation": operation},
    }
    assert "servicediscovery:GetOperation was refused" in explain_all(entry)


def test_incomplete_policy_is_not_evaluated() -> None:
    """A policy that the report has cut short is ignored, and the answer is explained without it."""
    cut = assumed()
    cut["params"] = {"Policy": '{"Version": "2012-10-17", "State… (900 characters)'}
    assert "missing in the session policy" in explain_all(
        cut, refused(f"{MESSAGE} because no session policy allows it")
    )


@pytest.mark.parametrize("code", ["InvalidInput", "ResourceInUse"])
def test_other_errors_are_not_denials(code: str) -> None:
    """Only refusals because of missing permissions are explained."""
    assert explain_all(refused(MESSAGE, code)) == ""


def test_repeated_denial_is_explained_once() -> None:
    """A call that is refused repeatedly in a test is explained once."""
    entry = refused(MESSAGE)
    assert len(list(find_denials(reported(entry, entry)))) == 1
