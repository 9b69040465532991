"""Emulators of others, for tests that need one."""

from __future__ import annotations

import pytest

from surveyor.layout import find_layout
from surveyor.targets import Target, load_target
from surveyor.targets.environments import find_python

__all__ = ["emulator"]


def emulator(name: str) -> Target:
    """Return an emulator; skip the test where its environment does not exist: tests do not use the network."""
    target = load_target(name, find_layout().targets)
    if target.environment and find_python(target.environment) is None:
        pytest.skip(f"{target.label} has no environment here: make emulators ARGS={target.label}")
    return target
