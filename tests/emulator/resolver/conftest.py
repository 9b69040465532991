"""Fixtures: a target, a network in an account that no other test uses, and a name server outside."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.process import StartedProcess, start

from .network import Network, OutsideServer, outside_server

_NUMBERS = itertools.count(222_200_000_000)


@pytest.fixture(scope="package")
def process() -> Iterator[StartedProcess]:
    """Run an embedded target whose clock only advances."""
    options = load_target("embedded", find_layout().targets).start
    assert options is not None
    started = start("embedded", options, seed=7)
    yield started
    started.stop()


@pytest.fixture
def network(process: StartedProcess) -> Iterator[Network]:
    """Return two VPCs of a new account."""
    made = Network(process, str(next(_NUMBERS)))
    yield made
    made.control.close()


@pytest.fixture
def outside() -> Iterator[OutsideServer]:
    """Return a name server on this machine that is no part of the target."""
    with outside_server() as server:
        yield server
