"""The watchdog: a process that undoes the faults of an experiment whose process was killed.

It is started before the first fault on a target that outlives the run. It reads from a pipe to which nothing is written
until the end: when the pipe closes, the experiment's process has ended, and the faults that its undo log still lists
are undone. Then the resources that the run created are deleted, by its ledgers.
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
from surveyor.account.naming import strings
from surveyor.chaos.actions import ActionContext, ApiAction, FaultFailed, Restoration, perform
from surveyor.chaos.undo_log import UndoLog, UndoTarget, open_entries, read_target
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.credentials import open_session
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions, split_features
from surveyor.targets.running import reach_target
from surveyor.targets.sweep import RunStillActive, sweep_folder
from surveyor.terminal import guard_errors

__all__ = ["is_started_for_run", "main", "undo_all", "watched"]

SWEEP_TRIES = 20
SWEEP_WAIT = 0.5  # wall seconds; workers of a killed run need a moment to end


@contextmanager
def watched(undo_log: UndoLog, ledgers: Path) -> Iterator[None]:
    """Run a watchdog for this process while the block runs; its own log is written beside the undo log.

    The undo log names its target already: the watchdog gets the credentials of the run while this process lives. It
    holds the log from its start to its end.
    """
    with undo_log.path.with_suffix(".log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "surveyor.chaos.watchdog", str(undo_log.path), str(ledgers)],
            pass_fds=(undo_log.descriptor,),
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
    """Wait for the other process to end, then undo; return exit status 1 if something could not be undone."""
    guard_errors()
    parser = argparse.ArgumentParser("surveyor.chaos.watchdog")
    parser.add_argument("undo_log", type=Path)
    parser.add_argument("ledgers", type=Path, help="the folder of the run's ledgers")
    options = parser.parse_args(arguments)
    return _wait_and_undo(options.undo_log, options.ledgers)


def _wait_and_undo(undo_log: Path, ledgers: Path) -> int:
    _take_credentials(undo_log)
    done = sys.stdin.buffer.read().endswith(b"done\n")
    try:
        if done and not open_entries(undo_log):
            return 0
        for line in undo_all(undo_log):
            print(line, file=sys.stderr, flush=True)  # noqa: T201  # goes to the watchdog's log
        if not done:  # a run that ended in order deletes what it created by itself
            _sweep(undo_log, ledgers)
    except SurveyorError as error:
        print(f"surveyor: {error}", file=sys.stderr, flush=True)  # noqa: T201  # goes to the watchdog's log
        return 1
    return 0


def _take_credentials(undo_log: Path) -> None:
    """Keep the credentials of the run in this process; without any, undoing looks for them again."""
    try:
        target = read_target(undo_log)
        if target is not None:
            open_session(_load_target(target))
    except SurveyorError as error:
        print(f"surveyor: {error}", file=sys.stderr, flush=True)  # noqa: T201  # goes to the watchdog's log


def undo_all(path: Path) -> list[str]:
    """Undo the faults that an undo log lists as open; return one line for each. Raises SurveyorError."""
    target, entries = read_target(path), open_entries(path)
    if target is None or not entries:
        return ["no fault was in effect"]
    undone: list[str] = []
    failed: list[str] = []
    with reach_target(_load_target(target), 0) as running:
        context = ActionContext(
            lambda service: running.clients.client(service, target.account, target.region), running.control
        )
        undo_log = UndoLog(path, target)
        for entry in entries:
            try:
                for action in entry.undo:
                    if isinstance(action, ApiAction):  # the log names what the user opted in
                        method = context.client(action.service).meta.method_to_api_mapping[action.method]
                        running.clients.permit([f"{action.service}:{method}"], *strings(action.params))
                    elif isinstance(action, Restoration):
                        running.clients.permit(action.calls, *strings(action.params))
                    if left := perform(action, context, undoing=True).left:
                        undone.append(f"not undone, since another user changed it: {left}")
            except FaultFailed as error:
                failed.append(f"{entry.fault}: {error}")
                continue
            undo_log.mark_undone(entry.number)
            undone.append(f"undone: {entry.fault}")
        undo_log.close()
    if failed:
        raise SurveyorError(f"could not undo {'; '.join(failed)}")
    return undone


def is_started_for_run(target: UndoTarget) -> bool:
    """Return whether the target of an undo log was started for its run. Raises SurveyorError."""
    return _load_target(target).start is not None


def _sweep(undo_log: Path, ledgers: Path) -> None:
    target = read_target(undo_log)
    if target is None or not ledgers_in(ledgers):
        return
    for tries_left in reversed(range(SWEEP_TRIES)):
        try:
            sweep_folder(ledgers, _load_target(target), reach_target)
        except RunStillActive:
            if not tries_left:
                raise
            threading.Event().wait(SWEEP_WAIT)
        else:
            return


def _load_target(target: UndoTarget) -> Target:
    parser = argparse.ArgumentParser()
    for name in ("account", "region", "endpoint", "dns", "vpc", "role", "budget", "profile", "consumer-profile"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--enable", action="append", default=[])
    options = vars(parser.parse_args(list(target.arguments)))
    options["enable"] = split_features(options["enable"])
    return load_target(target.target, find_layout().targets, TargetOptions(**options), "read")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
