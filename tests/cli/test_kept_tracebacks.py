"""Tracebacks of what was not foreseen are kept in files: few, private, and never through a link that others made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from surveyor.cli._support.unforeseen import describe


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def keep(*argv: str) -> Path:
    """Let a command end with an error, and return the file that its line names."""
    line = describe(ZeroDivisionError("no"), ("verify", *argv))
    return Path(line.rpartition(" is in ")[2])


def test_the_last_ten_stay(folder: Path) -> None:
    """Older ones of this user are deleted; files of other names, folders and links are not."""
    others = [folder / "surveyor-error.txt", folder / "surveyor-error-1.log", folder / "surveyor-error-x.txt"]
    for path in others[:2]:
        path.write_text("x")
    others[2].mkdir()
    link = folder / "surveyor-error-link.txt"
    link.symlink_to(others[0])
    kept = []
    for number in range(13):
        kept.append(keep())
        os.utime(kept[-1], (number, number))
    assert [path.exists() for path in kept] == [False] * 3 + [True] * 10
    assert all(path.exists() for path in (*others, link))


def test_a_traceback_is_private_and_new(folder: Path) -> None:
    """Only the user reads it, and a link of the name that the process id suggests is not followed."""
    victim = folder / "victim"
    victim.write_text("mine")
    (folder / f"surveyor-error-{os.getpid()}.txt").symlink_to(victim)
    file = keep()
    assert "ZeroDivisionError" in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert victim.read_text() == "mine"


def test_a_folder_of_the_user_is_not_tidied(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Those in --out belong to the report there."""
    out = tmp_path_factory.mktemp("out")
    for _ in range(12):
        assert keep("--out", str(out)).parent == out
    assert len(list(out.glob("surveyor-error-*.txt"))) == 12
    assert list(folder.iterdir()) == []


def test_no_folder_that_can_be_written_is_no_second_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line is then without a file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert describe(ZeroDivisionError("no"), ("verify",)) == "this was not foreseen: ZeroDivisionError (no)"
