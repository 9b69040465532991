"""Callers of tasks that hide nothing: each attempt is one connection to one address, never tried again."""

from __future__ import annotations

from surveyor.callers.attempt import Attempted, attempt

__all__ = ["Attempted", "attempt"]
