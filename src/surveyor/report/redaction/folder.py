"""Copy the folder of a run with placeholders in place of private values; the folder itself stays as it is.

Copied are reports, histories with their judgements, tallies, recordings and logs. Pages, summaries and results for
other tools are made anew from the redacted reports. Everything else is left out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from surveyor.checkers import VERDICT_SUFFIX
from surveyor.claims import load_claims
from surveyor.errors import UsageError
from surveyor.history.lines import KIND as HISTORY_KIND
from surveyor.input_files import REPORT_LIMIT, is_file, read_text
from surveyor.layout import Layout
from surveyor.output_files import write_text
from surveyor.report.file import REPORT_FILE, load_report, save_report
from surveyor.report.model import ConformanceReport
from surveyor.report.outputs import ALLURE_FOLDER, JUNIT_FILE, PAGE_FILE, SUMMARY_FILE, save_outputs
from surveyor.report.redaction.public import public_words
from surveyor.report.redaction.redactor import Redactor
from surveyor.typed_json import dump_json, parse_json, read_content

__all__ = ["MARK_FILE", "RedactedFolder", "redact_folder", "redact_report"]

MARK_FILE = "redacted.txt"
"""Written into the copy; a folder with it may be replaced by another copy."""

_MARK = "Written by `surveyor report redact`: placeholders such as vpc-redacted-1 stand for private values.\n"
_DERIVED = (PAGE_FILE, JUNIT_FILE, SUMMARY_FILE, ALLURE_FOLDER, MARK_FILE)
_JSON_FILES = ("tally.json", "recordings.json", "model.json")
_LOCKS = ".lock"


@dataclass(frozen=True)
class RedactedFolder:
    """The copy: its folder, its files, `left_out` with the reasons, and the number of different values replaced."""

    folder: Path
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    values: int


@dataclass
class _Contents:
    """The files of a run by their paths below its folder: values of JSON, lines of JSON, texts, reports."""

    reports: dict[str, ConformanceReport] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def redact_report(report: ConformanceReport, layout: Layout) -> ConformanceReport:
    """Return a report with placeholders in place of what belongs to an account or to this machine."""
    redactor = Redactor(public_words(layout))
    redactor.collect_machine(layout.root, layout.out)
    redactor.collect(msgspec.to_builtins(report))
    return _report(report, redactor)


def redact_folder(source: Path, out: Path, layout: Layout) -> RedactedFolder:
    """Write a redacted copy of the folder of a run to `out`, as a whole or not at all.

    Raises UsageError if it has no report that this Surveyor reads, or if `out` cannot be written or holds other files.
    """
    _check(source, out)
    contents = _read(source)
    redactor = Redactor(public_words(layout))
    redactor.collect_machine(source, layout.root)
    _collect_origin(source, redactor)
    redactor.collect([msgspec.to_builtins(report) for report in contents.reports.values()])
    redactor.collect([*contents.values.values(), *contents.lines.values(), *contents.texts.values()])
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        files = _write(contents, redactor, fresh, layout)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    except OSError as error:
        raise UsageError(
            f"cannot write to {out}: {error.strerror or error}; choose another folder with --out"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return RedactedFolder(out, tuple(files), tuple(contents.left_out), redactor.count)


def _check(source: Path, out: Path) -> None:
    if not source.is_dir():
        raise UsageError(f"{source}: is not the folder of a run; name the folder that holds its {REPORT_FILE}")
    report = source / REPORT_FILE
    if report.is_symlink() or not is_file(report):
        raise UsageError(f"{source}: holds no {REPORT_FILE}, so it is not the folder of a run")
    here, there = source.resolve(), out.resolve()
    if here == there or there.is_relative_to(here) or here.is_relative_to(there):
        raise UsageError(f"{out}: the copy must be outside of {source}; choose another folder with --out")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out}: is no folder; choose another one with --out")
    if out.is_dir() and any(out.iterdir()) and not is_file(out / MARK_FILE):
        raise UsageError(f"{out}: holds other files already; choose another folder with --out")


def _read(source: Path) -> _Contents:
    contents = _Contents()
    contents.reports[REPORT_FILE] = load_report(source / REPORT_FILE)
    for path in _files(source, contents.left_out):
        name = path.relative_to(source).as_posix()
        if name == REPORT_FILE:
            continue
        try:
            if not _read_file(path, name, contents):
                contents.left_out.append(f"{name}: not a file of a report")
        except (UsageError, ValueError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            contents.left_out.append(f"{name}: {reason}")
    return contents


def _files(source: Path, left_out: list[str]) -> Iterator[Path]:
    """Yield the files of a folder in the order of their names; links, and what is derived from reports, are not."""

    def refuse(error: OSError) -> None:
        left_out.append(f"{Path(error.filename).relative_to(source).as_posix()}: {error.strerror}")

    for folder, folders, files in os.walk(source, onerror=refuse):
        here = Path(folder)
        has_report = REPORT_FILE in files
        for name in sorted((*folders, *files)):
            path = here / name
            if path.is_symlink():
                left_out.append(f"{path.relative_to(source).as_posix()}: a link")
            elif name in files and not (has_report and name in _DERIVED):
                yield path
        folders[:] = sorted(
            name for name in folders if not (here / name).is_symlink() and not (has_report and name == ALLURE_FOLDER)
        )


def _read_file(path: Path, name: str, contents: _Contents) -> bool:
    """Read a file; return False if its kind is not known. Raises UsageError or ValueError if it cannot be read."""
    if path.name == REPORT_FILE:
        contents.reports[name] = load_report(path)
    elif path.name.endswith(VERDICT_SUFFIX) or path.name in _JSON_FILES:
        contents.values[name] = parse_json(read_content(path), Any)
    elif path.suffix == ".jsonl":
        first, *others = read_text(path, REPORT_LIMIT).splitlines() or [""]
        if f'"{HISTORY_KIND}"' not in first:
            return False
        contents.lines[name] = [parse_json(line, Any) for line in (first, *others) if line]
    elif path.suffix == ".toml" and "[[recording]]" in (text := read_text(path, REPORT_LIMIT)):
        contents.texts[name] = text
    elif path.suffix == ".log" or (path.name.startswith("surveyor-error-") and path.suffix == ".txt"):
        contents.texts[name] = read_text(path, REPORT_LIMIT)
    else:
        return False
    return True


def _collect_origin(source: Path, redactor: Redactor) -> None:
    """Collect what run.json and the ledgers say of the account and the machine of the run; they are not copied."""
    for path in (source / "run.json", *sorted(source.glob("ledger-*.jsonl"))):
        if path.is_symlink() or not is_file(path):
            continue
        try:
            first = next(iter(read_text(path, REPORT_LIMIT).splitlines()), "") if path.suffix == ".jsonl" else None
            found = parse_json(read_content(path) if first is None else first, dict[str, Any])
        except (UsageError, ValueError):
            continue  # a ledger whose first line was cut short; the report has its own values
        redactor.collect(found)
        options = found.get("options")
        for members in (found, options if isinstance(options, dict) else {}):
            redactor.collect_account(str(members.get("account") or ""))
        redactor.collect_host(str(found.get("host") or ""))


def _write(contents: _Contents, redactor: Redactor, folder: Path, layout: Layout) -> list[str]:
    claims = load_claims(layout.claims)
    written: list[str] = []

    def place(name: str) -> Path:
        safe = "/".join(redactor.text(part) for part in name.split("/"))
        written.append(safe)
        path = folder / safe
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    for name, report in contents.reports.items():
        redacted = _report(report, redactor)
        path = place(name)
        save_report(redacted, path)
        save_outputs(redacted, claims, path.parent)
    for name, value in contents.values.items():
        write_text(place(name), dump_json(redactor.json(value), indent=1))
    for name, lines in contents.lines.items():
        write_text(place(name), _lines(redactor.json(line) for line in lines))
    for name, text in contents.texts.items():
        write_text(place(name), redactor.text(text))
    write_text(folder / MARK_FILE, _MARK)
    return written


def _lines(values: Iterable[Any]) -> str:
    return "".join(f"{dump_json(value, indent=None).rstrip()}\n" for value in values)


def _report(report: ConformanceReport, redactor: Redactor) -> ConformanceReport:
    redacted = redactor.report(msgspec.to_builtins(report))
    whole = parse_json(dump_json(redacted), ConformanceReport)
    return structs.replace(whole, seed=report.seed)
