"""The sweep at the next start: what a killed target left is deleted and ended, and nothing else."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from surveyor_emulator.runtime.tasks import leftovers, processes
from surveyor_emulator.runtime.tasks.leftovers import Owner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc")

Leave = Callable[..., Path]


@pytest.fixture
def leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Leave:
    """Return a function that leaves a folder of a target that is gone, with changes to what its file says."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def create(**changes: object) -> Path:
        folder, _ = leftovers.create_folder()
        file = folder / "owner.json"
        owner = msgspec.to_builtins(msgspec.json.decode(file.read_bytes(), type=Owner))
        file.write_bytes(msgspec.json.encode({**owner, "pid": 2**22 + 1, **changes}))
        return folder

    return create


@pytest.fixture
def marked() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a process that has a mark, without any environment; return both."""
    mark = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1] - 17
    process = subprocess.Popen(["sleep", "60"], env={}, preexec_fn=lambda: leftovers.set_mark(mark))  # noqa: PLW1509  # no threads
    yield mark, process
    process.kill()
    process.wait()


def test_a_process_of_a_gone_target_is_killed(leave: Leave, marked: tuple[int, subprocess.Popen[bytes]]) -> None:
    """A process with the mark of a folder without an owner ends, and the folder is deleted."""
    mark, process = marked
    folder = leave(mark=mark, started=processes.start_time(process.pid))
    assert leftovers.sweep() == [folder]
    assert process.wait(10) == -9
    assert not folder.exists()


def test_no_process_older_than_the_owner_is_killed(leave: Leave, marked: tuple[int, subprocess.Popen[bytes]]) -> None:
    """A process that has the mark, but started before the target did, is another's."""
    mark, process = marked
    leave(mark=mark, started=(processes.start_time(process.pid) or 0) + 1)
    assert len(leftovers.sweep()) == 1
    assert process.poll() is None


def test_no_process_is_killed_after_the_machine_started_again(
    leave: Leave, marked: tuple[int, subprocess.Popen[bytes]]
) -> None:
    """The folder of an owner from before the machine's start is deleted, and no process is its."""
    mark, process = marked
    leave(mark=mark, started=0, boot="another")
    assert len(leftovers.sweep()) == 1
    assert process.poll() is None


def test_a_changed_file_kills_no_process_of_the_user(leave: Leave) -> None:
    """A task that writes the maximum of ordinary processes into the file has none of them killed at the next start."""
    maximum = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1]
    process = subprocess.Popen(["sleep", "60"])
    for mark in (maximum, maximum + 1, 0, -1):
        leave(mark=mark, started=0)
    assert len(leftovers.sweep()) == 4
    assert process.poll() is None
    process.kill()
    process.wait()


def test_a_living_target_keeps_its_folder(leave: Leave) -> None:
    """A folder is kept while its owner lives, and while that cannot be known, in another PID namespace."""
    living = [leave(pid=os.getpid()), leave(namespace=1)]
    assert leftovers.sweep() == []
    assert all(folder.exists() for folder in living)


def test_a_reused_process_id_is_not_the_owner(leave: Leave) -> None:
    """An owner is known by its start time as well: another process with its id does not keep the folder."""
    folder = leave(pid=os.getpid(), started=1)
    assert leftovers.sweep() == [folder]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "1"}', b"[" * 100_000, None])
def test_a_folder_that_names_no_owner_is_kept(leave: Leave, content: bytes | None) -> None:
    """What Surveyor does not know to be its own is left alone; a pipe in place of the file does not block the start."""
    folder = leave()
    (folder / "owner.json").unlink()
    if content is None:
        os.mkfifo(folder / "owner.json")
    else:
        (folder / "owner.json").write_bytes(content)
    assert leftovers.sweep() == []
    assert folder.exists()


def test_links_are_not_followed(leave: Leave, tmp_path: Path) -> None:
    """A link with the name of a folder is no folder, and a link within one is deleted without what it leads to."""
    folder = leave()
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").touch()
    (folder / "link").symlink_to(other)
    (tmp_path / "surveyor-tasks-link").symlink_to(other)
    assert leftovers.sweep() == [folder]
    assert (other / "kept").exists()


def test_a_folder_without_permissions_is_deleted(leave: Leave) -> None:
    """A task that forbids its folder to everyone does not keep it."""
    folder = leave()
    (folder / "closed" / "inner").mkdir(parents=True)
    (folder / "closed").chmod(0)
    assert leftovers.sweep() == [folder]
    assert not folder.exists()


def test_what_is_written_during_a_sweep_is_swept_later(leave: Leave, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that ends may write until the end: the folder keeps its owner until it is empty."""
    folder = leave()
    rename, numbers = Path.rename, count()

    def write_again(path: Path, target: Path) -> Path:
        (folder / f"late-{next(numbers)}").mkdir()
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", write_again)
        (folder / "work").mkdir()
        assert leftovers.sweep() == [folder]
        assert [path.name for path in folder.glob("owner.json")] == ["owner.json"]
    assert leftovers.sweep() == [folder]
    assert not folder.exists()


def test_no_two_targets_have_one_mark(leave: Leave) -> None:
    """Marks are different, and below the maximum that this process has."""
    marks = [leftovers.create_folder()[1] for _ in range(20)]
    assert len(set(marks)) == 20
    assert max(marks) < resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1]
