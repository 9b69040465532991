"""Read what other load generators measured: the statistics of Locust, and the summary of k6.

Locust writes PREFIX_stats.csv and PREFIX_stats_history.csv with `--csv PREFIX` (Locust documentation, "Retrieve test
statistics in CSV format"), and k6 writes a summary with `--summary-export FILE` (k6 documentation, "End of test").
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field

from surveyor.confidence import Share, percents_around, share_of
from surveyor.errors import UsageError
from surveyor.input_files import REPORT_LIMIT, read_text
from surveyor.typed_json import read_json

__all__ = ["ALL", "CountedUntil", "ToolFigures", "find_tool_figures"]

ALL = "Aggregated"
"""What Locust calls the sum of all its requests."""

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]+)?%")
_COLUMNS = ("Name", "Request Count", "Failure Count", "50%", "99%")
_HISTORY = "_stats_history.csv"
_HISTORY_COLUMNS = ("Name", "Timestamp", "Total Request Count", "Total Failure Count")


class CountedUntil(NamedTuple):
    """The requests since the start of a run, and how many of them failed, at a POSIX time."""

    time: float
    requests: int
    failures: int


@dataclass(frozen=True)
class ToolFigures:
    """What a tool measured of the requests of one name, `Aggregated` for all.

    `percentiles`: wall seconds by percent, failed requests included. 0 % is the minimum and 100 % the maximum.
    `began`, `ended`: POSIX times, None if not known. Without a history the run had ended when its file was written.
    `is_timed`: the tool wrote a history, and `history` are the counts of these requests, if it has them. `part`: which
    part of the run it is about, "" for the whole; `unknown`: why nothing is known of that part.
    """

    tool: str
    name: str
    file: str
    failed: Share
    percentiles: Mapping[float, float]
    began: float | None = None
    ended: float | None = None
    is_timed: bool = False
    history: tuple[CountedUntil, ...] = ()
    part: str = ""
    unknown: str = ""

    def interval(self, percent: float, confidence: float) -> tuple[float, float, float] | None:
        """Return a percentile with bounds in wall seconds, as narrow as the known ones allow; None if it is unknown."""
        if percent not in self.percentiles:
            return None
        low, high = percents_around(percent, self.failed.count, confidence)
        below = [value for known, value in self.percentiles.items() if known <= low]
        above = [value for known, value in self.percentiles.items() if known >= high]
        return self.percentiles[percent], max(below, default=0.0), min(above, default=math.inf)


def find_tool_figures(place: Path) -> list[ToolFigures]:
    """Return the figures in a file, or in all files below a folder; none if there are none.

    Raises UsageError for a file that is broken, or of another version of its tool.
    """
    if place.is_file():
        return list(_locust(place) if place.suffix == ".csv" else _k6(place))
    tables = [path for path in sorted(place.rglob("*_stats.csv")) if path.is_file()]
    lone = [path for path in sorted(place.rglob(f"*{_HISTORY}")) if path.is_file() and _table_of(path) not in tables]
    summaries = [path for path in sorted(place.rglob("*.json")) if path.is_file() and _is_k6(path)]
    found = [figures for path in (*tables, *lone) for figures in _locust(path)]
    return found + [figures for path in summaries for figures in _k6(path)]


def _table_of(history: Path) -> Path:
    """Return the table of statistics that Locust writes beside a history."""
    return history.with_name(f"{history.name.removesuffix(_HISTORY)}_stats.csv")


def _locust(path: Path) -> Iterator[ToolFigures]:
    """Yield the figures in a table of statistics, or in a history alone, whose last rows are those of the whole run."""
    alone = path.name.endswith(_HISTORY)
    times_of = path if alone else path.with_name(f"{path.name.removesuffix('_stats.csv')}{_HISTORY}")
    if alone:
        timed = _rows(path, _HISTORY_COLUMNS)
        found, counts = list({_key(row): row for row in timed}.values()), _HISTORY_COLUMNS[2:]
    else:
        timed = _rows(times_of, _HISTORY_COLUMNS) if times_of.is_file() else []
        found, counts = _rows(path, _COLUMNS), _COLUMNS[1:3]
    if ALL not in [row["Name"] for row in found]:
        raise UsageError(f"{path}: has no row {ALL!r}: it is not complete")
    history = _history(times_of, timed)
    times = [row.time for rows in history.values() for row in rows]
    began, ended = (min(times), max(times)) if times else (None, path.stat().st_mtime)
    for row in found:
        yield replace(
            _locust_row(path, row, counts),
            began=began,
            ended=ended,
            is_timed=bool(times),
            history=history.get(_key(row), ()),
        )


def _key(row: Mapping[str | None, str | None]) -> tuple[str, str]:
    """Return the method and the name of the requests in a row."""
    return row.get("Type") or "", row["Name"] or ""


def _history(
    path: Path, rows: Sequence[Mapping[str | None, str | None]]
) -> dict[tuple[str, str], tuple[CountedUntil, ...]]:
    """Return the counts of each kind of requests, in the order of their times."""
    found: dict[tuple[str, str], list[CountedUntil]] = {}
    for row in rows:
        where = f"{path}, a row of {row['Name']!r}"
        time = _number(where, "Timestamp", row["Timestamp"])
        if time is None:
            raise UsageError(f"{path}: a row of {row['Name']!r} has no Timestamp")
        requests, failures = (int(_number(where, column, row[column]) or 0) for column in _HISTORY_COLUMNS[2:])
        found.setdefault(_key(row), []).append(CountedUntil(time, requests, failures))
    return {key: tuple(sorted(counts)) for key, counts in found.items()}


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str | None, str | None]]:
    rows = csv.DictReader(io.StringIO(read_text(path, REPORT_LIMIT)))
    try:
        missing = [column for column in columns if column not in (rows.fieldnames or ())]
        if missing:
            raise UsageError(
                f"{path}: expected statistics of Locust 1.0 or later (PREFIX_stats.csv, PREFIX{_HISTORY}), but "
                f"there is no column {missing[0]!r}"
            )
        return [dict(row) for row in rows]
    except csv.Error as error:
        raise UsageError(f"{path}:{rows.line_num}: is not a table: {error}") from None


def _locust_row(path: Path, row: Mapping[str | None, str | None], columns: Sequence[str]) -> ToolFigures:
    where = f"{path}, row {row['Name']!r}"
    counts = [_number(where, column, row[column]) for column in columns]
    requests, failures = (int(count) if count is not None else 0 for count in counts)
    if failures > requests:
        raise UsageError(f"{where}: {failures} failures of {requests} requests")
    percentiles = {
        float(column.rstrip("%")): value / 1_000
        for column, text in row.items()
        if column and _PERCENT.fullmatch(column) and (value := _number(where, column, text)) is not None
    }
    return ToolFigures("Locust", row["Name"] or "", path.name, share_of(failures, requests), percentiles)


def _number(where: str, column: str, text: str | None) -> float | None:
    """Return a number of 0 or more; None for what Locust writes if there were no requests."""
    if text in ("", "N/A"):
        return None
    try:
        value = float(text or "-")
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        shown = "nothing" if text is None else repr(text[:40])
        raise UsageError(f"{where}: {column}: expected a number of 0 or more, got {shown}")
    return value


_Count = Annotated[int, Meta(ge=0)]
_Milliseconds = Annotated[float, Meta(ge=0)]


class _Rate(Struct, frozen=True):
    """A metric of the kind Rate: how many samples were true, and how many were not."""

    passes: _Count
    fails: _Count


class _Trend(Struct, frozen=True):
    """A metric of the kind Trend, with the statistics that k6 computes by default and the 99th percentile."""

    minimum: _Milliseconds | None = field(name="min", default=None)
    median: _Milliseconds | None = field(name="med", default=None)
    p90: _Milliseconds | None = field(name="p(90)", default=None)
    p95: _Milliseconds | None = field(name="p(95)", default=None)
    p99: _Milliseconds | None = field(name="p(99)", default=None)
    maximum: _Milliseconds | None = field(name="max", default=None)


class _Metrics(Struct, frozen=True):
    http_req_failed: _Rate
    http_req_duration: _Trend


class _Summary(Struct, frozen=True):
    """The summary of k6, as far as it is read."""

    metrics: _Metrics


def _is_k6(path: Path) -> bool:
    """Return whether a JSON file is a summary of k6. Raises UsageError if it cannot be read."""
    content = read_json(path, object)
    metrics = content.get("metrics") if isinstance(content, dict) else None
    return isinstance(metrics, dict) and "http_req_failed" in metrics


def _k6(path: Path) -> Iterator[ToolFigures]:
    metrics = read_json(path, _Summary).metrics
    failed, trend = metrics.http_req_failed, metrics.http_req_duration
    known = {
        0.0: trend.minimum,
        50.0: trend.median,
        90.0: trend.p90,
        95.0: trend.p95,
        99.0: trend.p99,
        100.0: trend.maximum,
    }
    percentiles = {percent: value / 1_000 for percent, value in known.items() if value is not None}
    share = share_of(failed.passes, failed.passes + failed.fails)
    yield ToolFigures("k6", ALL, path.name, share, percentiles, ended=path.stat().st_mtime)
