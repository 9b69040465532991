"""Environments of targets: created once, complete or not at all, one for each version."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import deque
from pathlib import Path

import pytest

from surveyor.errors import TargetUnavailable
from surveyor.targets import load_target, process
from surveyor.targets.environments import (
    _explain,
    cache_folder,
    create_environment,
    environment_folder,
    find_python,
    use_environment,
)
from surveyor.targets.process import StartedProcess
from tests.targets.package_index import PackageIndex

BROKEN = "connection broken by 'NewConnectionError('<x.Connection object at 0x7f>: refused')': /simple/tiny/"
UNMATCHED = "ERROR: No matching distribution found for tiny==1.0"
RUN = "import sys; from surveyor.cli import main; sys.exit(main())"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """Return an empty package index, the only one that pip uses, and an empty cache folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    settings = {"SURVEYOR_CACHE": tmp_path / "cache", "PIP_FIND_LINKS": folder, "PIP_NO_INDEX": 1}
    for name, value in {**settings, "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, str(value))
    return PackageIndex(folder)


def folders() -> list[str]:
    """Return the names of what is in the folder of environments, without the lock."""
    folder = cache_folder() / "environments"
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.exists() else []


def command(*arguments: str) -> subprocess.Popen[str]:
    """Start the command line with its output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def start(label: str) -> StartedProcess:
    """Start a target as a run does."""
    target = load_target(label, Path())
    assert target.start is not None
    return process.start(target.label, target.start, seed=7)


@pytest.mark.soak
def test_versions_run_side_by_side(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each version has its packages and none of Surveyor's; the second start uses the first one's environment."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = index.target(tmp_path, "1.0", "2.0")
    started = [start(label) for label in (f"{path}@1.0", str(path), f"{path}@1.0")]
    try:
        answers = [urllib.request.urlopen(one.endpoint).read().decode() for one in started]
    finally:
        for one in started:
            one.stop()
    assert [answer.split()[0] for answer in answers] == ["1.0", "2.0", "1.0"]
    assert str(cache_folder()) in answers[0]
    assert f"'{tmp_path}'" not in answers[0]
    assert [name.rpartition("-")[0] for name in folders()] == [
        f"tiny-{version}-{sys.implementation.cache_tag}" for version in ("1.0", "2.0")
    ]


@pytest.mark.soak
def test_changed_requirements_replace_the_environment(index: PackageIndex, tmp_path: Path) -> None:
    """Another hash of the file means another environment; the old one is deleted, unless a target runs in it."""
    environment = index.environment(tmp_path, "1.0")
    first = create_environment(environment)
    assert find_python(environment) == create_environment(environment) == first
    (first.parent.parent.with_name(f"{environment_folder(environment).name}.new-1") / "lib").mkdir(parents=True)
    with use_environment(environment):
        environment.requirements.write_text(f"# changed\n{environment.requirements.read_text()}")
        assert find_python(environment) is None
        second = create_environment(environment)
        assert first.exists()
        assert len(folders()) == 2, "what an interrupted creation left is deleted"
    environment.requirements.write_text(f"# again\n{environment.requirements.read_text()}")
    third = create_environment(environment)
    assert folders() == [third.parent.parent.name]
    assert not first.exists()
    assert not second.exists()


@pytest.mark.soak
def test_a_version_that_the_index_lacks_is_one_line(index: PackageIndex, tmp_path: Path) -> None:
    """The line says what was wanted, what pip said and what else there is; exit 3, and nothing half-made is left."""
    path = index.target(tmp_path, "1.0", "2.0")
    for wheel in index.folder.glob("*2.0*"):
        wheel.unlink()
    ended = command("targets", "--create", f"{path}@2.0")
    out, err = ended.communicate(timeout=120)
    created, line = err.splitlines()
    assert (ended.returncode, out) == (3, "")
    assert created.startswith("tiny@2.0: creating its environment in ")
    assert line.startswith(f"surveyor: tiny@2.0 needs the packages of {tmp_path / 'requirements' / 'tiny-2.0.txt'}, ")
    assert "pip: No matching distribution found for tiny==2.0" in line
    assert "`pip config list`" in line
    assert line.endswith("; other versions: 1.0")
    assert folders() == []


@pytest.mark.soak
def test_a_replaced_file_is_refused(index: PackageIndex, tmp_path: Path) -> None:
    """If the index has another file than the pinned one, pip refuses it and the message names the package."""
    environment = index.environment(tmp_path, "1.0")
    wheel = next(index.folder.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(TargetUnavailable, match=r"pip: other hash: tiny==1\.0; the index has other files"):
        create_environment(environment)
    assert folders() == []


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_creation_is_not_used(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """A signal ends the creation and deletes what it made; what is left after a kill is deleted by the next one."""
    path = index.target(tmp_path, "1.0")
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as slow:
        slow.setenv("PIP_NO_INDEX", "0")
        slow.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        ended = command("targets", "--create", str(path))
        assert ended.stderr is not None
        assert ended.stderr.readline().startswith("tiny@1.0: creating")
        silent.settimeout(60)
        connection, _ = silent.accept()  # pip asks, and gets no answer
        with connection:
            ended.send_signal(number)
            ended.communicate(timeout=60)
    assert ended.returncode == (-9 if number == signal.SIGKILL else 130)
    if number != signal.SIGKILL:
        assert folders() == []
        return
    (left,) = folders()
    assert ".new-" in left
    create_environment(load_target(str(path), Path()).environment or pytest.fail("it has versions"))
    assert len(folders()) == 1


@pytest.mark.soak
def test_two_runs_create_it_once(index: PackageIndex, tmp_path: Path) -> None:
    """The second run waits for the first, and uses its environment."""
    path = index.target(tmp_path, "1.0")
    both = [command("targets", "--create", str(path)) for _ in range(2)]
    errors = [one.communicate(timeout=120)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sum("environment created in" in error for error in errors) == 1
    assert len(folders()) == 1


def test_a_cache_that_cannot_be_written_is_one_line(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the folder and the variable; an environment that exists is used from a read-only folder."""
    environment = index.environment(tmp_path, "1.0")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(TargetUnavailable, match=r"tiny@1\.0 needs a separate .*set SURVEYOR_CACHE to another folder"):
        create_environment(environment)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
@pytest.mark.soak
def test_a_read_only_cache_is_enough_for_what_exists(index: PackageIndex, tmp_path: Path) -> None:
    """Nothing is written to use an environment."""
    environment = index.environment(tmp_path, "1.0")
    python = create_environment(environment)
    folder = cache_folder() / "environments"
    folder.chmod(0o500)
    try:
        with use_environment(environment) as (used, _):
            assert used == python
        environment.requirements.write_text(f"# changed\n{environment.requirements.read_text()}")
        with pytest.raises(TargetUnavailable, match="cannot be written"):
            create_environment(environment)
    finally:
        folder.chmod(0o700)


@pytest.mark.soak
def test_a_removed_base_python_means_a_new_environment(index: PackageIndex, tmp_path: Path) -> None:
    """An environment whose Python no longer runs does not exist."""
    environment = index.environment(tmp_path, "1.0")
    python = create_environment(environment)
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    assert find_python(environment) is None
    assert os.access(create_environment(environment), os.X_OK)


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SURVEYOR_CACHE, else XDG_CACHE_HOME, else the home folder; without any of them the message names the first."""
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("SURVEYOR_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "surveyor"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder().is_relative_to(tmp_path)

    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(TargetUnavailable, match="set SURVEYOR_CACHE"):
        cache_folder()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "[Errno 28] No space left on device; make space or set SURVEYOR_CACHE to another folder",
        ),
        (
            f"WARNING: Retrying (Retry(total=0)) after {BROKEN}\nERROR: Could not find a version\n{UNMATCHED}",
            "No matching distribution found for tiny==1.0 ('NewConnectionError('refused')': /simple/tiny/)",
        ),
        ("Killed", "pip: Killed; "),
        ("", "pip: status 9; "),
    ],
)
def test_the_words_of_pip_are_shown(tmp_path: Path, index: PackageIndex, output: str, expected: str) -> None:
    """The cause in pip's output is shown, with advice that fits."""
    environment = index.environment(tmp_path, "1.0")
    line = _explain(environment, deque(output.splitlines()), 9)
    assert expected in line
    assert "\n" not in line


def test_a_full_disk_is_one_line(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the files of the environment itself cannot be written, the message gives the reason and nothing is left."""
    import venv

    def full(builder: object, folder: Path) -> None:
        folder.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(venv.EnvBuilder, "create", full)
    with pytest.raises(TargetUnavailable, match=r"No space left on device; make space or set SURVEYOR_CACHE"):
        create_environment(index.environment(tmp_path, "1.0"))
    assert folders() == []
