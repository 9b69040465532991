"""Experiments in files outside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos.test_command import surveyor
from tests.documents import python_example

EXAMPLE = python_example("chaos.md", "Experiments of your own")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, which has a space in its path."""
    folder = tmp_path / "our experiments"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.soak
def test_the_documented_example_runs_from_any_folder(folder: Path) -> None:
    """Its victims are chosen by the seed, and its report has the name of its file."""
    (folder / "pause_two.py").write_text(EXAMPLE.replace("wait(20)", "wait(5)").replace("rest(75)", "rest(5)"))
    run = surveyor("chaos", "pause_two.py", "--out", "out", "--scale", "40")
    assert "pause-two: seed 7: task.pause: " in run.stderr, run.stdout + run.stderr
    [reported] = json.loads((folder / "out" / "report.json").read_text("utf-8"))["experiments"]
    assert (reported["name"], reported["judged"]["title"]) == ("pause-two", "Two of four tasks are paused.")
    assert (folder / "out" / "histories" / "pause-two.jsonl").is_file()
    assert len(reported["judged"]["faults"][0]["victims"]) == 2


@pytest.mark.soak
def test_an_experiment_may_import_modules_beside_it(folder: Path) -> None:
    """The folder of the file is on the path of modules; a dry run needs nothing else."""
    (folder / "shared_settings.py").write_text("COUNT = 3\n")
    text = EXAMPLE.replace("from surveyor", "from shared_settings import COUNT\nfrom surveyor", 1)
    (folder / "pause_some.py").write_text(text.replace("pick(2)", "pick(COUNT)"))
    run = surveyor("chaos", "pause_some.py", "--dry-run", "--out", "out", "--max-task-share", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr.count("(127.") == 3


def test_a_file_that_is_no_experiment_is_refused(folder: Path) -> None:
    """The line names the file and what it lacks; nothing is started."""
    (folder / "plain.py").write_text("def test_it(): ...\n")
    run = surveyor("chaos", "plain.py", "--out", "out")
    assert run.returncode == 2
    assert run.stderr == "surveyor: plain.py is not an experiment: it does not use `experiment` (docs/chaos.md)\n"
    assert not (folder / "out").exists()
