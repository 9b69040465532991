"""`surveyor claims policy`: the least-privilege IAM policy of a run, derived from the calls of its suites."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from surveyor.report.test_results import TestResult
    from surveyor.targets import Target

__all__ = ["policy"]

_PLACEHOLDER_ACCOUNT = "000000000000"

_PROVIDED_ON_AWS = {
    "iam:CreateUser",
    "iam:DeleteRole",
    "iam:PutUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "iam:CreateGroup",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
    "iam:PutGroupPolicy",
    "iam:AttachGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:DetachUserPolicy",
    "iam:AttachRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:DeleteUserPolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:TagUser",
}
"""Operations that the suites call only where they create users and roles; on AWS, --role names an existing role."""


def policy(
    check: Annotated[
        bool,
        typer.Option("--check", help="Test the policy on the embedded target: complete, and without each action."),
    ] = False,
) -> None:
    """Print the IAM policy that a run of all claims on AWS needs; exit 1 if --check finds it too wide or too narrow."""
    from rich.console import Console

    from surveyor.account.permissions import format_policy, required_actions
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import CountingProgress
    from surveyor.conformance.dry_run import dry_run
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.options import TargetOptions
    from surveyor.targets.preflight import operations
    from surveyor_policies.dependent import DEPENDENT

    layout = find_layout()
    role = f"arn:aws:iam::{_PLACEHOLDER_ACCOUNT}:role/surveyor"
    target = load_target("aws", layout.targets, TargetOptions(account=_PLACEHOLDER_ACCOUNT, role=role))
    typer.echo("dry run on the embedded target, to record the calls", err=True)
    with CountingProgress(Console(stderr=True)) as progress:
        results = dry_run(target, Selection(), layout, progress)
    called = {operation for result in results for operation in result.calls if operation not in _PROVIDED_ON_AWS}
    actions = sorted(required_actions(called | operations(target.features or frozenset()), DEPENDENT))
    typer.echo(format_policy(actions))
    typer.echo(f"{len(actions)} actions; not used on AWS so far", err=True)
    if check:
        raise typer.Exit(_check(target, actions, results))


def _check(target: Target, actions: list[str], results: list[TestResult]) -> int:
    """Run claims with all actions and without each one; return the exit code."""
    from surveyor.conformance.least_privilege import permission_sandbox
    from surveyor.layout import find_layout
    from surveyor_policies.dependent import DEPENDENT

    layout = find_layout()
    claims = sorted({claim for result in results for claim in result.claims})
    unneeded: list[str] = []
    with (
        permission_sandbox(replace(target), layout) as sandbox,
        tempfile.TemporaryDirectory(prefix="surveyor-") as scratch,
    ):
        failures = sandbox.judge(actions, claims, Path(scratch) / "complete")
        outcome = "everything passes" if not failures else "fails: " + ", ".join(failures)
        typer.echo(f"with all actions: {outcome}", err=True)
        for number, action in enumerate(actions):
            users = [
                result
                for result in results
                if action in result.calls or any(action in DEPENDENT.get(operation, ()) for operation in result.calls)
            ]
            selected = sorted({claim for result in users for claim in result.claims})[:3] or claims[:1]
            others = [other for other in actions if other != action]
            failed = sandbox.judge(others, selected, Path(scratch) / str(number))
            typer.echo(f"without {action}: {failed[0][:100] if failed else 'nothing fails'}", err=True)
            unneeded += [] if failed else [action]
    if unneeded:
        typer.echo(f"not needed: {', '.join(unneeded)}", err=True)
    return 1 if failures or unneeded else 0
