"""`make bench`: the figures of the embedded target beside those of others, measured in one run on this machine.

Absolute figures drift with the machine; the ratios at the end are what is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import attempts, names, registry, sidecars, tasks, undoing
from bench.goals import Goal, goals
from bench.registry import Row
from bench.servers import CONTESTANTS, version

OUT = Path("reports/out/bench.json")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=2.0, help="wall seconds of each load (%(default)s)")
    parser.add_argument("--only", choices=["registry", "dns", "tasks", "chaos", "load"], help="one part alone")
    given = parser.parse_args()
    # Ended from outside, it leaves no server behind: what was started is stopped on the way out of an exception.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    began = time.monotonic()
    progress = Console(stderr=True)

    def tell(text: str) -> None:
        progress.print(f"[{time.monotonic() - began:5.0f} s] {text}", highlight=False, markup=False)

    rows: list[Row] = []
    if given.only in (None, "registry"):
        for contestant in CONTESTANTS:
            rows += registry.measure(contestant, given.seconds, tell)
    if given.only in (None, "tasks"):
        rows += tasks.measure(CONTESTANTS[0], tell)
        rows += sidecars.measure(CONTESTANTS[0], tell)
    if given.only in (None, "chaos"):
        rows += undoing.measure(CONTESTANTS[0], tell)
    if given.only in (None, "load"):
        rows += attempts.measure(max(2.0, given.seconds), tell)
    if given.only in (None, "dns"):
        rows += names.measure(CONTESTANTS[0], max(2.0, given.seconds), tell)
    _print(rows, goals(rows))
    _keep(rows)


def _print(rows: list[Row], reached: list[Goal]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 130)
    versions = ", ".join(f"{one.name} {version(one)}" for one in CONTESTANTS)
    console.print(f"{versions}; Python {platform.python_version()}; {os.cpu_count()} processors", highlight=False)
    servers = list(dict.fromkeys(row.server for row in rows))
    table = Table("figure", *servers)
    for column in table.columns[1:]:
        column.justify = "right"
    for figure in dict.fromkeys(row.figure for row in rows):
        found = {row.server: row for row in rows if row.figure == figure}
        table.add_row(figure, *(_cell(found.get(server)) for server in servers))
    console.print(table)
    console.print("Rates are calls a wall second; behind them p50 and p99 in wall milliseconds.\n", highlight=False)
    table = Table("to reach", "as a ratio", "measured", "")
    for goal in reached:
        table.add_row(goal.what, goal.wanted, f"{goal.measured:.2f}", "reached" if goal.reached else "NOT REACHED")
    console.print(table)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    value = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.2f}"
    latency = f"  {row.p50:.2f} / {row.p99:.2f}" if row.p50 is not None and row.p99 is not None else ""
    return f"{value} {row.unit}{latency}"


def _keep(rows: list[Row]) -> None:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    Console().print(f"Figures kept in {OUT}", highlight=False)


if __name__ == "__main__":
    main()
