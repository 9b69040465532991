"""Write report.json atomically, and read it only if it is complete and of the known version."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from surveyor.errors import UsageError
from surveyor.report.model import API_VERSION, KIND, ConformanceReport, ReportFile
from surveyor.typed_json import parse_file, read_content, write_json

__all__ = ["REPORT_FILE", "load_new_report", "load_report", "save_report", "written_report"]


REPORT_FILE = "report.json"


class _Head(Struct, rename="camel"):
    """What every kind of file begins with; the rest of it is not read."""

    kind: Any = None
    api_version: Any = None


def save_report(report: ConformanceReport, path: Path) -> None:
    """Write the report atomically: a reader sees either the old file or the complete new file."""
    write_json(ReportFile.of(report), path)


def written_report(folder: Path) -> tuple[int, int] | None:
    """Return which file the report in a folder is, and when it was written by the clock of its file system.

    None if there is none. Both differ for the report that replaces it.
    """
    try:
        found = (folder / REPORT_FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def load_new_report(folder: Path, before: tuple[int, int] | None) -> ConformanceReport | None:
    """Return the report in a folder; None if there is none, or only that of `before` (`written_report`)."""
    return None if written_report(folder) in (None, before) else load_report(folder / REPORT_FILE)


def load_report(path: Path) -> ConformanceReport:
    """Return the report in a file. Raises UsageError, in one line, for a cut or foreign file or another version."""
    content = read_content(path)
    head = parse_file(path, content, cast(type[Any], _Head | list[Any] | str | float | bool | None))
    if not isinstance(head, _Head) or head.kind != KIND:
        raise UsageError(f"{path}: is not a {KIND}")
    if head.api_version != API_VERSION:
        raise UsageError(f"{path}: has apiVersion {head.api_version!r}; this Surveyor reads {API_VERSION!r}: run again")
    return parse_file(path, content, ReportFile).report
