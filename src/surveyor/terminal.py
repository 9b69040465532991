"""Standard output and standard error of a command: without the secrets of the run, and without hidden characters.

Text of a target or of a file may control a terminal: recolour it, set its title, reorder or overwrite lines. All that a
command prints goes through the streams that `guarded_output` puts in place of the real ones, so no caller has to think
of it. Only rich, which draws tables and progress from text that is already visible, may style and move on a terminal.
"""

from __future__ import annotations

import _thread
import codecs
import logging
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, TextIO

import typer

from surveyor.secret_values import blank
from surveyor.visible_text import one_line, visible

__all__ = [
    "MARKED_ERRORS",
    "MARKS",
    "GuardedStream",
    "guard",
    "guard_errors",
    "guard_tracebacks",
    "guarded_output",
    "lost_output",
    "print_error",
    "print_own_secrets",
    "write_status",
]

MARKED_ERRORS = "SURVEYOR_MARKED_ERRORS"
"""Set to 1, what a command prints on standard error is on standard output, between `MARKS`, and so in order."""

MARKS = ("\x0e", "\x0f")
"""Begin and end a text for standard error; nothing else that is printed has them (see surveyor.visible_text)."""

_STYLE = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\r)")
"""The sequences of rich that style text, move the cursor and erase lines."""

_MAX_ERROR = 2_000

_HIDDEN_BYTES = ("buffer", "detach")
"""Members of a text stream that lead around it."""


class GuardedStream:
    """A text stream that writes to another one what is safe to show. `styled`: styles and cursor movements may pass."""

    def __init__(self, stream: TextIO, *, styled: bool = False) -> None:
        self._stream = stream
        self._styled = styled

    def __getattr__(self, name: str) -> Any:
        if name in _HIDDEN_BYTES:
            raise AttributeError(name)
        return getattr(self._stream, name)

    @property
    def rich_proxied_file(self) -> GuardedStream:
        """Return the stream that rich writes to in place of this one."""
        return GuardedStream(self._stream, styled=self._stream.isatty())

    def write(self, text: str | bytes) -> int:
        """Write a text; bytes are taken for UTF-8."""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        with _ending(self._stream):
            self._stream.write(self._safe(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with _ending(self._stream):
            self._stream.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def _safe(self, text: str) -> str:
        text = blank(text)
        if not self._styled:
            return visible(text)
        return "".join(part if number % 2 else visible(part) for number, part in enumerate(_STYLE.split(text)))


class _MarkedStream:
    """A text stream that writes to another one, between marks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text."""
        self._stream.write(text.join(MARKS))
        return len(text)


_LOST: list[OSError] = []


def lost_output() -> OSError | None:
    """Return the error with which a stream of this command could not be written any more; None if there was none."""
    return _LOST[0] if _LOST else None


@contextmanager
def _ending(stream: TextIO) -> Iterator[None]:
    """End the command as Ctrl-C does, with its cleanup and its report, if a stream is closed or its disk is full."""
    try:
        yield
    except OSError as error:
        _LOST.append(error)
        with suppress(OSError, ValueError, AttributeError):  # no file is behind it
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())  # what is buffered, and what is still printed, must not fail again
            os.close(null)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt from None
        _thread.interrupt_main()


def guard(stream: TextIO | None, *, styled: bool = False) -> Any:
    """Return a stream that writes to this one what is safe to show."""
    if stream is None or isinstance(stream, GuardedStream):  # None: it was closed when the program started
        return stream
    if hasattr(stream, "reconfigure"):  # what a terminal cannot show must not end the command
        is_ascii = codecs.lookup(stream.encoding or "ascii").name == "ascii"
        stream.reconfigure(encoding="utf-8" if is_ascii else None, errors="backslashreplace")
    return GuardedStream(stream, styled=styled)


@contextmanager
def guarded_output() -> Iterator[None]:
    """Guard standard output and standard error, and put the real ones back at the end."""
    before = sys.stdout, sys.stderr
    _LOST.clear()
    is_marked = os.environ.get(MARKED_ERRORS) == "1"
    errors: Any = _MarkedStream(before[0]) if is_marked else before[1]
    sys.stdout, sys.stderr = guard(before[0]), guard(errors)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def guard_errors() -> None:
    """Guard standard error until this process ends, also for loggers that write to it already."""
    plain, sys.stderr = sys.stderr, guard(sys.stderr)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is plain:
            handler.setStream(sys.stderr)


def guard_tracebacks() -> None:
    """Guard the traceback that ends this process, wherever standard error leads by then."""
    show = sys.excepthook

    def show_guarded(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        plain, sys.stderr = sys.stderr, guard(sys.stderr)
        try:
            show(kind, error, trace)
        finally:
            sys.stderr = plain

    sys.excepthook = show_guarded


def print_own_secrets(text: str) -> None:
    """Print what Surveyor itself made, with the secrets that the user asked for."""
    stream = getattr(sys.stdout, "_stream", sys.stdout)
    stream.write(f"{visible(text)}\n")
    stream.flush()


def print_error(text: str) -> None:
    """Print an error on standard error: one line, whatever a target wrote into it."""
    typer.echo(f"surveyor: {one_line(text, _MAX_ERROR)}", err=True)


def write_status(text: str) -> None:
    """Show a text in place of the current line of a terminal on standard error; "" erases it. Do nothing elsewhere."""
    if sys.stderr is not None and sys.stderr.isatty():
        stream = getattr(sys.stderr, "rich_proxied_file", sys.stderr)
        stream.write("\r\x1b[K")
        sys.stderr.write(text)
        sys.stderr.flush()
