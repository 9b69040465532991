"""`surveyor claims policy`: the least that the harness must be allowed in an account, from what its suites call."""

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

_NOWHERE = "000000000000"


def policy(
    check: Annotated[
        bool, typer.Option("--check", help="Try it on the embedded target: whole, and without each action in turn.")
    ] = False,
) -> None:
    """Prints the IAM policy that a run of all claims on AWS needs; exit 1 if --check finds it wrong."""
    from rich.console import Console

    from surveyor.account.permissions import actions_of, policy_of
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import Counting
    from surveyor.conformance.dry_run import rehearse
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.options import TargetOptions
    from surveyor.targets.preflight import operations
    from surveyor_policies.dependent import DEPENDENT

    layout = find_layout()
    target = load_target(
        "aws", layout.targets, TargetOptions(account=_NOWHERE, role="arn:aws:iam::000000000000:role/surveyor")
    )
    typer.echo("rehearsing on the embedded target, to see what is called", err=True)
    with Counting(Console(stderr=True)) as progress:
        results = rehearse(target, Selection(), layout, progress)
    called = {operation for result in results for operation in result.calls if operation not in _MADE_BY_OWNERS}
    actions = sorted(actions_of(called | operations(target.features or frozenset()), DEPENDENT))
    typer.echo(policy_of(actions))
    typer.echo(f"{len(actions)} actions; nobody has run with it on AWS yet", err=True)
    if check:
        raise typer.Exit(_check(target, actions, results))


_MADE_BY_OWNERS = {"iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey", "iam:CreateRole", "iam:PutRolePolicy"}
"""What the suites call only where they make the role themselves, which on AWS they are given."""


def _check(target: Target, actions: list[str], results: list[TestResult]) -> int:
    from surveyor.conformance.least_privilege import bench_for
    from surveyor.layout import find_layout
    from surveyor_policies.dependent import DEPENDENT

    layout = find_layout()
    claims = sorted({claim for result in results for claim in result.claims})
    spare: list[str] = []
    with bench_for(replace(target), layout) as bench, tempfile.TemporaryDirectory(prefix="surveyor-") as scratch:
        wrong = bench.judge(actions, claims, Path(scratch) / "whole")
        typer.echo(f"with all: {'everything passes' if not wrong else 'fails: ' + ', '.join(wrong)}", err=True)
        for number, action in enumerate(actions):
            users = [one for one in results if action in one.calls or any(
                action in DEPENDENT.get(operation, ()) for operation in one.calls)]  # fmt: skip
            chosen = sorted({claim for one in users for claim in one.claims})[:3] or claims[:1]
            without = [one for one in actions if one != action]
            failed = bench.judge(without, chosen, Path(scratch) / str(number))
            typer.echo(f"without {action}: {failed[0][:100] if failed else 'nothing fails'}", err=True)
            spare += [] if failed else [action]
    if spare:
        typer.echo(f"not needed: {', '.join(spare)}", err=True)
    return 1 if wrong or spare else 0
