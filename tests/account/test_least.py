"""The policy that a run needs: from what was called to a document, and whether it is the least."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.account.permissions import actions_of, policy_of
from surveyor.conformance.least_privilege import bench_for
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.preflight import operations

CLAIM = "services.duplicate-name-is-refused"
CALLED = (
    "servicediscovery:CreateHttpNamespace", "servicediscovery:GetNamespace", "servicediscovery:GetOperation",
    "servicediscovery:CreateService", "servicediscovery:GetService",
)  # fmt: skip


def test_actions_are_those_called_and_what_they_need() -> None:
    """What an operation needs beside its own action is added, what nobody needs permission for is left out."""
    beside = {"servicediscovery:RegisterInstance": ("route53:GetHealthCheck",), "servicediscovery:X": ("a:B",)}
    called = ["servicediscovery:RegisterInstance", "sts:GetCallerIdentity"]
    assert actions_of(called, beside) == {"servicediscovery:RegisterInstance", "route53:GetHealthCheck"}


def test_policy_has_a_statement_for_each_service() -> None:
    """Actions are sorted and told once; the document is one that IAM takes."""
    document = json.loads(policy_of(["sts:AssumeRole", "ec2:B", "ec2:A", "ec2:A"]))
    assert document["Version"] == "2012-10-17"
    assert [(one["Sid"], one["Action"]) for one in document["Statement"]] == [
        ("Ec2", ["ec2:A", "ec2:B"]),
        ("Sts", ["sts:AssumeRole"]),
    ]


def test_preflight_names_its_operations() -> None:
    """They are named as the services name them, so that a policy can."""
    named = operations(frozenset({"route53", "ec2"}))
    assert {"servicediscovery:ListNamespaces", "route53:DeleteHealthCheck", "ec2:TerminateInstances"} <= named
    assert operations(frozenset()) < named


def test_printed_policy_lets_a_run_begin() -> None:
    """The one that is kept in docs/ has what set-up and clean-up need, and nothing of what owners do."""
    document = json.loads((find_layout().root / "docs" / "policy.json").read_text())
    actions = {action for one in document["Statement"] for action in one["Action"]}
    aws = load_target("aws", find_layout().targets, TargetOptions(account="111122223333"))
    assert actions_of(operations(aws.features or frozenset()), {}) <= actions
    assert not [one for one in actions if one.startswith("iam:") and not one.startswith("iam:Get")]


@pytest.mark.parametrize("missing", ["", "servicediscovery:CreateService", "servicediscovery:DeleteNamespace"])
def test_claims_pass_with_all_and_fail_without_any(tmp_path: Path, missing: str) -> None:
    """As a user with the policy a claim passes, and without an action of it, or of clean-up, it does not."""
    layout = find_layout()
    target = load_target("embedded", layout.targets)
    actions = sorted({*CALLED, *operations(target.features or frozenset())} - {missing})
    with bench_for(target, layout) as bench:
        wrong = bench.judge(actions, [CLAIM], tmp_path)
    assert bool(wrong) is bool(missing), wrong
    if missing == "servicediscovery:DeleteNamespace":
        assert "is denied in account" in wrong[0]
