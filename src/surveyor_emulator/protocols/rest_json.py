"""REST-JSON of AWS RAM: every operation has its path, and all parameters are in the body or the query."""

from __future__ import annotations

from urllib.parse import parse_qsl

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model

__all__ = ["RestJsonProtocol"]


class RestJsonProtocol:
    """The protocol that boto3 and the AWS CLI use with RAM."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._operations = {
            (operation["http"]["method"], operation["http"]["requestUri"]): name
            for name, operation in model.operations.items()
        }

    def parse(self, request: Request) -> ParsedRequest:
        """Read the operation from method and path, the parameters from query and body."""
        operation = self._operations.get((request.method, request.path))
        if operation is None:
            raise ServiceError("UnknownOperationException", "no operation of this service has this path", status=404)
        try:
            params = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "expected a JSON object as body")
        return ParsedRequest(operation, {**dict(parse_qsl(request.query)), **params})

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result; timestamps are numbers in JSON already."""
        return self._response(200, orjson.dumps(result), request_id)

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; a header has its code."""
        body = orjson.dumps({"message": error.message, **error.members})
        return self._response(http_status(self._model, error), body, request_id, **{"x-amzn-ErrorType": error.code})

    def _response(self, status: int, body: bytes, request_id: str, **more: str) -> Response:
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id, **more}
        return Response(status, body, headers)
