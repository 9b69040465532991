"""The client models, which are part of the callers."""

from __future__ import annotations

from surveyor.callers import INDIRECT

__all__ = ["INDIRECT"]
