"""Run one experiment and one load scenario after a survey, in parallel.

Each runs as its own command in a separate process: Locust patches sockets, and pytest runs only once in a process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console

from surveyor.report.file import load_report_since
from surveyor.report.merge import merge_reports
from surveyor.report.model import ConformanceReport
from surveyor.targets.model import Target

__all__ = ["PROGRAMS", "run_experiments_after_survey", "supports_experiments"]

PROGRAMS = {"load": "lose-one", "chaos": "kill-one-of-many"}
"""Programs by command, which is also the name of the folder below the survey's."""

SCALES = {"load": "15", "chaos": "10"}
"""Service seconds per wall second, chosen so that both end at about the same time."""

REQUIRED_FEATURES = frozenset({"cloudmap", "dns", "ecs", "ecs-processes"})


def supports_experiments(target: Target) -> bool:
    """Return whether Surveyor starts the target itself and the target has the features for killing tasks."""
    return target.start is not None and set(target.features or ()) >= REQUIRED_FEATURES


def run_experiments_after_survey(report: ConformanceReport, out: Path, target: str, seed: int) -> ConformanceReport:
    """Return the report of a survey with the results of an experiment and a scenario, whose reports are below `out`.

    Prints the scenario's results. If one of them leaves no report, the survey's `failure` says why.
    """
    typer.echo(f"client impact: {' and '.join(PROGRAMS.values())}, about 30 s")
    common = ["--target", target, "--seed", str(seed)]
    commands = {
        command: [command, name, *common, "--out", str(out / command), "--scale", SCALES[command]]
        for command, name in PROGRAMS.items()
    }
    interrupted, missing, since = False, [], time.time()
    try:
        with Console().status("calling while tasks are killed"):
            outputs = _run_in_parallel(commands)
    except KeyboardInterrupt:
        interrupted, outputs = True, {}
    reports = {command: load_report_since(out / command, since) for command in commands}
    for command, (stdout, stderr) in outputs.items():
        if reports[command] is None:
            reason = (stderr.strip().splitlines() or ["no error output"])[-1].removeprefix("surveyor: ")
            missing.append(f"{command} {PROGRAMS[command]} left no report: {reason}")
        elif command == "load":
            typer.echo(stdout[stdout.find(f"{PROGRAMS[command]}: ") :].rpartition("page: ")[0], nl=False)
    merged = merge_reports({command: part for command, part in reports.items() if part is not None}, report)
    for result in merged.experiments:
        if not result.clients:  # the scenario has printed its results
            typer.echo(f"{result.name}: {result.verdict}: {result.detail or result.title}")
    failure = "; ".join(filter(None, (merged.failure, *missing)))
    return replace(merged, failure=failure, interrupted=merged.interrupted or interrupted)


def _run_in_parallel(commands: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Return standard output and error of each command when all have ended.

    At Ctrl-C each of them is terminated: they run in separate sessions, which Ctrl-C does not reach.
    """
    surveyor = [sys.executable, "-m", "surveyor"]
    processes = {
        name: subprocess.Popen(
            [*surveyor, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for name, words in commands.items()
    }
    with ThreadPoolExecutor(len(processes)) as pool:
        futures = {name: pool.submit(process.communicate) for name, process in processes.items()}
        try:
            return {name: future.result() for name, future in futures.items()}
        except KeyboardInterrupt:
            for process in processes.values():
                process.terminate()
            raise
