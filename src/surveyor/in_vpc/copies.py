"""What comes out of the task: files of the report, written where they belong here, and lines for the terminal."""

from __future__ import annotations

import codecs
import fcntl
import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from surveyor.errors import TargetUnavailable
from surveyor.terminal import MARKS

__all__ = ["Copies", "Screen"]

MAX_BYTES = 4 * 1024**3
"""Bytes of all files that a command may copy out."""

_NAME = re.compile(r"[\w@+=,()-][\w.@+=,() -]*")
_LEDGER = re.compile(r"ledger-[^/]*\.jsonl")


class Copies:
    """Files below a folder. A ledger is locked as long as its run may be in progress, as its run itself does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sizes: dict[str, int] = {}
        self._ledgers: dict[str, IO[bytes]] = {}

    def write(self, name: str, at: int, data: bytes) -> None:
        """Write bytes of a file; at 0 they begin it anew. Raises TargetUnavailable for what may not be written."""
        path = self._path(name)
        self._sizes[name] = at + len(data)
        if sum(self._sizes.values()) > MAX_BYTES:
            raise TargetUnavailable(f"the command copies out more than {MAX_BYTES // 1024**3} GB")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._ledgers.get(name) or path.open("r+b" if path.exists() else "w+b")
            if _LEDGER.fullmatch(path.name) and name not in self._ledgers:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._ledgers[name] = file
            file.seek(at)
            file.write(data)
            if at == 0:
                file.truncate()
            file.flush()
            if name not in self._ledgers:
                file.close()
        except OSError as error:
            raise TargetUnavailable(f"{path} cannot be written: {error.strerror or error}") from None

    def compare(self, digests: Mapping[str, Sequence[Any]]) -> list[str]:
        """Delete files that the task has no more, and return the names of those that are not as they are there.

        Raises TargetUnavailable.
        """
        for name in self._sizes.keys() - digests.keys():
            self._path(name).unlink(missing_ok=True)
        return [name for name, (_, digest) in sorted(digests.items()) if _digest(self._path(name)) != digest]

    def close(self) -> None:
        """Release the locks."""
        for file in self._ledgers.values():
            file.close()
        self._ledgers.clear()

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or len(parts) > 20 or not all(_NAME.fullmatch(part) for part in parts):
            raise TargetUnavailable(f"the command copies out a file of the name {name[:100]!r}")
        path = self.folder.joinpath(*parts)
        if path.is_symlink() or not path.resolve().is_relative_to(self.folder.resolve()):
            raise TargetUnavailable(f"{path} leads out of {self.folder}")
        return path


class Screen:
    """Prints what the command printed, in order and on the same streams, with its folder's name here."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._there = ""
        self._decoders = {number: codecs.getincrementaldecoder("utf-8")("replace") for number in (1, 2)}
        self._is_marked = False
        self._held = {1: "", 2: ""}

    def set_folder(self, there: str) -> None:
        """Note where the report is in the task."""
        self._there = there

    def write(self, number: int, data: bytes) -> None:
        """Print what the command wrote to 1 or 2."""
        self._print(number, self._decoders[number].decode(data))

    def close(self) -> None:
        """Print what was held back."""
        for number, decoder in self._decoders.items():
            self._print(number, decoder.decode(b"", final=True))
            rest, self._held[number] = self._held[number], ""
            self._split(number, rest)

    def _print(self, number: int, text: str) -> None:
        """Print a text up to its last line end, so that no path in it is cut; the rest of a long line, too."""
        text = self._held[number] + text
        end = max(text.rfind(mark) for mark in ("\n", *MARKS)) + 1
        end = len(text) if not end and len(text) > 10_000 else end
        self._held[number] = text[end:]
        self._split(number, text[:end])

    def _split(self, number: int, text: str) -> None:
        if self._there:
            text = text.replace(self._there, self._folder)
        if number == 2:
            _show(sys.stderr, text)
            return
        for piece in re.split(f"([{''.join(MARKS)}])", text):
            if piece in MARKS:
                self._is_marked = piece == MARKS[0]
            else:
                _show(sys.stderr if self._is_marked else sys.stdout, piece)


def _show(stream: Any, text: str) -> None:
    if text:
        stream.write(text)
        stream.flush()


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
