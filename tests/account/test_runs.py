"""Whole runs in an account that outlives them, by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from surveyor.report import load_report
from tests.account.conftest import ACCOUNT
from tests.account.kills import standing

if TYPE_CHECKING:
    from tests.account.conftest import Place

CLAIMS = ("--claim", "dns.srv.value", "--claim", "namespaces.delete-needs-no-services")


def surveyor(place: Place, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [sys.executable, "-m", "surveyor", *arguments]
    env = os.environ | place.environment | environment
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def at(place: Place, out: Path, account: str = ACCOUNT) -> tuple[str, ...]:
    """The options that lead there."""
    return ("conform", "--target", "aws", "--account", account, "--endpoint", place.endpoint, "--dns", "control",
            "--out", str(out))  # fmt: skip


def test_run_judges_and_leaves_the_account_as_it_was(place: Place, tmp_path: Path) -> None:
    """Verdicts as anywhere else; names carry the run; nothing stands afterwards; the account's number is not told."""
    before = standing(place.clients())
    done = surveyor(place, *at(place, tmp_path), *CLAIMS, "--workers", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    report = load_report(tmp_path / "report.json")
    assert {claim.verdict.value for claim in report.claims} == {"pass"}
    assert standing(place.clients()) == before
    text = (tmp_path / "report.json").read_text()
    assert "surveyor-" in text
    assert ACCOUNT not in text
    assert surveyor(place, "sweep", str(tmp_path)).stdout == "nothing is left behind\n"


def test_wrong_account_creates_nothing(place: Place, tmp_path: Path) -> None:
    """One line that names both accounts, exit 3, and no ledger."""
    before = standing(place.clients())
    done = surveyor(place, *at(place, tmp_path, "111111111111"), *CLAIMS)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "111111111111" in done.stderr
    assert ACCOUNT in done.stderr
    assert standing(place.clients()) == before
    assert not list(tmp_path.glob("ledger-*"))


def test_spent_budget_ends_in_inconclusive(place: Place, tmp_path: Path) -> None:
    """What does not fit into the budget is not judged, and what was made goes away all the same."""
    before = standing(place.clients())
    done = surveyor(place, *at(place, tmp_path), *CLAIMS, "--budget", "resources=4")
    assert done.returncode == 1
    assert "the budget of 4 resources is spent" in done.stdout
    assert standing(place.clients()) == before


def test_plan_sends_nothing(place: Place, tmp_path: Path) -> None:
    """Calls, resources, minutes and dollars are told beside the budget; not even credentials are looked for."""
    done = surveyor(place, *at(place, tmp_path), *CLAIMS, "--plan", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines() if "\t" in line}
    assert set(rows) == {"calls", "resources", "minutes", "dollars"}
    assert int(rows["calls"][1].replace(",", "")) > 50
    assert "instances" in rows["resources"][3]
    over = surveyor(place, *at(place, tmp_path), *CLAIMS, "--plan", "--budget", "calls=10")
    assert over.returncode == 2
    assert "this goes beyond the budget; --budget calls=" in over.stderr
    assert not list(tmp_path.iterdir())


def test_folder_of_a_run_that_left_something_is_not_used_again(place: Place, tmp_path: Path) -> None:
    """Its ledger would be lost: exit 2, and what to do."""
    (tmp_path / "ledger-gw0.jsonl").write_text(
        '{"event": "run", "format": 1, "run": "r", "target": "aws", "account": "1", "region": "us-east-1", '
        '"endpoint": null, "dns": null, "host": "h", "process": 1}\n'
        '{"event": "intent", "number": 1, "operation": "ec2:CreateVpc", "region": "us-east-1", "asked": {}}\n'
    )
    done = surveyor(place, *at(place, tmp_path), *CLAIMS)
    assert done.returncode == 2, done.stderr
    assert "left 1 thing behind: take them away with `surveyor sweep" in done.stderr
