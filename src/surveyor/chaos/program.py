"""Run a program of this machine beside an experiment: it must listen in time, and it ends with this process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from surveyor.errors import TargetUnavailable
from surveyor.targets import parent_death

__all__ = ["run_program"]

T = TypeVar("T")

_READY_WITHIN = 20.0
"""Wall seconds."""

_PAUSE = 0.02
"""Wall seconds between two looks."""

_OUTPUT_END = 300
"""Characters of its output in an error."""


@contextmanager
def run_program(name: str, command: Sequence[str], folder: Path, listening: Callable[[], T | None]) -> Iterator[T]:
    """Run a command, and yield what `listening` returns once that is not None; the program ends with the block.

    `name`: for errors. `folder`: where its output is written. Raises TargetUnavailable if it ends or does not listen.
    """
    launch = [sys.executable, "-I", "-S", str(parent_death.__file__), str(os.getpid())]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*launch, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}, process_group=0,
        )  # fmt: skip
    try:
        yield _wait_until_listening(name, process, folder, listening)
    finally:
        process.kill()
        process.wait()


def _wait_until_listening(
    name: str, process: subprocess.Popen[bytes], folder: Path, listening: Callable[[], T | None]
) -> T:
    pause, deadline = threading.Event(), time.monotonic() + _READY_WITHIN
    while (found := listening()) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            output = (folder / "output").read_text("utf-8", "replace").strip()[-_OUTPUT_END:]
            raise TargetUnavailable(f"expected {name} to listen within {_READY_WITHIN:g} s; its output is {output!r}")
        pause.wait(_PAUSE)
    return found
