"""The wire protocols of AWS: how an operation and its parameters are read from a request, and how answers are written.

Which protocol a request speaks shows in its headers; the models only say which ones a service may be spoken to in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from .api_models import Model

__all__ = ["Document", "Parsed", "Wire", "status_of"]

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a request asks for."""

    operation: str
    params: dict[str, object]


class Wire(Protocol):
    """One protocol as one service speaks it. Results hold timestamps as float seconds since the epoch."""

    def parse(self, request: Request) -> Parsed:
        """Read a request; raises ServiceError for an unknown operation or a body that cannot be read."""

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result."""

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; ``operation`` is known only if the request could be read."""


def status_of(model: Model, error: ServiceError) -> int:
    """The HTTP status of an error: its own, or the one that the model gives it, or 400."""
    if error.status is not None:
        return error.status
    shape = model.shapes.get(error.code)
    return int(shape.get("error", {}).get("httpStatusCode", 400)) if shape is not None else 400
