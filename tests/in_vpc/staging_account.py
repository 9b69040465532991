"""The profile `staging` as an account, with a role for tasks that has the printed policies and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from surveyor.targets import load_target
from surveyor.targets.process import start
from tests.account.conftest import ACCOUNT, TARGETS, EmulatorAccount

__all__ = ["in_vpc_words", "inventory", "make_task_role", "run_surveyor", "staging"]

ROLE = "surveyor-inside"


@contextmanager
def staging(scale: float) -> Iterator[EmulatorAccount]:
    """Run the embedded target as an account in use, with `scale` service seconds in a wall second, and be its owner."""
    command = load_target("staging", TARGETS).start
    assert command is not None
    argv = [
        str(scale) if before == "--scale" else word
        for before, word in zip(("", *command.argv), command.argv, strict=False)
    ]
    started = start("staging", replace(command, argv=tuple(argv)), seed=7)
    account = EmulatorAccount(started.endpoint, started.token)
    try:
        with mock.patch.dict(os.environ, account.environment):
            yield account
    finally:
        started.stop()


def make_task_role(account: EmulatorAccount, runs: Sequence[str] = ("chaos", "load")) -> str:
    """Create the role as the documents say, and return its ARN."""
    clients = account.clients()
    iam = clients.client("iam", ACCOUNT)
    clients.client("ec2", ACCOUNT).describe_vpcs()  # the default VPC exists from the first call on
    with tempfile.TemporaryDirectory() as name:
        words = ["--account", ACCOUNT, "--region", "us-east-1", "--out", name]
        run_surveyor(account, "policy", "in-vpc", *words, *(word for run in runs for word in ("--runs", run)))
        folder = Path(name)
        trust = (folder / "in-vpc-trust.json").read_text("utf-8")
        arn = str(iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
        for path in folder.glob("in-vpc-task*.json"):
            made = iam.create_policy(PolicyName=path.stem, PolicyDocument=path.read_text("utf-8"))
            iam.attach_role_policy(RoleName=ROLE, PolicyArn=made["Policy"]["Arn"])
    return arn


def in_vpc_words(account: EmulatorAccount, role: str, out: Path, *options: str) -> list[str]:
    """Return the words of `surveyor in-vpc` before the command."""
    where = ["--account", ACCOUNT, "--endpoint", account.endpoint, "--dns", "control"]
    return ["in-vpc", *where, "--task-role", role, "--out", str(out), *options, "--"]


def run_surveyor(account: EmulatorAccount, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the credentials of the account."""
    return subprocess.run(
        [sys.executable, "-m", "surveyor", *words], env=os.environ | account.environment, capture_output=True,
        text=True, check=False, timeout=900,
    )  # fmt: skip


def inventory(account: EmulatorAccount) -> set[tuple[str, str]]:
    """Return everything that exists in the account, whatever the API says."""
    request = urllib.request.Request(
        f"{account.endpoint}/_surveyor/inventory?account={ACCOUNT}",
        headers={"Authorization": f"Bearer {account.token}"},
    )
    with urllib.request.urlopen(request) as answer:
        return {(entry["kind"], entry["id"]) for entry in json.load(answer)["resources"]}
