"""Sandboxes of the user who runs the tests, and if that is root also those of an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from surveyor.clock import WallClock
from surveyor.sandbox import entrance, try_parts

ORDINARY = 65_534
_MIN_PYTHON = "import sys; sys.exit(sys.version_info < (3, 11))"


@dataclass(frozen=True)
class Sandbox:
    """How a user runs a command in a sandbox. `folder` belongs to that user."""

    user: int
    python: str
    folder: Path
    before: tuple[str, ...]

    def command(self, *words: str, outside: Sequence[str] = ()) -> list[str]:
        """Return the command that runs another one in a sandbox; `outside`: a program that starts all of it."""
        program = str(self.folder / "entrance.py")
        return [*self.before, *outside, self.python, "-I", "-S", program, *words]

    def run(self, *words: str, outside: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*words, outside=outside),
            cwd=self.folder, capture_output=True, text=True, timeout=30, check=False, **options,
        )  # fmt: skip

    def program(self, text: str, **options: Any) -> str:
        """Run a Python program in a sandbox; return what it prints. It must not fail."""
        done = self.run(self.python, "-I", "-c", text, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a session, and return once it has printed a line, `ready`."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            **options,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        return process


@pytest.fixture(scope="module", params=["this user", "an ordinary user"])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Return the sandboxes of a user; skip where this machine allows none."""
    problems = {part: problem for part, problem in try_parts().items() if problem}
    if problems:
        pytest.skip(f"this machine allows no sandbox: {problems}")
    before: tuple[str, ...] = ()
    if request.param == "this user":
        user, python = os.geteuid(), sys.executable
    elif os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can become another user, by setpriv")
    else:
        user = ORDINARY
        before = ("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "env", "HOME=/nonexistent")
        python = _python_of(before)
    folder = Path(tempfile.mkdtemp(prefix="surveyor-test-"))
    shutil.copy(entrance.__file__, folder / "entrance.py")
    for path in (folder, folder / "entrance.py"):
        os.chown(path, user, -1)
    yield Sandbox(user, python, folder, before)
    shutil.rmtree(folder)


def _python_of(before: Sequence[str]) -> str:
    """Return a Python that another user may run: that of the tests may be in the home of root."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        tried = subprocess.run([*before, python, "-I", "-c", _MIN_PYTHON], capture_output=True, check=False)
        if tried.returncode == 0:
            return python
    pytest.skip("there is no Python 3.11 that an ordinary user may run")


def processes_in(network: int) -> list[int]:
    """Return the processes of a network namespace, as this machine lists them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "ns/net").stat().st_ino == network:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def await_none_in(network: int) -> None:
    """Wait until no process is left in a network namespace."""
    WallClock().eventually(lambda: not processes_in(network), within=10)
