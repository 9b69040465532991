"""Only one run at a time writes into a folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from surveyor.errors import UsageError
from surveyor.report.run_folder import LOCK_FILE, reserve_folder

pytestmark = pytest.mark.soak  # each test starts a program

HOLDER = """
import sys
from pathlib import Path
from surveyor.report.run_folder import reserve_folder
reserve_folder(Path(sys.argv[1]))
print("reserved", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder_of(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that has reserved the folder, and end it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reserved\n"
        yield process


def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    """The refusal names the folder and the process; a killed process leaves the folder free."""
    out = tmp_path / "a folder" / "out"
    with holder_of(out) as process:
        with pytest.raises(UsageError) as refusal:
            reserve_folder(out)
        assert str(refusal.value) == (
            f"another run (process {process.pid}) writes to {out}; choose another folder with --out"
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
    reserve_folder(out)
    reserve_folder(out)  # again in the same process: a survey and its experiments


def test_other_folders_are_free(tmp_path: Path) -> None:
    """A folder below a reserved one can be reserved by another process: each scenario of a load run has its own."""
    with holder_of(tmp_path):
        reserve_folder(tmp_path / "lose-one")


def test_a_link_leads_to_the_same_folder(tmp_path: Path) -> None:
    """The folder is recognised under another path."""
    (tmp_path / "link").symlink_to(tmp_path / "out")
    (tmp_path / "out").mkdir()
    with holder_of(tmp_path / "link"), pytest.raises(UsageError, match="another run"):
        reserve_folder(tmp_path / "out")


def test_an_old_lock_file_reserves_nothing(tmp_path: Path) -> None:
    """The file of an earlier run is reused, whatever is in it."""
    (tmp_path / LOCK_FILE).write_bytes(b"\xff not a number of more than twenty bytes")
    reserve_folder(tmp_path)
    with holder_of(tmp_path / "other"):
        pass


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The refusal says why, also if only the lock file cannot be opened."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        reserve_folder(tmp_path / "file" / "out")
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(UsageError, match="Is a directory"):
        reserve_folder(tmp_path)


UNUSED = """
import sys
from pathlib import Path
from surveyor.report.run_folder import reserve_folder
reserve_folder(Path(sys.argv[1]))
for name in sys.argv[2:]:
    Path(sys.argv[1], name).write_text("")
"""


@pytest.mark.parametrize(
    ("files", "stays"), [((), False), (("route53-rate.json",), False), (("run.json",), True), (("a.log",), True)]
)
def test_a_new_folder_without_a_report_is_deleted(tmp_path: Path, files: tuple[str, ...], stays: bool) -> None:
    """A run that is refused before it begins leaves nothing; a folder that was there stays, even if it was empty."""
    for out, expected in ((tmp_path / "new", stays), (tmp_path, True)):
        subprocess.run([sys.executable, "-c", UNUSED, str(out), *files], check=True)
        assert out.exists() is expected
