"""How a survey ends: one experiment and one load scenario, at the same time, as their own commands do them.

They have processes of their own: Locust patches sockets, and pytest runs once in a process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console

from surveyor.report.file import REPORT_FILE, load_report
from surveyor.report.joining import joined
from surveyor.report.model import ConformanceReport
from surveyor.targets.model import Target

__all__ = ["PROGRAMS", "can_be_felt", "with_what_is_felt"]

PROGRAMS = {"load": "lose-one", "chaos": "kill-one-of-many"}
"""By the command that does it, which is also the folder below the survey's."""

SCALES = {"load": "15", "chaos": "10"}
"""Service seconds a second: both are over at about the same time."""

NEEDS = frozenset({"cloudmap", "dns", "ecs", "ecs-processes"})


def can_be_felt(target: Target) -> bool:
    """Whether it is Surveyor's own to kill tasks of, and has what that takes."""
    return target.start is not None and set(target.features or ()) >= NEEDS


def with_what_is_felt(report: ConformanceReport, out: Path, target: str, seed: int) -> ConformanceReport:
    """The report of a survey with what an experiment and a scenario show, whose own reports are below `out`.

    What the scenario has to say is printed. Where one of them leaves no report, the survey's tells why as its failure.
    """
    typer.echo(f"what callers feel: {' and '.join(PROGRAMS.values())}, about 30 s")
    commands = {
        command: [
            command,
            name,
            "--out",
            str(out / command),
            "--target",
            target,
            "--seed",
            str(seed),
            "--scale",
            SCALES[command],
        ]
        for command, name in PROGRAMS.items()
    }
    interrupted, failures = False, [report.failure]
    try:
        with Console().status("calling while tasks are killed"):
            said = _together(commands)
    except KeyboardInterrupt:
        interrupted, said = True, {}
    for command, (told, complained) in said.items():
        if not (out / command / REPORT_FILE).is_file():
            why = (complained.strip().splitlines() or ["it said nothing"])[-1].removeprefix("surveyor: ")
            failures.append(f"{command} {PROGRAMS[command]} left no report: {why}")
        elif command == "load":
            typer.echo(told[told.find(f"{PROGRAMS[command]}: ") :].rpartition("page: ")[0], nl=False)
    parts = {one: load_report(out / one / REPORT_FILE) for one in commands if (out / one / REPORT_FILE).is_file()}
    whole = joined(parts, report)
    return replace(whole, failure="; ".join(filter(None, failures)), interrupted=whole.interrupted or interrupted)


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
