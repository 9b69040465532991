"""Kill runs in an account at random moments, sweep after each, and check what is left there.

`python -m tests.account.kills 20` does it twenty times in real time; options: `--seed`, `--scale`, `--within`. With
`--lost` the folder of the run is deleted before the sweep, which searches the account then, in which others have
resources. With `--staging` the account is one of the profile `staging`, and the runs are whole ones, with tasks.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surveyor.clock import WallClock
from surveyor.targets.clients import Clients
from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing, inventory

__all__ = ["killed_run", "list_resources", "start_run", "sweep", "sweep_without_ledger"]

AREAS = ("namespaces", "instances", "dns", "errors")
SELECTION = tuple(word for area in AREAS for word in ("--area", area))


def list_resources(clients: Clients) -> list[str]:
    """Return the ids of everything that list calls in the account return, except its default VPC."""
    cloudmap, route53, ec2 = (clients.client(name, ACCOUNT) for name in ("servicediscovery", "route53", "ec2"))
    found: list[Any] = []
    for client, operation, member in (
        (cloudmap, "list_namespaces", "Namespaces"),
        (cloudmap, "list_services", "Services"),
        (route53, "list_hosted_zones", "HostedZones"),
        (route53, "list_health_checks", "HealthChecks"),
    ):
        listed = client.get_paginator(operation).paginate().build_full_result()[member]
        found += [entry["Id"] for entry in listed if "LinkedService" not in entry]
    found += [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    found += [gateway["InternetGatewayId"] for gateway in gateways]
    instances = [instance for group in ec2.describe_instances()["Reservations"] for instance in group["Instances"]]
    found += [instance["InstanceId"] for instance in instances if instance["State"]["Name"] != "terminated"]
    return found


def all_resources(emulator: EmulatorAccount) -> set[str]:
    """Return the kinds and ids of everything that exists in the account, not by the API."""
    return {f"{resource['kind']} {resource['id']}" for resource in inventory(emulator)}


def start_run(
    emulator: EmulatorAccount, out: Path, workers: int = 3, selection: Sequence[str] = SELECTION
) -> subprocess.Popen[str]:
    """Start a run of these areas, or with these options, whose output is read by pipe."""
    command = [
        *(sys.executable, "-m", "surveyor", "conform", "--target", "aws", "--account", ACCOUNT),
        *("--endpoint", emulator.endpoint, "--dns", "control", "--workers", str(workers), "--out", str(out)),
        *selection,
    ]
    return subprocess.Popen(
        command, env=os.environ | emulator.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def killed_run(
    emulator: EmulatorAccount,
    out: Path,
    after: float,
    workers: int = 3,
    *,
    begun: bool = False,
    selection: Sequence[str] = SELECTION,
) -> str:
    """Start a run, kill it without warning after `after` wall seconds, and return what it had printed.

    `begun`: from the moment on at which it has created something, so that a busy machine does not kill idle runs only.
    """
    before = all_resources(emulator)
    process = start_run(emulator, out, workers, selection)
    if begun:
        WallClock().eventually(lambda: process.poll() is not None or all_resources(emulator) - before, within=300)
    timer = threading.Timer(after, process.send_signal, (signal.SIGKILL,))
    timer.start()
    try:
        text, _ = process.communicate()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
    return text


def sweep(emulator: EmulatorAccount, out: Path) -> subprocess.CompletedProcess[str]:
    """Run `surveyor sweep` on that folder."""
    command = [sys.executable, "-m", "surveyor", "sweep", str(out)]
    return subprocess.run(
        command, env=os.environ | emulator.environment, capture_output=True, text=True, check=False, timeout=600
    )


def sweep_without_ledger(emulator: EmulatorAccount, printed: str) -> subprocess.CompletedProcess[str]:
    """Run `surveyor sweep --account` for the run that printed this; a run that printed no id created nothing."""
    run = re.search(r"^run (\w+) in account", printed, re.MULTILINE)
    command = [sys.executable, "-m", "surveyor", "sweep", "--account", ACCOUNT, "--region", "us-east-1"]
    command += ["--target", "aws", "--endpoint", emulator.endpoint]
    command += ["--run", run[1]] if run else ["--dry-run"]
    return subprocess.run(
        command, env=os.environ | emulator.environment, capture_output=True, text=True, check=False, timeout=600
    )


def main() -> int:
    """Print a line for each run; return 0 if nothing was left after any sweep."""
    parser = argparse.ArgumentParser(prog="python -m tests.account.kills")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--within", type=float, default=60.0, help="maximum wall seconds from the first resource on")
    parser.add_argument("--lost", action="store_true", help="delete the folder of the run before the sweep")
    parser.add_argument("--staging", action="store_true", help="whole runs, in an account of the profile staging")
    arguments = parser.parse_args()
    moments, failures = random.Random(arguments.seed), 0
    sys.stdout.write(f"seed {arguments.seed}\n")
    selection = ("--enable", "ecs-processes") if arguments.staging else SELECTION
    settings = {"machine": "inside"} if arguments.staging else {"residents": "some"} if arguments.lost else {}
    profile = "staging" if arguments.staging else "unused"
    with flowing(arguments.scale, profile=profile, **settings) as emulator:
        os.environ.update(emulator.environment)
        emulator.clients().client("servicediscovery", ACCOUNT).list_namespaces()  # others' resources are made
        others = all_resources(emulator)
        for number in range(1, arguments.count + 1):
            after = moments.uniform(0.0, arguments.within)
            with tempfile.TemporaryDirectory() as scratch:
                printed = killed_run(emulator, Path(scratch), after, begun=True, selection=selection)
                before = all_resources(emulator)
                if arguments.lost:
                    shutil.rmtree(scratch)
                    swept = sweep_without_ledger(emulator, printed)
                    Path(scratch).mkdir()
                else:
                    swept = sweep(emulator, Path(scratch))
                found = all_resources(emulator)
            kinds = Counter(resource.partition(" ")[0] for resource in before - others)
            deleted = swept.stdout.count("deleted: ")
            left, gone = found - others, others - found
            failures += bool(left or gone) or swept.returncode != 0
            sys.stdout.write(
                f"{number}: killed {after:.1f} s after its first resource, {len(before - others)} existed ("
                f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}), {deleted} "
                f"swept (exit {swept.returncode}), {len(left)} left {', '.join(left)}, {len(gone)} of others gone\n"
            )
            sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
