"""Recordings that are repeated in an account: what it denies, and what is over too soon, contradicts none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing
from tests.account.limited import limited, policies_for, without
from tests.account.test_runs import surveyor

if TYPE_CHECKING:
    from subprocess import CompletedProcess

pytestmark = pytest.mark.soak


def check(emulator: EmulatorAccount, out: Path, recording: str, **environment: str) -> CompletedProcess[str]:
    """Repeat a recording."""
    at = ("--target", "aws", "--account", ACCOUNT, "--endpoint", emulator.endpoint, "--dns", "control")
    words = ("recordings", "check", "--recording", recording, "--out", str(out))
    return surveyor(emulator, *words, *at, **environment)


@pytest.mark.parametrize(
    ("missing", "recording", "said"),
    [
        ("route53:ListHostedZonesByVPC", "r53-zones-by-vpc", "the run may not call route53:ListHostedZonesByVPC ("),
        ("ssm:GetParameters", "cm-instance-replace", "created: ssm:GetParameters is not permitted: allow it ("),
    ],
)
def test_an_action_that_is_missing_is_named(
    emulator: EmulatorAccount, tmp_path: Path, missing: str, recording: str, said: str
) -> None:
    """With its service, as policies have it: that of the request, and one that its situation needs."""
    less = without(policies_for("recordings"), missing)
    done = check(emulator, tmp_path / "out", recording, **limited(emulator, *less))
    assert done.returncode == 5, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith(f"{recording}\t")]
    assert said in line


def test_an_operation_that_is_over_refuses_nothing(tmp_path: Path) -> None:
    """As on a slow machine: what is refused while an operation is in progress is accepted after it."""
    with flowing(20_000) as fast:
        done = check(fast, tmp_path / "out", "cm-register-while-deregistering")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "the operation of DeregisterInstance was over when the request was to be refused" in done.stdout
