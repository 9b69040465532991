"""Put claims, suites, targets and the other data folders into the wheel.

This is a hook, not a static `force-include`, which would also copy the folders into an editable installation, where
the copies would become outdated.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = (
    "claims", "recordings", "suites", "mutants", "chaos", "loadtests", "targets", "reports/templates", "conftest.py",
    "requirements/lock.txt",
)  # fmt: skip


class BundleHook(BuildHookInterface[Any]):
    """Map each data folder of the checkout to `surveyor/_bundle/<folder>` in a built wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders to hatchling's `build_data`, unless the installation is editable."""
        if version != "editable":
            build_data["force_include"].update({folder: f"surveyor/_bundle/{folder}" for folder in BUNDLE})
