"""Denials as a report has them."""

from __future__ import annotations

import json

import pytest

from surveyor.evidence import Entry
from surveyor.explain.denials import Said, denials, read_message
from surveyor.explain.text import tell_denial
from surveyor.report import ClaimReport, ConformanceReport, TargetReport, TestReport
from surveyor.verdicts import Verdict
from surveyor_policies.model import PolicyKind

CALLER = "arn:aws:sts::111122223333:assumed-role/surveyor-suites/one"
ACTION = "servicediscovery:RegisterInstance"
SERVICE = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-a"
LACKS = f"User: {CALLER} is not authorized to perform: {ACTION} on resource: {SERVICE}"


def reported(*evidence: Entry) -> ConformanceReport:
    """A report of one claim with this evidence."""
    test = TestReport("suites/iam/test_x.py::test_it", Verdict.PASS, "", "", evidence)
    claim = ClaimReport("iam.one", "iam", "It is so.", Verdict.PASS, True, "", "", "", (test,), None, None)
    target = TargetReport("embedded", "0", "started", (), {})
    return ConformanceReport(target, "0", 0, (), (), "", "", 0.0, 0.0, (claim,))


def refused(message: str, code: str = "AccessDeniedException") -> Entry:
    """A call that was refused."""
    return {"service": "servicediscovery", "operation": "RegisterInstance", "error": {"Code": code, "Message": message}}


def assumed(*statements: dict[str, object]) -> Entry:
    """A role assumed with a session policy."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return {"service": "sts", "operation": "AssumeRole", "params": {"Policy": policy}, "response": {}}


def told(*evidence: Entry) -> str:
    """What is said of all denials in this evidence."""
    return "\n".join(line for denial in denials(reported(*evidence)) for line in tell_denial(denial))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f"{LACKS} because no session policy allows the {ACTION} action", ("session", False)),
        (f"{LACKS} with an explicit deny in a permissions boundary", ("boundary", True)),
        (f"{LACKS} with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p", ("identity", True)),
        (LACKS, (None, False)),
        (LACKS.replace(SERVICE, f'"{SERVICE}" because no resource-based policy allows it'), ("resource", False)),
    ],
)
def test_a_message_tells_who_lacks_what(message: str, said: tuple[PolicyKind | None, bool]) -> None:
    """Caller, action and resource, and mostly the kind of policy that decided, and whether it denied."""
    assert read_message(message) == Said(CALLER, ACTION, SERVICE, *said)


@pytest.mark.parametrize(
    "message", ["Access Denied", "", "User is not authorized", "healthcheck/1 can only be managed"]
)
def test_a_message_in_no_known_form_tells_nothing(message: str) -> None:
    """What is in none of AWS's forms is left alone."""
    assert read_message(message) is None


def test_a_message_without_a_resource_is_about_all() -> None:
    """Where an action has no resource type, the smallest statement is about every resource."""
    assert read_message(LACKS.partition(" on resource")[0]) == Said(CALLER, ACTION, "*", None, False)


def test_what_is_missing_is_told_by_the_answer_alone() -> None:
    """Without a policy in the report the kind that lacks it and the smallest statement are what can be said."""
    text = told(refused(f"{LACKS} because no identity-based policy allows the {ACTION} action"))
    assert "missing in an identity-based policy of the caller" in text
    assert f'"Resource": "{SERVICE}"' in text


def test_a_session_policy_in_the_report_is_asked() -> None:
    """The statements that come close are named, and a condition that nobody can check is told as such."""
    text = told(
        assumed(
            {"Sid": "Other", "Effect": "Allow", "Action": ACTION, "Resource": SERVICE[:-1] + "b"},
            {
                "Effect": "Allow",
                "Action": ACTION,
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            },
        ),
        refused(f"{LACKS} because no session policy allows the {ACTION} action"),
    )
    assert "missing in the session policy" in text
    assert "statement 1 (Other): its Resource" in text
    assert "statement 2: it allows if Bool aws:SecureTransport" in text
    assert "is not told" in text


def test_a_deny_of_the_session_policy_is_shown() -> None:
    """The statement that decided is told with its text."""
    text = told(
        assumed(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "No", "Effect": "Deny", "Action": ACTION, "Resource": "*"},
        ),
        refused(f"{LACKS} with an explicit deny in a session policy"),
    )
    assert "decided by the session policy, line 1, statement 2 (No)" in text
    assert '"Effect": "Deny"' in text


def test_a_deny_on_a_condition_is_told_as_possible() -> None:
    """What the request carried is not in a report, so a conditional deny may have decided."""
    condition = {"StringEquals": {"servicediscovery:NamespaceName": "corp"}}
    text = told(
        assumed(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "servicediscovery:*", "Resource": "*", "Condition": condition},
        ),
        refused(f"{LACKS} with an explicit deny in a session policy"),
    )
    assert "as far as the report tells" in text
    assert "statement 2: it denies if StringEquals servicediscovery:NamespaceName" in text


def test_an_operation_that_failed_for_a_denial_is_one() -> None:
    """ACCESS_DENIED in an asynchronous operation is explained like an answer."""
    operation = {"Status": "FAIL", "ErrorCode": "ACCESS_DENIED", "ErrorMessage": f"{LACKS} because no session policy"}
    entry: Entry = {"service": "servicediscovery", "operation": "GetOperation", "response": {"Operation": operation}}
    assert "servicediscovery:GetOperation was refused" in told(entry)


def test_a_policy_that_the_report_cut_is_not_asked() -> None:
    """Half a policy is none: what the answer says is told without it."""
    cut = assumed()
    cut["params"] = {"Policy": '{"Version": "2012-10-17", "State… (900 characters)'}
    assert "missing in the session policy" in told(cut, refused(f"{LACKS} because no session policy allows it"))


@pytest.mark.parametrize("code", ["InvalidInput", "ResourceInUse"])
def test_other_errors_are_no_denials(code: str) -> None:
    """Only refusals for lack of permission are explained."""
    assert told(refused(LACKS, code)) == ""


def test_the_same_denial_is_told_once_a_test() -> None:
    """A call that is refused again and again is one thing to explain."""
    entry = refused(LACKS)
    assert len(list(denials(reported(entry, entry)))) == 1
