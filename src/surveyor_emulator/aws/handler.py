"""The type of the functions that answer operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

__all__ = ["Handler"]

# A handler annotates its request with the exact shape, which the model of the API has checked by then.
Handler = Callable[[Call, Any], Document]
