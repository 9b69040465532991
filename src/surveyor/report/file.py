"""Write report.json atomically, and read it only if it is complete and of the known version."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import jsonschema

from surveyor.errors import UsageError
from surveyor.report.model import API_VERSION, KIND, ConformanceReport

__all__ = ["REPORT_FILE", "load_report", "load_report_since", "make_folder", "save_report", "schema"]


REPORT_FILE = "report.json"


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of report.json."""
    text = Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def save_report(report: ConformanceReport, path: Path) -> None:
    """Write the report atomically: a reader sees either the old file or the complete new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(path)


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
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply to be a {KIND}") from None
    except ValueError as error:
        raise UsageError(f"{path}: is not complete JSON, was its run cut short? ({error})") from None
    kind, version = (value.get("kind"), value.get("apiVersion")) if isinstance(value, dict) else (None, None)
    if kind != KIND:
        raise UsageError(f"{path}: is not a {KIND}")
    if version != API_VERSION:
        raise UsageError(f"{path}: has apiVersion {version!r}; this Surveyor reads {API_VERSION!r}: run again")
    problem = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(value))
    if problem is not None:
        where = "/".join(str(part) for part in problem.absolute_path) or "the top"
        raise UsageError(f"{path}: at {where}: {problem.message[:200]}")
    return ConformanceReport.from_json(value)
