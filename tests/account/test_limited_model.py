"""`surveyor model` by a role that lacks an action: the line names it, and nothing is called a difference of AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.account.conftest import ACCOUNT
from tests.account.limited import limited, policies_for, without
from tests.account.test_runs import surveyor

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount


@pytest.mark.soak
@pytest.mark.parametrize(
    "missing", ["ec2:CreateVpc", "servicediscovery:CreateService", "route53:ChangeResourceRecordSets"]
)
def test_a_missing_action_is_named(emulator: EmulatorAccount, tmp_path: Path, missing: str) -> None:
    """As that of a call of the search, or of what Cloud Map does behind one of its operations."""
    environment = limited(emulator, *without(policies_for("model"), missing))
    at = ("--target", "aws", "--account", ACCOUNT, "--endpoint", emulator.endpoint, "--dns", "control")
    done = surveyor(emulator, "model", *at, "--examples", "5", "--out", str(tmp_path), **environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "documented:" not in done.stdout
    assert missing in done.stderr.splitlines()[-1], done.stderr
