"""Kills runs in an account at random moments, sweeps after each, and looks what is left there.

`python -m tests.account.kills 20` does it twenty times at the speed of real time; `--seed`, `--scale`, `--within`.
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
from typing import Any

from surveyor.targets.clients import Clients
from tests.account.conftest import ACCOUNT, Place, flowing

__all__ = ["killed_run", "standing", "sweep"]

AREAS = ("namespaces", "instances", "dns", "errors")


def standing(clients: Clients) -> list[str]:
    """Everything that a listing of the account shows, but its default VPC."""
    cloudmap, route53, ec2 = (clients.client(name, ACCOUNT) for name in ("servicediscovery", "route53", "ec2"))
    found: list[Any] = []
    for client, operation, member in (
        (cloudmap, "list_namespaces", "Namespaces"),
        (cloudmap, "list_services", "Services"),
        (route53, "list_hosted_zones", "HostedZones"),
        (route53, "list_health_checks", "HealthChecks"),
    ):
        listed = client.get_paginator(operation).paginate().build_full_result()[member]
        found += [one["Id"] for one in listed if "LinkedService" not in one]
    found += [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]]
    found += [one["InstanceId"] for group in ec2.describe_instances()["Reservations"] for one in group["Instances"]
              if one["State"]["Name"] != "terminated"]  # fmt: skip
    return found


def killed_run(place: Place, out: Path, after: float, workers: int = 3) -> str:
    """Start a run, kill it without warning `after` wall seconds, and return what it had printed."""
    command = [
        *(sys.executable, "-m", "surveyor", "conform", "--target", "aws", "--account", ACCOUNT),
        *("--endpoint", place.endpoint, "--dns", "control", "--workers", str(workers), "--out", str(out)),
        *(word for area in AREAS for word in ("--area", area)),
    ]
    process = subprocess.Popen(
        command, env=os.environ | place.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    timer = threading.Timer(after, process.send_signal, (signal.SIGKILL,))
    timer.start()
    try:
        text, _ = process.communicate()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
    return text


def sweep(place: Place, out: Path) -> subprocess.CompletedProcess[str]:
    """`surveyor sweep` of that folder."""
    command = [sys.executable, "-m", "surveyor", "sweep", str(out)]
    return subprocess.run(
        command, env=os.environ | place.environment, capture_output=True, text=True, check=False, timeout=600
    )


def main() -> int:
    """Prints a line for each run; 0 if nothing was ever left."""
    parser = argparse.ArgumentParser(prog="python -m tests.account.kills")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--within", type=float, default=60.0, help="wall seconds of the latest moment")
    given = parser.parse_args()
    moments, bad = random.Random(given.seed), 0
    sys.stdout.write(f"seed {given.seed}\n")
    with flowing(given.scale) as place:
        os.environ.update(place.environment)
        clients = place.clients()
        for number in range(1, given.count + 1):
            after = moments.uniform(1.0, given.within)
            with tempfile.TemporaryDirectory() as scratch:
                killed_run(place, Path(scratch), after)
                before = standing(clients)
                swept = sweep(place, Path(scratch))
                left = standing(clients)
            gone = swept.stdout.count("gone: ")
            bad += bool(left) or swept.returncode != 0
            sys.stdout.write(
                f"{number}: killed after {after:.1f} s, {len(before)} things stood, {gone} swept (exit "
                f"{swept.returncode}), {len(left)} left {' '.join(left)}\n"
            )
            sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
