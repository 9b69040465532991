"""Callers of tasks that hide nothing: each attempt is one connection to one address, never tried again.

And the architectures by which they may reach them.
"""

from __future__ import annotations

from surveyor.callers.architectures import ARCHITECTURES, Architecture
from surveyor.callers.attempt import Attempted, attempt

__all__ = ["ARCHITECTURES", "Architecture", "Attempted", "attempt"]
