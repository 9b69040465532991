"""Parts of requests that are kept as JSON documents."""

from __future__ import annotations

from typing import Any

__all__ = ["Document"]

Document = dict[str, Any]
"""A part of a request that is stored and returned unchanged: JSON in the form of the ECS API model."""
