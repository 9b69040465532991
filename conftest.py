"""Load the pytest plugin that runs suites against a target (src/surveyor/pytest_plugin)."""

from __future__ import annotations

import pytest

from surveyor.machine import default_workers

pytest_plugins = ["surveyor.pytest_plugin"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`."""
    return default_workers()
