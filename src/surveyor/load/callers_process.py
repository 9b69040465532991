"""The Locust process whose greenlets call the service while `surveyor load` conducts the scenario."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from surveyor.load.callers_link import CallersLink
from surveyor.load.scenario import ConductorInput
from surveyor.typed_json import parse_json

__all__ = ["CallersProcess", "start_callers"]

END_TIMEOUT = 15.0
"""Wall seconds for Locust to end after its standard input has ended."""

_WITHOUT_PAGE = ("--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup")


@dataclass(frozen=True)
class CallersProcess:
    """`conductor_input`: what the scenario's file and the options say; None if Locust ended with an exit `status`."""

    conductor_input: ConductorInput | None
    link: CallersLink
    status: int = 0


@contextmanager
def start_callers(locustfile: Path, words: Sequence[str]) -> Iterator[CallersProcess]:
    """Start Locust, and end it when the block ends.

    It has a separate process since it patches sockets, and a separate session: Ctrl-C would interrupt its greenlets
    anywhere.
    """
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), *_WITHOUT_PAGE, "--conducted", *words]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        conductor_input = _read_input(process.stdout)
        status = process.wait() if conductor_input is None else 0
        yield CallersProcess(conductor_input, CallersLink(process.stdin, process.stdout, process.kill), status)
    finally:
        _end(process)
        process.stdout.close()


def _read_input(output: IO[str]) -> ConductorInput | None:
    """Return what the process sends first; lines before it are what the locustfile prints."""
    for line in output:
        with contextlib.suppress(ValueError):
            return parse_json(line, ConductorInput)
    return None


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # what was not sent yet, to a process that has ended
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            process.wait(END_TIMEOUT)
            return
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    process.wait()
