"""Enter a sandbox, or say why this machine does not allow one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from surveyor.errors import SurveyorError
from surveyor.sandbox import entrance

__all__ = ["command_in", "enter", "enter_or_explain", "is_inside", "try_parts"]

_ATTEMPT = 30.0  # wall seconds


def is_inside() -> bool:
    """Return whether this process runs in a sandbox."""
    mark = os.environ.get(entrance.MARK)
    if not mark:
        return False
    try:
        return mark == str(Path("/proc/self/ns/net").stat().st_ino)
    except OSError:
        return False


def enter_or_explain() -> None:
    """Return in a sandbox: start this program again in one, with the same arguments, unless it is in one already.

    The process stays the same, so call it before anything is open, started or printed. Raises SurveyorError where
    this machine does not allow a sandbox.
    """
    if not is_inside():
        enter([sys.executable, *sys.orig_argv[1:]])


def enter(command: Sequence[str], join: int | None = None) -> NoReturn:
    """Become a command in the sandbox of this process, in a new one, or in that of a process that joins.

    Raises SurveyorError if this machine allows no new one.
    """
    words = list(command) if join is None and is_inside() else command_in(command, join)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it; a command must not start so
    os.execvp(words[0], words)  # noqa: S606  # this process becomes the command


def command_in(command: Sequence[str], join: int | None = None) -> list[str]:
    """Return the command that runs another one in a sandbox. Raises SurveyorError if this machine forbids it."""
    if join is None:
        for part, problem in try_parts().items():
            if problem:
                raise SurveyorError(
                    f"a sandbox cannot be made here: {part}: {problem}; surveyor doctor lists all parts"
                )
    place = [] if join is None else ["--join", str(join)]
    return [*_program(), *place, *command]


def try_parts() -> Mapping[str, str]:
    """Try each part of a sandbox in another process; return part -> why it does not work, "" if it does."""
    try:
        done = subprocess.run([*_program(), "--try"], capture_output=True, text=True, timeout=_ATTEMPT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return dict.fromkeys(entrance.PARTS, str(error))
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines() or [f"the attempt ended with status {done.returncode}"]
        return dict.fromkeys(entrance.PARTS, lines[-1])
    return found


def _program() -> list[str]:
    return [sys.executable, "-I", "-S", str(entrance.__file__)]
