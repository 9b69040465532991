"""Read files that others wrote: at most so many bytes, of anything that has a path, and never for ever.

A directory, a device without end, a pipe without a writer and a file that grows are refused in one line, as is text
that is not UTF-8.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

from surveyor.errors import UsageError

__all__ = ["REPORT_LIMIT", "SETTINGS_LIMIT", "read_bytes", "read_text"]

SETTINGS_LIMIT = 4 * 1024 * 1024
"""Bytes of a file that a person writes: claims, recordings, targets, expectations, gates, policies, programs, pages."""

REPORT_LIMIT = 256 * 1024 * 1024
"""Bytes of a file that a run writes: reports, histories, tallies, ledgers."""

_CHUNK = 1024 * 1024
_PATIENCE = 10.0
"""Wall seconds for which a pipe or a terminal may say nothing."""


def read_bytes(path: Path, limit: int = SETTINGS_LIMIT) -> bytes:
    """Return the content of a file. Raise UsageError, in one line that begins with the path, above `limit` bytes."""
    try:
        # A pipe that nothing writes to is opened at once, and ends at once.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = _read(path, descriptor, limit)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', '') or error}") from None
    if len(content) > limit:
        raise UsageError(f"{path}: cannot be read: it is larger than {limit // 1024 // 1024} MB")
    return bytes(content)


def read_text(path: Path, limit: int = SETTINGS_LIMIT) -> str:
    """Return the text of a file in UTF-8 without NUL. Raise UsageError, in one line that begins with the path."""
    try:
        text = read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: cannot be read: it is not text in UTF-8") from None
    if "\0" in text:
        raise UsageError(f"{path}: cannot be read: it is not text in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path, descriptor: int, limit: int) -> bytearray:
    """Return the content up to one byte above the limit."""
    content = bytearray()
    end = time.monotonic() + _PATIENCE
    while len(content) <= limit:
        try:
            chunk = os.read(descriptor, min(_CHUNK, limit + 1 - len(content)))
        except BlockingIOError:
            left = end - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise UsageError(f"{path}: cannot be read: nothing was written to it for {_PATIENCE:g} s") from None
            continue
        if not chunk:
            break
        content += chunk
        end = time.monotonic() + _PATIENCE if len(chunk) == _CHUNK else end
    return content
