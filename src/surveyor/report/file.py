"""report.json on disk: written whole or not at all, and read only if it is whole and of a version that is known."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import jsonschema

from surveyor.errors import UsageError
from surveyor.report.model import API_VERSION, KIND, ConformanceReport

__all__ = ["REPORT_FILE", "fresh_report", "load_report", "make_folder", "save_report", "schema"]


REPORT_FILE = "report.json"


@functools.cache
def schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    text = Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def save_report(report: ConformanceReport, path: Path) -> None:
    """Write the report so that a reader sees either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(path)


def make_folder(out: Path) -> None:
    """Make sure that reports can be written to `out`, before there is one. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as refused:
        raise UsageError(f"cannot write to {out}: {refused.strerror}; --out names another place") from None


def fresh_report(folder: Path, since: float) -> ConformanceReport | None:
    """The report that a run wrote into its folder since then (time.time()); None if it left only an earlier one's."""
    path = folder / REPORT_FILE
    return load_report(path) if path.is_file() and path.stat().st_mtime >= since else None


def load_report(path: Path) -> ConformanceReport:
    """The report in a file. Raises UsageError, in one line, for one that is cut, foreign or of another version."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise UsageError(f"{path}: cannot be read: {missing.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply to be a {KIND}") from None
    except ValueError as cut:
        raise UsageError(f"{path}: is not whole JSON, was its run cut short? ({cut})") from None
    kind, version = (value.get("kind"), value.get("apiVersion")) if isinstance(value, dict) else (None, None)
    if kind != KIND:
        raise UsageError(f"{path}: is no {KIND}")
    if version != API_VERSION:
        raise UsageError(f"{path}: has apiVersion {version!r}; this Surveyor reads {API_VERSION!r}")
    wrong = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(value))
    if wrong is not None:
        where = "/".join(str(part) for part in wrong.absolute_path) or "the top"
        raise UsageError(f"{path}: at {where}: {wrong.message[:200]}")
    return ConformanceReport.from_json(value)
