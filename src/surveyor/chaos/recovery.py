"""Undo the faults of experiments whose process was killed together with its watchdog, by their undo logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from surveyor.chaos.undo_log import is_held, open_entries, read_target
from surveyor.chaos.watchdog import is_started_for_run, undo_all
from surveyor.errors import SurveyorError
from surveyor.in_vpc import enclosing

__all__ = ["faults_in_effect", "undo_killed"]

LOGS = "undo-*.jsonl"
"""Undo logs, in the folder of a run's histories."""


def faults_in_effect(folder: Path, run: str | None = None) -> list[str]:
    """Return the faults in effect by the undo logs below a folder, of one run or of all. Raises SurveyorError."""
    found = []
    for path in sorted(folder.rglob(LOGS)):
        target, entries = read_target(path), open_entries(path)
        if target is None or run not in (None, target.run):
            continue
        if entries and not is_started_for_run(target):
            found += [entry.fault for entry in entries]
    return found


def undo_killed(
    folders: Iterable[Path], report: Callable[[str], object], run: str | None = None
) -> tuple[int, dict[Path, str]]:
    """Undo what logs below folders list as in effect, of one run or of all; return how many, and where that failed.

    A log that an experiment or its watchdog still holds is left alone, and so is one of a target that was started for
    its run and ended with it, and one of a task in which a command ran, which is undone when that task is stopped.
    """
    undone, failed = 0, dict[Path, str]()
    for path in sorted({path for folder in folders for path in folder.rglob(LOGS)}):
        if enclosing(path.parent) is not None:
            continue
        try:
            target = read_target(path)
            if target is None or run not in (None, target.run) or not open_entries(path):
                continue
            if is_started_for_run(target):
                continue
            if is_held(path):
                failed[path] = "its experiment, or what undoes it, is still running on this machine"
                continue
            for line in undo_all(path):
                undone += line.startswith("undone")
                report(f"{target.run or path.parent.parent.name}: {line}")
        except SurveyorError as error:
            failed[path] = str(error)
    return undone, failed
