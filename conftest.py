"""Load the pytest plugin that runs suites against a target (src/surveyor/pytest_plugin)."""

from __future__ import annotations

import atexit
import gc
import os

import pytest

from surveyor.machine import default_workers

pytest_plugins = ["surveyor.pytest_plugin"]


def pytest_configure(config: pytest.Config) -> None:
    """Let a worker end without the seconds in which Python takes thousands of tests and modules apart."""
    if hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)  # among the last to be called


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Collect the garbage of a worker once; pytest does so five times, to find files and sockets left open."""
    if hasattr(config, "workerinput"):
        gc.collect()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`."""
    return default_workers()
