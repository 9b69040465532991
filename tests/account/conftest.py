"""An embedded target whose clock flows, reached as an ordinary endpoint with credentials from the environment."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from surveyor.evidence import Evidence
from surveyor.layout import find_layout
from surveyor.targets import Target, load_target
from surveyor.targets.clients import Clients
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import start

TARGETS = find_layout().targets
ACCOUNT = "444455556666"
SECRET = "surveyor"


@dataclass(frozen=True)
class EmulatorAccount:
    """The endpoint of an embedded target with its token, and the environment with which to call it as ACCOUNT."""

    endpoint: str
    token: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with the credentials and the token."""
        credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET}
        return {**credentials, "AWS_EC2_METADATA_DISABLED": "true", "SURVEYOR_TOKEN": self.token}

    def clients(self) -> Clients:
        """Return clients of its account whose calls are in no ledger, and may change everything."""
        clients = Clients(self.target(), self.endpoint, Evidence())
        clients.ownership = None
        return clients

    def target(self, **fields: object) -> Target:
        """Return the target `aws` at this endpoint."""
        options = TargetOptions(account=ACCOUNT, endpoint=self.endpoint, dns="control")
        return load_target("aws", TARGETS, replace(options, **fields))  # type: ignore[arg-type]  # fields by name


def inventory(emulator: EmulatorAccount, account: str = ACCOUNT) -> list[dict[str, Any]]:
    """Return all that exists in an account, not by the API: kinds, ids, Regions, names, tags and settings."""
    request = urllib.request.Request(
        f"{emulator.endpoint}/_surveyor/inventory?account={account}",
        headers={"Authorization": f"Bearer {emulator.token}"},
    )
    with urllib.request.urlopen(request) as answer:
        found: list[dict[str, Any]] = json.load(answer)["resources"]
    return found


@contextmanager
def flowing(scale: float = 20.0, *, profile: str = "unused", **settings: str) -> Iterator[EmulatorAccount]:
    """Run an embedded target with `scale` service seconds in each wall second, this profile and these settings."""
    command = load_target("embedded", TARGETS).start
    assert command is not None
    argv = (*command.argv[: command.argv.index("--clock")], "--clock", "flow", "--scale", str(scale), "--seed", "7")
    argv = (*argv, "--profile", profile)
    changes = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    started = start("embedded", replace(command, argv=(*argv, *changes)), seed=7)
    try:
        yield EmulatorAccount(started.endpoint, started.token)
    finally:
        started.stop()


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorAccount]:
    """Run one embedded target for all tests of this folder."""
    with flowing() as running:
        yield running


@pytest.fixture(autouse=True)
def _credentials(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
