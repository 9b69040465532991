"""Observations: facts that no single call shows, such as events and what happens inside a task."""

from __future__ import annotations

__all__: list[str] = []
