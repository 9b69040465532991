"""Kill experiments with a service of others at random moments, sweep, and check that nothing of them is left.

`python -m tests.chaos.kills 30` does it thirty times on the profile `staging`; options: `--seed`, `--scale`,
`--within`, `--victim`. Of each third kill the victim is the runner with its watchdog, as of a machine that is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
from pathlib import Path

from surveyor.chaos.undo_log import is_held, open_entries
from surveyor.clock import WallClock
from surveyor.errors import WrongAnswer
from tests.chaos.services_on_staging import Staged, staged, start_chaos
from tests.in_vpc.staging_account import run_surveyor

__all__ = ["FAULTS", "kill_one", "watchdogs"]

FAULTS = ("task.kill", "registry.deregister-live", "registry.ghost", "registry.ttl", "service.scale")
VICTIMS = ("runner", "runner", "both")
COUNT = 4
STARTED_WITHIN, UNDONE_WITHIN, WHOLE_WITHIN = 60.0, 60.0, 120.0  # wall seconds


def watchdogs(out: Path) -> list[int]:
    """Return the watchdogs of a run, by the undo log in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdecimal() else []
        except OSError:
            continue  # it has ended
        if b"surveyor.chaos.watchdog" in words and any(word.startswith(str(out).encode()) for word in words):
            found.append(int(folder.name))
    return found


def kill_one(shop: Staged, name: str, out: Path, count: int, victim: str, seconds: float) -> tuple[int, list[str]]:
    """Kill an experiment with a service of `count` tasks, wall seconds after its first record, and sweep.

    Return how many steps were in effect, and what is left.
    """
    words = [word for fault in FAULTS for word in ("--fault", fault)]
    limits = ("--max-task-share", "1", "--min-healthy", "0", "--max-error-rate", "1", "--duration", "80")
    runner = start_chaos(shop, name, out, "any-fault", *words, *limits)
    log = out / "histories" / "undo-main.jsonl"
    WallClock().eventually(lambda: log.is_file() or runner.poll() is not None, within=STARTED_WITHIN)
    threading.Event().wait(seconds)
    for pid in [*(watchdogs(out) if victim == "both" else ()), runner.pid]:
        with contextlib.suppress(ProcessLookupError):  # it has ended in order
            os.kill(pid, signal.SIGKILL)
    runner.wait()
    in_effect = len(open_entries(log)) if log.is_file() else 0
    if log.is_file():
        WallClock().eventually(lambda: not is_held(log), within=UNDONE_WITHIN)  # the watchdog has ended
    swept = run_surveyor(shop.account, "sweep", str(out)) if out.is_dir() else None
    left = [f"sweep: {swept.stderr.strip()}"] if swept is not None and swept.returncode else []
    if log.is_file() and open_entries(log):
        left.append(f"{len(open_entries(log))} faults are not undone")
    try:
        shop.is_whole(name, count, WHOLE_WITHIN)
    except WrongAnswer:
        left += shop.differences(name, count)
    return in_effect, left


def main() -> int:
    """Print a line for each experiment; return 0 if nothing was left after any."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument(
        "--within", type=float, default=12.0, help="maximum wall seconds from the first record to the kill"
    )
    parser.add_argument("--victim", choices=sorted(set(VICTIMS)), help="default: in turn")
    arguments = parser.parse_args()
    moments, failures = random.Random(arguments.seed), 0
    sys.stdout.write(f"seed {arguments.seed}\n")
    with staged(arguments.scale) as shop, tempfile.TemporaryDirectory() as folder:
        shop.create("prey", COUNT)
        for number in range(arguments.count):
            victim, seconds = arguments.victim or VICTIMS[number % len(VICTIMS)], moments.uniform(0.0, arguments.within)
            in_effect, left = kill_one(shop, "prey", Path(folder) / str(number), COUNT, victim, seconds)
            failures += bool(left)
            said = f"left: {'; '.join(left)}" if left else "nothing is left"
            line = f"{number}: {victim} killed after {seconds:.1f} s with {in_effect} steps in effect; {said}"
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{failures} of {arguments.count} left something\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
