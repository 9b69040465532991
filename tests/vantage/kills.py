"""Kill runs with a vantage at random moments, or the vantage itself, sweep, and check what is left.

`python -m tests.vantage.kills 10` does it ten times; options: `--seed`, `--scale`, `--within`, `--victim`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing
from tests.in_vpc.kills import VICTIMS, kill_after
from tests.in_vpc.staging_account import inventory, run_surveyor

AREAS = ("dns", "ecs")


def start(account: EmulatorAccount, out: Path) -> subprocess.Popen[str]:
    """Start a run outside of the VPC."""
    where = ["--target", "aws", "--account", ACCOUNT, "--endpoint", account.endpoint, "--dns", "control", "--from-vpc"]
    selected = [word for area in AREAS for word in ("--area", area)]
    return subprocess.Popen(
        [sys.executable, "-m", "surveyor", "conform", *where, *selected, "--workers", "2", "--out", str(out)],
        env=os.environ | account.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def main() -> int:
    """Print a line for each run; return 0 if nothing was left after any sweep."""
    parser = argparse.ArgumentParser(prog="python -m tests.vantage.kills")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--within", type=float, default=60.0, help="maximum wall seconds until the kill")
    parser.add_argument("--after", type=float, default=60.0, help="wall seconds of a run whose vantage was killed")
    parser.add_argument("--victim", choices=VICTIMS, help="default: both in turn")
    arguments = parser.parse_args()
    moments, failures = random.Random(arguments.seed), 0
    sys.stdout.write(f"seed {arguments.seed}\n")
    account_in_use = {"traffic": "ruled", "egress": "routed", "residents": "some", "quotas.vpcs": "20"}
    with flowing(arguments.scale, **account_in_use) as account, mock.patch.dict(os.environ, account.environment):
        account.clients().client("ec2", ACCOUNT).describe_vpcs()  # the default VPC exists from the first call on
        before = inventory(account)
        for number in range(arguments.count):
            victim = arguments.victim or VICTIMS[number % 2]
            seconds = moments.uniform(3.0, arguments.within)
            with tempfile.TemporaryDirectory() as name:
                out = Path(name) / "out"
                process = start(account, out)
                killed = kill_after(account, process, victim, seconds)
                if victim == "task":  # the run continues with a new one, and is killed later
                    kill_after(account, process, "runner", arguments.after)
                process.communicate()
                existed = len(inventory(account) - before)
                swept = run_surveyor(account, "sweep", str(out)) if out.exists() else None
                left, gone = inventory(account) - before, before - inventory(account)
            failures += bool(left or gone) or (swept is not None and swept.returncode != 0)
            sys.stdout.write(
                f"{number + 1}: {victim} {'killed' if killed else 'not there'} after {seconds:.1f} s, {existed} "
                f"resources were left to the sweep (exit {swept.returncode if swept else 'none'}), {len(left)} after "
                f"it {sorted(left) or ''} {sorted(gone) or ''}\n{swept.stderr[-500:] if swept and left else ''}"
            )
            sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
