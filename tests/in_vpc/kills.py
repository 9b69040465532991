"""Kill commands inside a VPC at random moments, or the runs that wait for them, sweep, and check what is left.

`python -m tests.in_vpc.kills 10` does it ten times; options: `--seed`, `--scale`, `--within`, `--victim`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from surveyor_agents import vantage
from surveyor_agents.remote_command import SOCKET_VARIABLE
from tests.account.conftest import EmulatorAccount
from tests.in_vpc.staging_account import in_vpc_words, inventory, make_task_role, run_surveyor, staging

__all__ = ["command_processes", "kill_after", "task_processes"]

VICTIMS = ("task", "runner")


def task_processes(account: EmulatorAccount) -> list[int]:
    """Return the processes of programs in tasks of an account: they have the URL of their first message there."""
    return _processes(f"{vantage.FIRST}={account.endpoint}/")


def command_processes(account: EmulatorAccount) -> list[int]:
    """Return the processes of commands in tasks of an account: they have a socket for confirmations."""
    return [pid for pid in _processes(f"AWS_ENDPOINT_URL={account.endpoint}") if pid in _processes(SOCKET_VARIABLE)]


def _processes(text: str) -> list[int]:
    """Return the processes that have a text in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and text.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def kill_after(account: EmulatorAccount, process: subprocess.Popen[str], victim: str, seconds: float) -> bool:
    """Kill the task or the run after wall seconds; return whether there was something to kill."""
    threading.Event().wait(seconds)
    if victim == "runner":
        is_there = process.poll() is None
        process.kill()
        return is_there
    victims = task_processes(account)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    return bool(victims)


def main() -> int:
    """Print a line for each run; return 0 if nothing was left after any sweep."""
    parser = argparse.ArgumentParser(prog="python -m tests.in_vpc.kills")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--within", type=float, default=60.0, help="maximum wall seconds until the kill")
    parser.add_argument("--victim", choices=VICTIMS, help="default: both in turn")
    parser.add_argument("command", nargs="*", default=["chaos", "kill-half"])
    arguments = parser.parse_args()
    moments, failures = random.Random(arguments.seed), 0
    sys.stdout.write(f"seed {arguments.seed}\n")
    with staging(arguments.scale) as account:
        role = make_task_role(account)
        before = inventory(account)
        for number in range(arguments.count):
            victim = arguments.victim or VICTIMS[number % 2]
            seconds = moments.uniform(3.0, arguments.within)
            with tempfile.TemporaryDirectory() as name:
                out = Path(name) / "out"
                process = subprocess.Popen(
                    [sys.executable, "-m", "surveyor", *in_vpc_words(account, role, out), *arguments.command],
                    env=os.environ | account.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                )  # fmt: skip
                killed = kill_after(account, process, victim, seconds)
                text, _ = process.communicate()
                existed = len(inventory(account) - before)
                swept = run_surveyor(account, "sweep", str(out))
                left = inventory(account) - before
                last = (text.splitlines() or [""])[-1]
                failures += bool(left) or swept.returncode != 0
            sys.stdout.write(
                f"{number + 1}: {victim} {'killed' if killed else 'not there'} after {seconds:.1f} s (exit "
                f"{process.returncode}), {existed} resources were left to the sweep (exit {swept.returncode}), "
                f"{len(left)} after it {sorted(left) or ''}\n    {last[:300]}\n{swept.stderr if left else ''}"
            )
            sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
