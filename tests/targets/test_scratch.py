"""The temporary folders of started targets, of runs that end and of runs that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from surveyor.targets.scratch import Scratch

HOLD = "import sys; from surveyor.targets.scratch import Scratch; s = Scratch('t'); print(s.path, flush=True); "


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def hold(then: str) -> tuple[subprocess.Popen[str], Path]:
    """Start another run that has a folder; return both."""
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD + then], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    return run, Path(run.stdout.readline().strip())


def test_a_folder_is_deleted_by_its_run(temporary: Path) -> None:
    """It is gone after `delete`, which may be called again, and when the program ends without."""
    scratch = Scratch("moto@5.2.5")
    assert scratch.path.name.startswith("surveyor-moto@5.2.5-")
    scratch.delete()
    scratch.delete()
    run, _ = hold("sys.exit(1)")
    run.communicate()
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_run_is_deleted_by_the_next(temporary: Path) -> None:
    """After kill -9 the folder stays until the next target starts; that of a running one stays."""
    killed, abandoned = hold("sys.stdin.read()")
    running, kept = hold("sys.stdin.read()")
    killed.kill()
    killed.communicate()
    assert abandoned.exists()
    scratch = Scratch("t")
    assert {path.name for path in temporary.iterdir()} == {kept.name, scratch.path.name}
    running.communicate()
    scratch.delete()


def test_what_is_not_a_runs_folder_is_left_alone(temporary: Path) -> None:
    """No folder without a lock is deleted, and none that a link leads to."""
    (temporary / "surveyor-tasks-1").mkdir()
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / "in-use.lock").touch()
    (temporary / "surveyor-link").symlink_to(temporary / "elsewhere")
    before = set(temporary.iterdir())
    Scratch("t").delete()
    assert set(temporary.iterdir()) == before


def test_a_pipe_in_place_of_the_lock_blocks_nothing(temporary: Path) -> None:
    """A target that replaces the lock by a pipe does not stop the next start."""
    (temporary / "surveyor-pipe").mkdir()
    os.mkfifo(temporary / "surveyor-pipe" / "in-use.lock")
    Scratch("t").delete()
