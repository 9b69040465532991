"""Whole runs in an account that outlives them, by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.claims.selection import Selection
from surveyor.cli._support.run_ending import print_use
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import run_suites
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.file import load_report
from surveyor.targets.model import Dns
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import reach_target
from tests.account.conftest import ACCOUNT
from tests.account.kills import list_resources

pytestmark = pytest.mark.soak  # each test starts a program

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount

CLAIMS = ("--claim", "services.create-is-synchronous", "--claim", "namespaces.private.creates-zone-in-one-vpc")


def surveyor(emulator: EmulatorAccount, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `surveyor` and wait for its end."""
    command = [sys.executable, "-m", "surveyor", *arguments]
    env = os.environ | emulator.environment | environment
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def conform(emulator: EmulatorAccount, out: Path, account: str = ACCOUNT) -> tuple[str, ...]:
    """Return the arguments of `surveyor conform` against this emulator."""
    return ("conform", "--target", "aws", "--account", account, "--endpoint", emulator.endpoint, "--dns", "control",
            "--out", str(out))  # fmt: skip


@pytest.mark.soak
def test_run_judges_and_leaves_the_account_as_it_was(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """A run passes, its resources carry its name and are deleted, and the report hides the account id."""
    before = list_resources(emulator.clients())
    done = surveyor(emulator, *conform(emulator, tmp_path), *CLAIMS, "--workers", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    report = load_report(tmp_path / "report.json")
    assert {claim.verdict.value for claim in report.claims} == {"pass"}
    assert list_resources(emulator.clients()) == before
    text = (tmp_path / "report.json").read_text()
    assert "surveyor-" in text
    assert ACCOUNT not in text
    assert surveyor(emulator, "sweep", str(tmp_path)).stdout == "nothing is left behind\n"


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_counts_the_calls_of_its_end(
    emulator: EmulatorAccount, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    """What it used has the last deletions, and the search for what is in no ledger, beside the calls of tests."""
    collector, target = Collector(), emulator.target()
    options = TargetOptions(account=ACCOUNT, endpoint=emulator.endpoint, dns="control")
    selection = Selection(claims=("services.create-is-synchronous",))
    config = RunConfig(find_layout(), "aws", tmp_path, selection, workers, target_options=options)
    report = run_suites(config, collector)
    in_tests = sum(sum(facts.calls.values()) for facts in collector.facts)
    assert collector.closing["servicediscovery:DeleteNamespace"] > 0  # shared by the tests
    assert (collector.closing["ecs:ListClusters"], collector.closing["iam:ListRoles"]) == (1, 0)
    print_use(collector, target, report)
    assert capsys.readouterr().out.startswith(f"used: {in_tests + collector.closing.total()} calls, ")


@pytest.mark.soak
def test_wrong_account_creates_nothing(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """One line names both accounts, the exit code is 3, and no ledger is written."""
    before = list_resources(emulator.clients())
    done = surveyor(emulator, *conform(emulator, tmp_path, "111111111111"), *CLAIMS)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "111111111111" in done.stderr
    assert ACCOUNT in done.stderr
    assert list_resources(emulator.clients()) == before
    assert not list(tmp_path.glob("ledger-*"))


@pytest.mark.soak
def test_spent_budget_ends_in_inconclusive(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """Claims beyond the budget are not judged, and created resources are deleted as usual."""
    before = list_resources(emulator.clients())
    done = surveyor(emulator, *conform(emulator, tmp_path), *CLAIMS, "--budget", "resources=4")
    assert done.returncode in (1, 5)  # 5: none of the two claims was judged
    assert "the budget of 4 resources is spent" in done.stdout
    assert list_resources(emulator.clients()) == before


@pytest.mark.soak
def test_plan_sends_nothing(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """`--plan` prints calls, resources, minutes and dollars beside the budget, and needs no credentials."""
    names = ["calls", "resources", "minutes", "dollars", "about", "at most", "", "at a time"]
    done = surveyor(
        emulator, *conform(emulator, tmp_path), *CLAIMS, "--plan", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines() if "\t" in line}
    assert list(rows) == names
    assert int(rows["calls"][1].replace(",", "")) > 20
    assert "namespaces" in rows["resources"][3]
    assert float(rows["at most"][1]) >= 0.5
    over = surveyor(emulator, *conform(emulator, tmp_path), *CLAIMS, "--plan", "--budget", "calls=10")
    assert over.returncode == 2
    assert "the run exceeds its budget; --budget calls=" in over.stderr
    assert not list(tmp_path.iterdir())


def test_folder_of_a_run_that_left_something_is_not_used_again(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """An --out folder with a ledger of existing resources is refused (exit 2): the ledger would be lost."""
    (tmp_path / "ledger-gw0.jsonl").write_text(
        '{"event": "run", "format": 1, "run": "r", "target": "aws", "account": "1", "region": "us-east-1", '
        '"endpoint": null, "dns": null, "host": "h", "process": 1}\n'
        '{"event": "intent", "number": 1, "operation": "ec2:CreateVpc", "region": "us-east-1", "asked": {}}\n'
    )
    done = surveyor(emulator, *conform(emulator, tmp_path), *CLAIMS)
    assert done.returncode == 2, done.stderr
    assert "left 1 resource behind: delete them with `surveyor sweep" in done.stderr


def test_the_clock_of_an_emulator_is_used_without_its_names(emulator: EmulatorAccount) -> None:
    """Without --dns no name is asked for, and time is that of the emulator, which is faster than this machine's."""
    with reach_target(emulator.target(dns=None), 7) as running:
        assert running.control is not None
        before = running.control.now()
        running.clock.wait(4)  # 0.2 s of this machine
        assert running.clock.now() >= before + 4
        assert running.target.dns == Dns()
