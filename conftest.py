"""Loads the plugin that runs suites against a target; the work is in src/surveyor/plugin."""

from __future__ import annotations

pytest_plugins = ["surveyor.pytest_plugin"]
