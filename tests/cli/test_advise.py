"""The command `surveyor advise`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from surveyor.cli import main
from surveyor.cli.advise import _where
from surveyor.targets.options import TargetOptions

PUBLISHED = Path(__file__).parents[2] / "reports" / "published" / "embedded-0.1.0.json"


def run(*arguments: str) -> int:
    """Run the command line and return its exit code."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.soak
def test_the_recommended_settings_close_the_window(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The window of a task that ends at once is open; with the first recommended settings it is closed."""
    assert run("advise", "--ttl", "30", "--out", str(tmp_path / "before")) == 1
    out = capsys.readouterr().out
    assert "Window:" in out
    again = re.search(r"to verify: surveyor advise (.*)", out)
    assert again is not None
    assert run("advise", *again[1].split(), "--out", str(tmp_path / "after")) == 0
    assert "The window is closed" in capsys.readouterr().out
    assert run("advise", str(tmp_path / "before" / "report.json")) == 1
    assert "Window:" in capsys.readouterr().out


def test_an_invalid_stop_timeout_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints one line, exits with 2 and starts nothing."""
    assert run("advise", "--stop-timeout", "500") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "from 2 to 120" in message


@pytest.mark.parametrize("plan", [(), ("--plan",)])
def test_an_account_needs_calls_to_tasks(capsys: pytest.CaptureFixture[str], plan: tuple[str, ...]) -> None:
    """Without them there is nothing to measure: one line with the option, before anything is asked for."""
    assert run("advise", "--target", "aws", "--account", "111122223333", *plan) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "--enable ecs-processes" in message


def test_an_unknown_feature_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """As elsewhere, with what there is to enable."""
    assert run("advise", "--target", "aws", "--account", "111122223333", "--enable", "ecs-proceses") == 2
    assert "did you mean 'ecs-processes'" in capsys.readouterr().err


def test_advice_is_verified_where_it_was_measured() -> None:
    """The command has the options that name the target, quoted, and nothing that a terminal would act on."""
    assert _where("embedded", TargetOptions()) == ""
    said = _where("aws", TargetOptions(account="111122223333", enable=("a b\x1b[2J",)))
    assert said.startswith(" --target aws --account 111122223333 --enable 'a b")
    assert "\x1b" not in said


def test_a_report_without_figures_is_refused_with_the_command_that_measures_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A report without the needed claim is a usage error that names the command to run."""
    report = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    report["claims"] = [claim for claim in report["claims"] if claim["area"] != "ecs"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    assert run("advise", str(path)) == 2
    assert "surveyor conform --claim ecs.window.one-task-measured" in capsys.readouterr().err
