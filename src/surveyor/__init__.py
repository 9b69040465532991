"""Checks what service discovery on Amazon ECS does against what its documents say."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
