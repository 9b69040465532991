"""Calls of tasks without hidden behaviour: each attempt is one connection to one address, without a retry.

Also the architectures by which callers reach tasks.
"""

from __future__ import annotations

from surveyor.callers.architectures import ARCHITECTURES, Architecture
from surveyor.callers.attempt import CallResult, attempt

__all__ = ["ARCHITECTURES", "Architecture", "CallResult", "attempt"]
