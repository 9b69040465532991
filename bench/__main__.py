"""`make bench`: compare the embedded target with other servers, measured in one run on this machine.

Absolute figures depend on the machine; the goals at the end are ratios.
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

from bench import attempts, ceiling, conformance, dns_servers, door, recovery, registry, sidecars, tasks
from bench.goals import Goal, check_goals
from bench.registry import Measurement
from bench.servers import SERVERS

OUT = Path("reports/out/bench.json")
PARTS = ("start", "ceiling", "door", "registry", "tasks", "chaos", "load", "dns", "conformance")


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=2.0, help="wall seconds of each load (%(default)s)")
    parser.add_argument("--only", choices=PARTS, help="measure one part only")
    options = parser.parse_args()
    # At SIGTERM the servers are stopped as well: an exception runs the clean-up of their context managers.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    began = time.monotonic()
    console = Console(stderr=True)

    def print_progress(text: str) -> None:
        console.print(f"[{time.monotonic() - began:5.0f} s] {text}", highlight=False, markup=False)

    measurements: list[Measurement] = []
    if options.only in (None, "start"):
        measurements += registry.measure_start(SERVERS, print_progress)
    if options.only in (None, "ceiling"):
        measurements += ceiling.measure(SERVERS[0], options.seconds, print_progress)
    if options.only in (None, "door"):
        measurements += door.measure(SERVERS[0], options.seconds, print_progress)
    if options.only in (None, "registry"):
        for spec in SERVERS:
            measurements += registry.measure(spec, options.seconds, print_progress)
    if options.only in (None, "tasks"):
        measurements += tasks.measure(SERVERS[0], print_progress)
        measurements += sidecars.measure(SERVERS[0], print_progress)
    if options.only in (None, "chaos"):
        measurements += recovery.measure(SERVERS[0], print_progress)
    if options.only in (None, "load"):
        measurements += attempts.measure(max(2.0, options.seconds), print_progress)
    if options.only in (None, "dns"):
        measurements += dns_servers.measure(SERVERS[0], max(2.0, options.seconds), print_progress)
    if options.only in (None, "conformance"):
        measurements += conformance.measure(SERVERS[0], print_progress)
    _print(measurements, check_goals(measurements))
    _save(measurements)


def _print(measurements: list[Measurement], goals: list[Goal]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 130)
    versions = ", ".join(f"{spec.name} {spec.version}" for spec in SERVERS)
    console.print(f"{versions}; Python {platform.python_version()}; {os.cpu_count()} processors", highlight=False)
    servers = list(dict.fromkeys(measurement.server for measurement in measurements))
    table = Table("figure", *servers)
    for column in table.columns[1:]:
        column.justify = "right"
    for figure in dict.fromkeys(measurement.figure for measurement in measurements):
        by_server = {measurement.server: measurement for measurement in measurements if measurement.figure == figure}
        table.add_row(figure, *(_format_cell(by_server.get(server)) for server in servers))
    console.print(table)
    console.print(
        "Rates are calls per wall second, followed by p50 / p99 latency in wall milliseconds.\n", highlight=False
    )
    table = Table("goal", "limit", "measured", "")
    for goal in goals:
        table.add_row(goal.name, goal.limit, f"{goal.measured:.2f}", "reached" if goal.reached else "NOT REACHED")
    console.print(table)


def _format_cell(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    value = f"{measurement.value:,.0f}" if measurement.value >= 100 else f"{measurement.value:.2f}"
    latency = ""
    if measurement.p50 is not None and measurement.p99 is not None:
        latency = f"  {measurement.p50:.2f} / {measurement.p99:.2f}"
    return f"{value} {measurement.unit}{latency}"


def _save(measurements: list[Measurement]) -> None:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(measurement) for measurement in measurements], indent=1) + "\n")
    Console().print(f"Figures saved in {OUT}", highlight=False)


if __name__ == "__main__":
    main()
