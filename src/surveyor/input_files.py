"""Read files that others wrote: up to a limit, of anything that has a path, and never for ever.

A directory, a device without end, a pipe without a writer and a file that grows are refused in one line, as is text
that is not UTF-8.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

from surveyor.errors import UsageError

__all__ = ["REPORT_LIMIT", "SETTINGS_LIMIT", "is_file", "is_folder", "read_bytes", "read_text"]

SETTINGS_LIMIT = 1024 * 1024
"""Bytes of a file that a person writes: claims, recordings, targets, expectations, gates, policies, programs, pages."""

REPORT_LIMIT = 128 * 1024 * 1024
"""Bytes of a file that a run writes: reports, histories, tallies, ledgers."""

_CHUNK = 1024 * 1024
_NOT_TEXT = "is not text in UTF-8"

_PATIENCE = 10.0
"""Wall seconds for which a pipe or a terminal may say nothing."""


def read_bytes(path: Path, limit: int = SETTINGS_LIMIT) -> bytes:
    """Return the content of a file of text. Raise UsageError, in one line that begins with the path, if it is refused.

    Refused is what has more than `limit` bytes, or a NUL, which no text has.
    """
    try:
        # A pipe that nothing writes to is opened at once, and ends at once.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(descriptor, limit)
        finally:
            os.close(descriptor)
    except _Refused as refusal:
        raise UsageError(f"{path}: cannot be read: {refusal}") from None
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', '') or error}") from None


def is_file(path: Path | str) -> bool:
    """Return whether a path leads to a regular file; no path is too long or too odd for the question."""
    return os.path.isfile(path)  # noqa: PTH113  # the method of Path raises for long names


def is_folder(path: Path | str) -> bool:
    """Return whether a path leads to a directory; no path is too long or too odd for the question."""
    return os.path.isdir(path)  # noqa: PTH112  # the method of Path raises for long names


def read_text(path: Path, limit: int = SETTINGS_LIMIT) -> str:
    """Return the text of a file in UTF-8. Raise UsageError, in one line that begins with the path, if it is refused."""
    try:
        text = read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: cannot be read: it {_NOT_TEXT}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Refused(Exception):
    """The file is not read to its end; the message says why."""


def _read(descriptor: int, limit: int) -> bytes:
    size = os.fstat(descriptor).st_size
    chunks: list[bytes] = []
    end = time.monotonic() + _PATIENCE
    while size <= limit:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            left = end - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise _Refused(f"nothing was written to it for {_PATIENCE:g} s") from None
            continue
        if not chunk:
            return b"".join(chunks)
        if b"\0" in chunk:
            raise _Refused(f"it {_NOT_TEXT}")
        chunks.append(chunk)
        size = max(size, sum(map(len, chunks)))
        end = time.monotonic() + _PATIENCE
    raise _Refused(f"it is larger than {limit / 1024 / 1024:g} MB")
