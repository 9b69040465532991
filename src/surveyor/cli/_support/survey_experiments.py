"""Run one experiment and one load scenario after a survey, in parallel.

Each runs as its own command in a separate process: Locust patches sockets, and pytest runs only once in a process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typer
from msgspec import structs
from rich.console import Console

from surveyor.machine import describe_busy, measure_slowdown
from surveyor.messages import UNTRUSTED
from surveyor.observers.keeping_up import SPEED
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import load_new_report, written_report
from surveyor.report.merge import merge_reports
from surveyor.report.model import ConformanceReport
from surveyor.targets.model import Target
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["PROGRAMS", "print_unjudged", "run_experiments_after_survey", "supports_experiments"]

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

    Prints the results that could be judged. One that leaves no report is inconclusive if this machine is too busy for
    it; otherwise the survey's `failure` says why.
    """
    typer.echo(f"client impact: {' and '.join(PROGRAMS.values())}, about 30 s")
    common = ["--target", target, "--seed", str(seed)]
    commands = {
        command: [command, name, *common, "--out", str(out / command), "--scale", SCALES[command]]
        for command, name in PROGRAMS.items()
    }
    before = {command: written_report(out / command) for command in commands}
    interrupted, missing = False, []
    unjudged: list[ExperimentReport] = []
    try:
        with Console().status("calling while tasks are killed"):
            outputs = _run_in_parallel(commands)
    except KeyboardInterrupt:
        interrupted, outputs = True, {}
    reports = {command: load_new_report(out / command, before[command]) for command in commands}
    parts = {command: part for command, part in reports.items() if part is not None}
    for command, (_, stderr) in outputs.items():
        if command in parts:
            continue
        reason = (stderr.strip().splitlines() or ["no error output"])[-1].removeprefix("surveyor: ")
        busy = "" if UNTRUSTED in reason else describe_busy(measure_slowdown())
        if busy or UNTRUSTED in reason:
            unjudged.append(_unjudged(command, "; ".join(filter(None, (busy, reason)))))
        else:
            missing.append(f"{command} {PROGRAMS[command]} left no report: {reason}")
    merged = merge_reports(parts, report)
    for result in merged.experiments:
        if result.clients and result.verdict is not Verdict.INCONCLUSIVE:
            stdout = outputs["load"][0] if "load" in outputs else ""
            typer.echo(stdout[stdout.find(f"{PROGRAMS['load']}: ") :].rpartition("page: ")[0], nl=False)
        elif result.verdict is not Verdict.INCONCLUSIVE:
            typer.echo(f"{result.name}: {result.verdict}: {result.detail or result.title}")
        if result.judged is not None and SPEED in result.judged.service:
            typer.echo(f"  {result.name}: {result.judged.service[SPEED]}")
    failure = "; ".join(filter(None, (merged.failure, *missing)))
    return structs.replace(
        merged,
        failure=failure,
        interrupted=merged.interrupted or interrupted,
        experiments=(*merged.experiments, *unjudged),
    )


def _unjudged(command: str, reason: str) -> ExperimentReport:
    """Return the result of a program that left no report."""
    name = PROGRAMS[command]
    return ExperimentReport(name, f"surveyor {command} {name}", Verdict.INCONCLUSIVE, "", reason, "", None, None)


def print_unjudged(report: ConformanceReport) -> None:
    """Print a line about each part of a survey that could not be judged, and that it does not count."""
    claims = [claim for claim in report.claims if claim.verdict is Verdict.INCONCLUSIVE]
    for area in dict.fromkeys(claim.area for claim in claims):
        ids = [claim.id for claim in claims if claim.area == area]
        plural = "s" if len(ids) > 1 else ""
        typer.echo(f"not judged, and not counted as failed: {len(ids)} claim{plural} of {area} ({', '.join(ids)})")
    for result in report.experiments:
        if result.verdict is Verdict.INCONCLUSIVE:
            typer.echo(f"not judged, and not counted as failed: {result.name}: {one_line(result.detail)}")


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
