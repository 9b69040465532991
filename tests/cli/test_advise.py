"""`surveyor advise`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from surveyor.cli import main

PUBLISHED = Path(__file__).parents[2] / "reports" / "published" / "embedded-0.1.0.json"


def run(*arguments: str) -> int:
    """The exit code of the command line."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def test_advice_is_given_and_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The window of a task that dies at once is open, and with the first advice taken it is closed."""
    assert run("advise", "--ttl", "30", "--out", str(tmp_path / "one")) == 1
    out = capsys.readouterr().out
    assert "Window:" in out
    again = re.search(r"to see it: surveyor advise (.*)", out)
    assert again is not None
    assert run("advise", *again[1].split(), "--out", str(tmp_path / "two")) == 0
    assert "The window is closed" in capsys.readouterr().out
    assert run("advise", str(tmp_path / "one" / "report.json")) == 1
    assert "Window:" in capsys.readouterr().out


def test_seconds_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 2, and nothing started."""
    assert run("advise", "--stop-timeout", "500") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "from 2 to 120" in said


def test_a_report_without_the_figures_says_what_measures_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A report of something else is a usage error with the command that would do it."""
    report = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    report["claims"] = [one for one in report["claims"] if one["area"] != "ecs"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    assert run("advise", str(path)) == 2
    assert "surveyor conform --claim ecs.window.one-task-measured" in capsys.readouterr().err
