"""Files and lines that come out of a task: what may be written where, and what is printed on which stream."""

from __future__ import annotations

import io
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from surveyor.account.ledger import Ledger, Owner
from surveyor.errors import TargetUnavailable
from surveyor.in_vpc import copies as module
from surveyor.in_vpc.copies import Copies, Screen
from surveyor.terminal import MARKS

BEGIN, END = MARKS


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "", ".", "a/.hidden", "a\nb", "a\x1b[31m", "a\0b", "y/" * 30, "a//b/..",
     "\u202ename"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written outside of the folder, nor under a name that a terminal would act on."""
    (tmp_path / "out").mkdir()
    with pytest.raises(TargetUnavailable, match="copies out a file of the name"):
        Copies(tmp_path / "out").write(name, 0, b"x")
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in the folder does not lead a file out of it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "there").symlink_to(tmp_path)
    (tmp_path / "out" / "file").symlink_to(tmp_path / "target")
    for name in ("there/x", "file"):
        with pytest.raises(TargetUnavailable, match="leads out of"):
            Copies(tmp_path / "out").write(name, 0, b"x")


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All files together have a limit; a file that cannot be written is named."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(TargetUnavailable, match="folder cannot be written: Is a directory"):
        Copies(tmp_path).write("folder", 0, b"x")
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    copies = Copies(tmp_path)
    copies.write("a", 0, b"x" * 60)
    with pytest.raises(TargetUnavailable, match="copies out more than"):
        copies.write("b", 0, b"x" * 60)


def test_ledgers_are_locked_until_the_run_is_over(tmp_path: Path) -> None:
    """A sweep does not take the ledger of a command that runs."""
    copies, path = Copies(tmp_path), tmp_path / "ledger-main.jsonl"
    copies.write("ledger-main.jsonl", 0, b"")
    other = Ledger(path, Owner("0123abcd", "aws", "111122223333", "us-east-1"))
    assert not other.acquire(wait=False)
    copies.write("ledger-main.jsonl", 0, b"one\n")
    copies.write("ledger-main.jsonl", 4, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    copies.close()
    assert other.acquire(wait=False)
    other.close()


def test_a_file_that_differs_is_named_and_a_deleted_one_is_deleted(tmp_path: Path) -> None:
    """By the digests of the task."""
    copies = Copies(tmp_path)
    for name, text in (("a", b"1"), ("b", b"2"), ("c", b"3")):
        copies.write(name, 0, text)
    assert copies.compare({"a": (1, sha256(b"1").hexdigest()), "b": (1, sha256(b"x").hexdigest()), "d": (0, "")}) == [
        "b"
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_lines_are_printed_on_their_streams_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is between marks is for standard error; pieces of characters and of the folder's name are put together."""
    printed: list[tuple[str, str]] = []

    class Stream(io.StringIO):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.called = name

        def write(self, text: str) -> int:
            printed.append((self.called, text))
            return len(text)

    monkeypatch.setattr(sys, "stdout", Stream("out"))
    monkeypatch.setattr(sys, "stderr", Stream("err"))
    screen = Screen(Path("/srv/reports/1"))
    screen.set_folder("/task/surveyor-x/out")
    data = f"one\n{BEGIN}two\n{END}page: /task/surveyor-x/out/report.html\nü\n".encode()
    for at in range(len(data)):
        screen.write(1, data[at : at + 1])
    screen.write(2, b"three\nno line end")
    screen.write(1, b"\xff\n")
    screen.close()
    assert printed == [
        ("out", "one\n"), ("err", "two\n"), ("out", "page: /srv/reports/1/report.html\n"), ("out", "ü\n"),
        ("err", "three\n"), ("out", "\ufffd\n"), ("err", "no line end"),
    ]  # fmt: skip
