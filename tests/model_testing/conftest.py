"""Targets that run for all tests of one file."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from surveyor.conformance.mutants.http_proxy import CONTROL
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from tests.emulators import emulator

Activate = Callable[[str], RunningTarget]


@pytest.fixture(scope="module")
def moto() -> Iterator[RunningTarget]:
    """Start moto."""
    with run_target(emulator("moto"), 7) as running:
        yield running


@pytest.fixture(scope="module")
def mutant() -> Iterator[Activate]:
    """Run the embedded target behind the mutants' proxy: `mutant(claim)` makes it violate that claim."""
    with ExitStack() as stack:
        running = stack.enter_context(run_target(load_target("mutant", find_layout().targets), 7))

        def activate(claim: str) -> RunningTarget:
            kind = {"Content-Type": "application/json"}
            body = json.dumps({"mutant": f"{claim}#1" if claim else ""}).encode()
            with urllib.request.urlopen(urllib.request.Request(f"{running.endpoint}{CONTROL}", body, kind)):
                return running

        yield activate
