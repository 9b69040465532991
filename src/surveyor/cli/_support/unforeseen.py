"""One line for an error that ends a command, whatever it is.

What Surveyor raises on purpose has its text. What a target caused is named by its call. For anything else, which is a
defect or a problem of this machine, the traceback is kept in a file: below --out if that exists, else with the
temporary files, where the last ten of a user stay.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from surveyor.account.failed_calls import describe_failed_call, is_of_account
from surveyor.errors import SurveyorError, WrongAnswer
from surveyor.output_files import write_text
from surveyor.response import MissingEntry, MissingMember, Response
from surveyor.targets.answers import describe_missing
from surveyor.visible_text import one_line, visible

__all__ = ["describe"]

_MAX_TEXT = 300
_MAX_KEPT = 10
_PREFIX, _SUFFIX = "surveyor-error-", ".txt"


def describe(error: Exception, argv: Sequence[str]) -> str:
    """Return one line about an error that ends the command with these arguments."""
    if isinstance(error, SurveyorError):
        return str(error)
    if isinstance(error, FileNotFoundError) and _is_folder_removed():
        return "the current directory was removed; change to another"
    if isinstance(error, ClientError):
        response = error.response
        operation = response.origin.name if isinstance(response, Response) else error.operation_name
        if is_of_account(response):
            return describe_failed_call(operation, response)
        refusal = response.get("Error", {})
        return f"the target refused {operation} with {refusal.get('Code')}: {refusal.get('Message')}"
    if isinstance(error, (MissingMember, MissingEntry, WrongAnswer)):
        return f"the target's answer is not as documented: {error}"
    if isinstance(error, ResponseParserError):
        return f"the target's answer cannot be read: {one_line(str(error), _MAX_TEXT)}"
    if isinstance(error, BotoCoreError):
        return f"the target did not answer: {describe_missing(error)}"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}{_kept(error, argv)}"
    text = one_line(str(error), _MAX_TEXT)
    return f"this was not foreseen: {type(error).__name__}{f' ({text})' if text else ''}{_kept(error, argv)}"


def _is_folder_removed() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _kept(error: Exception, argv: Sequence[str]) -> str:
    """Keep the traceback; return where, or "" if no file can be written."""
    text = "".join(traceback.format_exception(error))
    temporary = Path(tempfile.gettempdir()) if _has_temporary_files() else None
    for folder in filter(None, (_out(argv), temporary)):
        file = None
        try:
            # A new file, which only this user reads: others may have made a link of a name that they can guess.
            descriptor, name = tempfile.mkstemp(_SUFFIX, _PREFIX, folder)
            os.close(descriptor)
            file = Path(name)
            write_text(file, visible(f"surveyor {' '.join(argv)}\nPython {sys.version}\n\n{text}"))
        except OSError:
            if file is not None:
                with suppress(OSError):
                    file.unlink(missing_ok=True)
            continue
        if folder == temporary:
            _forget_old(folder)
        return f"; its traceback is in {file}"
    return ""


def _forget_old(folder: Path) -> None:
    """Delete all but the last tracebacks of this user that were kept in a folder of temporary files."""
    kept: list[tuple[float, Path]] = []
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):  # another process deletes them, too
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
                kept.append((status.st_mtime, path))
    for _, path in sorted(kept)[:-_MAX_KEPT]:
        with suppress(OSError):
            path.unlink()


def _out(argv: Sequence[str]) -> Path | None:
    """Return the folder of --out if it exists."""
    for number, word in enumerate(argv):
        if word == "--out" and number + 1 < len(argv):
            path = Path(argv[number + 1])
        elif word.startswith("--out="):
            path = Path(word.removeprefix("--out="))
        else:
            continue
        return path if path.is_dir() else None
    return None


def _has_temporary_files() -> bool:
    try:
        tempfile.gettempdir()
    except OSError:  # no folder is writable
        return False
    return True
