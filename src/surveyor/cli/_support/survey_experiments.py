"""How a survey ends: one experiment and one load scenario, at the same time, as their own commands do them.

They have processes of their own: Locust patches sockets, and pytest runs once in a process.
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

from surveyor.report.file import fresh_report
from surveyor.report.merge import joined
from surveyor.report.model import ConformanceReport
from surveyor.targets.model import Target

__all__ = ["PROGRAMS", "run_experiments_after_survey", "supports_experiments"]

PROGRAMS = {"load": "lose-one", "chaos": "kill-one-of-many"}
"""By the command that does it, which is also the folder below the survey's."""

SCALES = {"load": "15", "chaos": "10"}
"""Service seconds a second: both are over at about the same time."""

NEEDS = frozenset({"cloudmap", "dns", "ecs", "ecs-processes"})


def supports_experiments(target: Target) -> bool:
    """Whether it is Surveyor's own to kill tasks of, and has what that takes."""
    return target.start is not None and set(target.features or ()) >= NEEDS


def run_experiments_after_survey(report: ConformanceReport, out: Path, target: str, seed: int) -> ConformanceReport:
    """The report of a survey with what an experiment and a scenario show, whose own reports are below `out`.

    What the scenario has to say is printed. Where one of them leaves no report, the survey's tells why as its failure.
    """
    typer.echo(f"what callers feel: {' and '.join(PROGRAMS.values())}, about 30 s")
    common = ["--target", target, "--seed", str(seed)]
    commands = {
        command: [command, name, *common, "--out", str(out / command), "--scale", SCALES[command]]
        for command, name in PROGRAMS.items()
    }
    interrupted, missing, since = False, [], time.time()
    try:
        with Console().status("calling while tasks are killed"):
            said = _together(commands)
    except KeyboardInterrupt:
        interrupted, said = True, {}
    found = {command: fresh_report(out / command, since) for command in commands}
    for command, (told, complained) in said.items():
        if found[command] is None:
            why = (complained.strip().splitlines() or ["it said nothing"])[-1].removeprefix("surveyor: ")
            missing.append(f"{command} {PROGRAMS[command]} left no report: {why}")
        elif command == "load":
            typer.echo(told[told.find(f"{PROGRAMS[command]}: ") :].rpartition("page: ")[0], nl=False)
    whole = joined({command: part for command, part in found.items() if part is not None}, report)
    for one in whole.experiments:
        if not one.clients:  # the scenario has told of itself
            typer.echo(f"{one.name}: {one.verdict}: {one.detail or one.title}")
    failure = "; ".join(filter(None, (whole.failure, *missing)))
    return replace(whole, failure=failure, interrupted=whole.interrupted or interrupted)


def _together(commands: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """What each says to standard output and error, when all have ended.

    Who is interrupted tells each of them once: they are in sessions of their own, where Ctrl-C does not come too.
    """
    surveyor = [sys.executable, "-m", "surveyor"]
    begun = {
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
    with ThreadPoolExecutor(len(begun)) as pool:
        waiting = {name: pool.submit(process.communicate) for name, process in begun.items()}
        try:
            return {name: one.result() for name, one in waiting.items()}
        except KeyboardInterrupt:
            for process in begun.values():
                process.terminate()
            raise
