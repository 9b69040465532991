"""Puts what surveyor surveys with into the wheel.

A hook and not a static `force-include`, because that would also copy these rooms into an editable installation,
where the copies would go stale beside the originals.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = ("claims", "suites", "mutants", "chaos", "loadtests", "targets", "reports/templates", "conftest.py")


class BundleHook(BuildHookInterface[Any]):
    """Maps each room of the checkout to `surveyor/_bundle/<room>` in a built wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the rooms to hatchling's `build_data`, unless the wheel only points at the checkout."""
        if version != "editable":
            build_data["force_include"].update({room: f"surveyor/_bundle/{room}" for room in BUNDLE})
