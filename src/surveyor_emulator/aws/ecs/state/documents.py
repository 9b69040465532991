"""Parts of requests that are kept as JSON documents."""

from __future__ import annotations

from typing import Any

__all__ = ["Document"]


Document = dict[str, Any]
"""A part of a request that is kept as it came and told as it is: JSON of the ECS model's making."""
