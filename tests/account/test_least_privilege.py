"""The least-privilege policy of a run: from the calls to the document, and that nothing can be left out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.account.permissions import format_policy, required_actions
from surveyor.conformance.least_privilege import permission_sandbox
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.preflight import operations

CLAIM = "services.health-check.path-is-limited"
CALLED = (
    "servicediscovery:CreateHttpNamespace", "servicediscovery:GetNamespace", "servicediscovery:GetOperation",
    "servicediscovery:CreateService", "servicediscovery:GetService",
    "servicediscovery:TagResource",  # what a run creates has its tag
)  # fmt: skip


def test_actions_are_those_called_and_those_they_depend_on() -> None:
    """Actions that an operation depends on are added, operations that need no permission are left out."""
    dependent = {"servicediscovery:RegisterInstance": ("route53:GetHealthCheck",), "servicediscovery:X": ("a:B",)}
    called = ["servicediscovery:RegisterInstance", "sts:GetCallerIdentity"]
    assert required_actions(called, dependent) == {"servicediscovery:RegisterInstance", "route53:GetHealthCheck"}


def test_actions_have_the_prefixes_of_iam() -> None:
    """Botocore's name of a service may be another, and a request without an operation needs no action."""
    called = ["elbv2:CreateListener", "servicediscovery:POST /", "ecs:RunTask"]
    assert required_actions(called, {}) == {"elasticloadbalancing:CreateListener", "ecs:RunTask"}


def test_policy_has_a_statement_for_each_service() -> None:
    """Actions are sorted and unique, and the document is valid for IAM."""
    document = json.loads(format_policy(["sts:AssumeRole", "ec2:B", "ec2:A", "ec2:A"]))
    assert document["Version"] == "2012-10-17"
    assert [(statement["Sid"], statement["Action"]) for statement in document["Statement"]] == [
        ("Ec2", ["ec2:A", "ec2:B"]),
        ("Sts", ["sts:AssumeRole"]),
    ]


def test_preflight_names_its_operations() -> None:
    """Operations have the services' names, as policies need them."""
    names = operations(frozenset({"route53", "ec2"}))
    assert {"servicediscovery:ListNamespaces", "route53:DeleteHealthCheck", "ec2:TerminateInstances"} <= names
    assert operations(frozenset()) < names


def test_printed_policy_lets_a_run_begin() -> None:
    """The policy in docs/ allows set-up and clean-up, and no change in IAM."""
    document = json.loads((find_layout().root / "docs" / "policy.json").read_text())
    actions = {action for statement in document["Statement"] for action in statement["Action"]}
    aws = load_target("aws", find_layout().targets, TargetOptions(account="111122223333"))
    assert required_actions(operations(aws.features or frozenset()), {}) <= actions
    assert not [action for action in actions if action.startswith("iam:") and not action.startswith("iam:Get")]


@pytest.mark.soak
@pytest.mark.parametrize("missing", ["", "servicediscovery:TagResource", "servicediscovery:DeleteNamespace"])
def test_claims_pass_with_all_actions_and_fail_without_any_of_them(tmp_path: Path, missing: str) -> None:
    """A claim passes for a user with the policy, and fails without one action of the claim or of clean-up."""
    layout = find_layout()
    target = load_target("embedded", layout.targets)
    actions = sorted({*CALLED, *operations(target.features or frozenset())} - {missing})
    with permission_sandbox(target, layout) as sandbox:
        problems = sandbox.judge(actions, [CLAIM], tmp_path)
    assert bool(problems) is bool(missing), problems
    if missing == "servicediscovery:DeleteNamespace":
        assert "is denied in account" in problems[0]
