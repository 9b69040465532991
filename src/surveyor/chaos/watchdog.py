"""Undoes what an experiment left on when whoever ran it was killed.

A process of its own, started before the first fault on a target that outlives us. It reads from a pipe that nobody
writes to: when the pipe ends, its other side has ended, and what the journal says is still on is undone. Then what the
run created is taken away, by its ledgers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from surveyor.account.ledger import ledgers_in
from surveyor.chaos.actions import ActionContext, FaultFailed, perform
from surveyor.chaos.undo_log import Place, UndoLog, open_entries, place_of
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions, allowed_words
from surveyor.targets.running import run_target
from surveyor.targets.sweep import RunStillActive, sweep_folder

__all__ = ["main", "undo_all", "watched"]

SWEEP_TRIES = 20
SWEEP_WAIT = 0.5  # wall seconds; workers of a killed run need a moment to end


@contextmanager
def watched(journal: Path, ledgers: Path) -> Iterator[None]:
    """Have a watchdog wait for this process to end while the block runs; its log stands beside the journal."""
    with journal.with_suffix(".log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "surveyor.chaos.watchdog", str(journal), str(ledgers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the experiment, which undoes by itself
        )
    assert process.stdin is not None
    try:
        yield
    finally:
        process.stdin.write(b"done\n")
        process.stdin.close()
        process.wait()


def main(arguments: Sequence[str]) -> int:
    """Wait, and undo; the exit status is 1 if something could not be undone."""
    parser = argparse.ArgumentParser("surveyor.chaos.watchdog")
    parser.add_argument("journal", type=Path)
    parser.add_argument("ledgers", type=Path, help="the folder of the run's ledgers")
    given = parser.parse_args(arguments)
    done = sys.stdin.buffer.read().endswith(b"done\n")
    try:
        if done and not open_entries(given.journal):
            return 0
        for line in undo_all(given.journal):
            print(line, file=sys.stderr, flush=True)  # noqa: T201  # its log
        if not done:  # who has ended in order takes away what was created
            _sweep(given.journal, given.ledgers)
    except SurveyorError as wrong:
        print(f"surveyor: {wrong}", file=sys.stderr, flush=True)  # noqa: T201  # its log
        return 1
    return 0


def undo_all(path: Path) -> list[str]:
    """Undo what a journal says is on; a line for each fault. Raises SurveyorError."""
    place, entries = place_of(path), open_entries(path)
    if place is None or not entries:
        return ["nothing was on"]
    told: list[str] = []
    failed: list[str] = []
    with run_target(_target(place), 0) as running:
        hands = ActionContext(
            lambda service: running.clients.client(service, place.account, place.region), running.control
        )
        journal = UndoLog(path, place)
        for entry in entries:
            try:
                for step in entry.undo:
                    perform(step, hands, again=True)
            except FaultFailed as wrong:
                failed.append(f"{entry.fault}: {wrong}")
                continue
            journal.undone(entry.number)
            told.append(f"undone: {entry.fault}")
        journal.close()
    if failed:
        raise SurveyorError(f"could not undo {'; '.join(failed)}")
    return told


def _sweep(journal: Path, ledgers: Path) -> None:
    place = place_of(journal)
    if place is None or not ledgers_in(ledgers):
        return
    for left in reversed(range(SWEEP_TRIES)):
        try:
            sweep_folder(ledgers, _target(place), run_target)
        except RunStillActive:
            if not left:
                raise
            threading.Event().wait(SWEEP_WAIT)
        else:
            return


def _target(place: Place) -> Target:
    parser = argparse.ArgumentParser()
    for name in ("account", "region", "endpoint", "dns", "vpc", "role", "budget"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--allow", action="append", default=[])
    told = vars(parser.parse_args(list(place.given)))
    told["allow"] = allowed_words(told["allow"])
    return load_target(place.target, find_layout().targets, TargetOptions(**told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
