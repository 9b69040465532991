"""The wire protocols of AWS: reading operation and parameters from a request, and writing results and errors.

The headers of a request determine its protocol; the models only list which protocols a service supports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from .api_models import Model

__all__ = ["Document", "ParsedRequest", "WireProtocol", "http_status"]

Document = Mapping[str, object]
"""Members of a structure. What is returned often may be an ``orjson.Fragment``: JSON that is encoded already."""


class ParsedRequest(NamedTuple):
    """The operation of a request and its parameters."""

    operation: str
    params: Mapping[str, object]


class WireProtocol(Protocol):
    """A protocol for the operations of one service. Results hold timestamps as float seconds since the epoch."""

    def parse(self, request: Request) -> ParsedRequest:
        """Read a request; raise ServiceError for an unknown operation or a malformed body."""

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Return the response with a result."""

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Return the response with an error; ``operation`` is ``None`` if the request could not be read."""


def http_status(model: Model, error: ServiceError) -> int:
    """Return the HTTP status of an error: its own, or the status in the model, or 400."""
    if error.status is not None:
        return error.status
    shape = model.shapes.get(error.code)
    return int(shape.get("error", {}).get("httpStatusCode", 400)) if shape is not None else 400
