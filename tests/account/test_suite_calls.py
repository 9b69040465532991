"""What suites call is what the policy of `conform` allows, and what a run deletes again."""

from __future__ import annotations

import re
from functools import cache

import pytest
from botocore import xform_name

from surveyor.account.needed_calls import CONSUMER, needed_operations
from surveyor.account.resources import CREATES
from surveyor.claims import load_claims
from surveyor.layout import find_layout
from tests.account.suite_calls import SuiteTest, known_calls, suite_tests
from tests.option_table import possible_features

LAYOUT = find_layout()
NOT_NEEDED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that need no permission."""

DENIED = frozenset({"ram:AcceptResourceShareInvitation"})
"""Calls that the policy denies on purpose: the owner answers an invitation of the other account, and is refused."""

BY_URL = frozenset({"s3:GetObject", "s3:PutObject"})
"""Calls that are made by presigned URLs."""

OF_SHARES = frozenset({"ram:AssociateResourceShare", "ram:DisassociateResourceShare"})
"""Calls of a fault that only experiments of one's own with a second account have."""

INSIDE = frozenset({"dns", "health", "ecs-processes"})


@cache
def judged() -> tuple[tuple[SuiteTest, frozenset[str]], ...]:
    """Return the tests that an account may judge, each with the features of its claims."""
    claims = load_claims(LAYOUT.claims).by_id
    fixtures = LAYOUT.root / "src" / "surveyor" / "fixtures"
    found = []
    # The role of an account is named with --role; elsewhere this fixture creates one.
    for test in suite_tests(LAYOUT.suites, fixtures, leave_out=["assumable_role"]):
        features = frozenset(feature for claim in test.claims for feature in claims[claim].features)
        if features <= possible_features():
            found.append((test, features))
    return tuple(found)


def allowed(features: frozenset[str], *, consumer: bool) -> frozenset[str]:
    """Return the operations that policies allow a run with these features, in one of its accounts."""
    if consumer:
        return needed_operations(CONSUMER) | NOT_NEEDED
    more = [name for name, needed in (("from-vpc", INSIDE), ("sharing", {"accounts"})) if features & needed]
    return needed_operations("conform", (*features, *more)) | NOT_NEEDED | DENIED


def test_the_policy_allows_what_suites_call() -> None:
    """Each operation that a test may call is needed by `conform`, or by its second account, with its features."""
    missing: dict[str, str] = {}
    for test, features in judged():
        for call, where in test.calls.items():
            if allowed(features, consumer=call.by_consumer).isdisjoint(call.operations):
                missing.setdefault(str(call), f"{test.nodeid}, {where}, {sorted(features)}")
    assert len(judged()) > 500
    assert missing == {}


def test_what_suites_create_is_in_the_ledger() -> None:
    """Each operation that creates something is one that ledgers know, so that a run deletes it, or finds it again."""
    creating = ("Create", "Run", "PutRule", "PutMetricAlarm", "Register", "Allocate", "StartTask")
    unknown: dict[str, str] = {}
    for test, _ in judged():
        for call, where in test.calls.items():
            if all(
                name.partition(":")[2].startswith(creating) for name in call.operations
            ) and CREATES.keys().isdisjoint(call.operations):
                unknown.setdefault(str(call), f"{test.nodeid}, {where}")
    assert unknown == {}


def test_the_policy_has_no_call_that_nothing_makes() -> None:
    """Each operation of `conform` is called by a test, or by its name in the harness: its fixtures and its clean-up."""
    called = {name for test, _ in judged() for call in test.calls for name in call.operations}
    harness = "\n".join(path.read_text("utf-8") for path in sorted((LAYOUT.root / "src" / "surveyor").rglob("*.py")))
    features = ("from-vpc", "iam", "sharing", "service-roles", "ecs-processes", "resolver", "private-ca")
    unused = [
        name
        for name in sorted(needed_operations("conform", features) - called)
        if name not in BY_URL and not re.search(rf"\b{xform_name(name.partition(':')[2])}\b", harness)
    ]
    assert unused == []


@pytest.mark.parametrize("command", ["chaos", "load"])
def test_faults_and_their_undoing_call_what_the_policy_allows(command: str) -> None:
    """Of an experiment or a scenario with a separate service, which has fewer permissions than one of the user's."""
    chaos = LAYOUT.root / "src" / "surveyor" / "chaos"
    called = {
        name for path in (chaos / "restorations.py", *(chaos / "faults").glob("*.py")) for name, _ in known_calls(path)
    }
    assert "servicediscovery:GetInstance" in called
    assert called - needed_operations(command) - OF_SHARES == set()


@pytest.mark.parametrize(
    ("command", "folder"),
    [("audit", "audit"), ("gate", "gate"), ("watch", "watch"), ("advise", "advice"), ("chaos", "chaos"),
     ("load", "load"), ("in-vpc", "in_vpc"), ("model", "model_testing")],
)  # fmt: skip
def test_commands_call_what_their_policies_allow(command: str, folder: str) -> None:
    """Each call in the modules of a command, of which the source names service and operation, is in its policy."""
    features = ("ecs-processes", "deploy", "watch")
    allowed = needed_operations(command, features)
    if command == "chaos":  # with a service of the user's it reads more, and creates nothing
        allowed |= needed_operations(command, features, service=True)
    missing = {
        name: f"{path.name}:{line}"
        for path in sorted((LAYOUT.root / "src" / "surveyor" / folder).rglob("*.py"))
        for name, line in known_calls(path)
        if name not in allowed | NOT_NEEDED and name not in OF_SHARES
    }
    assert missing == {}
