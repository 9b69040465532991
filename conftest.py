"""Load the pytest plugin that runs suites against a target (src/surveyor/pytest_plugin)."""

from __future__ import annotations

pytest_plugins = ["surveyor.pytest_plugin"]
