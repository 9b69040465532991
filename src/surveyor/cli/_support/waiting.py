"""Say how long something takes, and what it waits for, so that no command is silent for minutes."""

from __future__ import annotations

import math
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

from surveyor.report.running_tests import oldest_running_test
from surveyor.terminal import write_status

__all__ = ["MAX_LINE", "SILENCE", "TICK", "fit", "minutes", "roughly", "shown_wait"]

SILENCE: Final = 30.0
"""Wall seconds after which a line is printed in any case."""

TICK: Final = 1.0
"""Wall seconds after which a line on a terminal changes."""

MAX_LINE: Final = 200
"""Characters of a line that is not on a terminal."""


@contextmanager
def shown_wait(what: str, folder: Path | None = None, silence: float = SILENCE) -> Iterator[None]:
    """Say on standard error how long something takes: in one line on a terminal, elsewhere every `silence` seconds.

    `folder`: where the processes of a run write what they wait for.
    """
    began, ended, is_terminal = time.monotonic(), threading.Event(), sys.stderr.isatty()

    def show() -> None:
        while not ended.wait(TICK if is_terminal else silence):
            running = oldest_running_test(folder) if folder is not None else None
            line = (
                f"{what}, {minutes(time.monotonic() - began)}{f'; {running.describe(time.time())}' if running else ''}"
            )
            if is_terminal:
                write_status(fit(line, shutil.get_terminal_size().columns - 1))
            else:
                typer.echo(fit(line, MAX_LINE), err=True)

    ticker = threading.Thread(target=show, name="wait", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
        write_status("")


def fit(line: str, width: int) -> str:
    """Return a line that has at most `width` characters."""
    return line if len(line) <= width else f"{line[: max(0, width - 1)]}…"


def minutes(seconds: float) -> str:
    """Return seconds as 4:07, or as 1:04:07."""
    whole, rest = divmod(round(seconds), 60)
    hours, whole = divmod(whole, 60)
    return f"{hours}:{whole:02}:{rest:02}" if hours else f"{whole}:{rest:02}"


def roughly(seconds: float) -> str:
    """Return seconds as precisely as an estimate is: 40 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{max(10, 10 * math.ceil(seconds / 10))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
