"""Load the pytest plugin that runs suites against a target (src/surveyor/pytest_plugin)."""

from __future__ import annotations

import atexit
import os

import pytest

from surveyor.machine import default_workers

pytest_plugins = ["surveyor.pytest_plugin"]


def pytest_configure(config: pytest.Config) -> None:
    """Let a worker end without the seconds in which Python takes thousands of tests and modules apart."""
    if hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)  # among the last to be called


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`."""
    return default_workers()
