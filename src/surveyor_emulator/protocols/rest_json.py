"""REST-JSON where every operation has a path of its own and all parameters are in the body or the query: AWS RAM's."""

from __future__ import annotations

from urllib.parse import parse_qsl

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, Parsed, status_of
from .api_models import Model

__all__ = ["RestJsonWire"]


class RestJsonWire:
    """What boto3 and the AWS CLI speak with RAM."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._operations = {
            (one["http"]["method"], one["http"]["requestUri"]): name for name, one in model.operations.items()
        }

    def parse(self, request: Request) -> Parsed:
        """The operation by method and path; the query's parameters beside the body's."""
        operation = self._operations.get((request.method, request.path))
        if operation is None:
            raise ServiceError("UnknownOperationException", "no operation of this service has this path", status=404)
        try:
            params = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "the body is to be a JSON object")
        return Parsed(operation, {**dict(parse_qsl(request.query)), **params})

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Timestamps are numbers in JSON already, so the result is its own encoding."""
        return self._response(200, orjson.dumps(result), request_id)

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """A header names the error."""
        body = orjson.dumps({"message": error.message, **error.members})
        return self._response(status_of(self._model, error), body, request_id, **{"x-amzn-ErrorType": error.code})

    def _response(self, status: int, body: bytes, request_id: str, **more: str) -> Response:
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id, **more}
        return Response(status, body, headers)
