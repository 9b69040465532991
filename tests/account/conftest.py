"""An embedded target whose time flows, reached as an ordinary endpoint with credentials of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
class Place:
    """Where it answers, and what an environment must hold to call it as ACCOUNT."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Credentials."""
        return {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}

    def clients(self) -> Clients:
        """Clients of its account, whose calls no ledger knows."""
        return Clients(self.target(), self.endpoint, Evidence())

    def target(self, **given: object) -> Target:
        """The target `aws` at this place."""
        told = TargetOptions(account=ACCOUNT, endpoint=self.endpoint, dns="control")
        return load_target("aws", TARGETS, replace(told, **given))  # type: ignore[arg-type]  # fields by their names


@contextmanager
def flowing(scale: float = 20.0) -> Iterator[Place]:
    """An embedded target with so many service seconds in each wall second."""
    how = load_target("embedded", TARGETS).start
    assert how is not None
    argv = (*how.argv[: how.argv.index("--clock")], "--clock", "flow", "--scale", str(scale), "--seed", "7")
    started = start("embedded", replace(how, argv=argv), seed=7)
    try:
        yield Place(started.endpoint)
    finally:
        started.stop()


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """One for all tests of this folder."""
    with flowing() as there:
        yield there


@pytest.fixture(autouse=True)
def _credentials(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
