"""The known failures of an account, accepted by its user after the first run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from surveyor.report.file import load_report
from tests.account.conftest import EmulatorAccount, flowing
from tests.account.test_runs import conform, surveyor


@pytest.mark.soak
def test_what_a_first_run_saw_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how; the list is written below the current folder without another run, and a second run exits with 0."""
    monkeypatch.chdir(tmp_path)

    def run(emulator: EmulatorAccount, name: str) -> subprocess.CompletedProcess[str]:
        claims = ("--claim", "errors.fifty-tags-a-resource", "--workers", "1")
        return surveyor(emulator, *conform(emulator, tmp_path / name), *claims)

    with flowing(scale=60, **{"quotas.tags": "60"}) as emulator:
        first = run(emulator, "first")
        report = load_report(tmp_path / "first/report.json")
        assert first.returncode == 1, first.stdout + first.stderr
        again = f"--resume {report.runs[0]} --out {tmp_path}/first --update-expectations"
        assert f"to accept these as known: surveyor conform {again}\n" in first.stdout
        accepted = surveyor(emulator, "conform", *again.split())
        assert (accepted.returncode, accepted.stdout.splitlines()[-1]) == (
            0,
            f"expectations written to {tmp_path}/targets/expectations/aws.toml: 1",
        )
        second = run(emulator, "second")
        assert second.returncode == 0, second.stdout + second.stderr
        verdicts = [claim.verdict for claim in load_report(tmp_path / "second/report.json").claims]
        assert verdicts == [claim.verdict for claim in report.claims]
        assert "to accept these" not in second.stdout
