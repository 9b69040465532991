"""An account in use with services that are not Surveyor's, and the command that watches them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session

from surveyor.clock import WallClock
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.control import Control
from surveyor.targets.process import start
from tests.account.conftest import ACCOUNT, SECRET, EmulatorAccount
from tests.watch.services_of_others import Shop

SCALE = 30.0


def client_of(endpoint: str) -> Callable[[str], Any]:
    """Return what creates clients of the owner of the services."""
    session = Session()
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, inject_host_prefix=False)
    return lambda service: session.create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET, config=config,
    )  # fmt: skip


@pytest.fixture(scope="session")
def staging() -> Iterator[EmulatorAccount]:
    """Run the profile `staging`, whose time flows."""
    command = load_target("embedded", find_layout().targets).start
    assert command is not None
    argv = (*command.argv[: command.argv.index("--clock")], "--clock", "flow", "--scale", str(SCALE), "--seed", "7")
    profile = ("--profile", "staging", "--set", "machine=inside")
    started = start("embedded", replace(command, argv=(*argv, *profile)), seed=7)
    try:
        yield EmulatorAccount(started.endpoint, started.token)
    finally:
        started.stop()


@pytest.fixture(scope="session")
def shop(staging: EmulatorAccount) -> Iterator[Shop]:
    """Yield the account with a cluster and a namespace."""
    control = Control(staging.endpoint, staging.token)
    made = Shop(client_of(staging.endpoint), WallClock(SCALE, control.now))
    made.open()
    yield made
    control.close()


def surveyor_watch(
    emulator: EmulatorAccount, out: Path, *words: str, endpoint: str = "", command: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run `surveyor watch` to its end."""
    with start_watch(emulator, out, *words, endpoint=endpoint, command=command) as watch:
        output, errors = watch.communicate(timeout=120)
    return subprocess.CompletedProcess(watch.args, watch.returncode, output, errors)


def start_watch(
    emulator: EmulatorAccount, out: Path, *words: str, endpoint: str = "", command: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Start `surveyor watch`."""
    at = ["--target", "aws", "--account", ACCOUNT, "--endpoint", endpoint or emulator.endpoint, "--dns", "control"]
    argv = [sys.executable, "-m", "surveyor", "watch", *words, *at, "--region", "us-east-1", "--out", str(out)]
    argv += ["--", *command] if command else []
    environment = {"PATH": "/usr/bin:/bin", **emulator.environment}
    return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
