"""A target with users, for all tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from tests.emulator.iam.users import ACCOUNT, Users


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Run a target with a namespace for all tests of this module."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        target.clients.client("servicediscovery", ACCOUNT).create_http_namespace(Name="shop")
        target.clock.wait(30)
        yield target


@pytest.fixture(scope="module")
def owner(running: RunningTarget) -> Callable[[str], Any]:
    """Return clients of the account's owner."""
    return lambda service: running.clients.client(service, ACCOUNT)


@pytest.fixture(scope="module")
def users(running: RunningTarget) -> Users:
    """Return what creates users."""
    return Users(running)
