"""Write report.json atomically, and read it only if it is complete and of the known version."""

from __future__ import annotations

import os
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.report.model import API_VERSION, KIND, ConformanceReport, ReportFile
from surveyor.typed_json import read_json, write_json

__all__ = ["REPORT_FILE", "load_report", "load_report_since", "make_folder", "save_report"]


REPORT_FILE = "report.json"


def save_report(report: ConformanceReport, path: Path) -> None:
    """Write the report atomically: a reader sees either the old file or the complete new file."""
    write_json(ReportFile.of(report), path)


def make_folder(out: Path) -> None:
    """Create the folder `out` and check that it is writable. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from None


def load_report_since(folder: Path, since: float) -> ConformanceReport | None:
    """Return the report written to a folder since then (time.time()); None if there is none or only an older one."""
    path = folder / REPORT_FILE
    return load_report(path) if path.is_file() and path.stat().st_mtime >= since else None


def load_report(path: Path) -> ConformanceReport:
    """Return the report in a file. Raises UsageError, in one line, for a cut or foreign file or another version."""
    head = read_json(path, object)
    kind, version = (head.get("kind"), head.get("apiVersion")) if isinstance(head, dict) else (None, None)
    if kind != KIND:
        raise UsageError(f"{path}: is not a {KIND}")
    if version != API_VERSION:
        raise UsageError(f"{path}: has apiVersion {version!r}; this Surveyor reads {API_VERSION!r}: run again")
    return read_json(path, ReportFile).report
