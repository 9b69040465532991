"""awsJson 1.0 and 1.1: the operation in ``X-Amz-Target``, parameters and results as JSON bodies."""

from __future__ import annotations

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, Parsed, status_of
from .api_models import Model

__all__ = ["JsonWire"]


class JsonWire:
    """What boto3 and the AWS CLI speak with Cloud Map and ECS."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._type = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"

    def parse(self, request: Request) -> Parsed:
        """Read ``X-Amz-Target`` and the body."""
        prefix, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
        if prefix != self._model.metadata["targetPrefix"] or operation not in self._model.operations:
            raise ServiceError("UnknownOperationException", "X-Amz-Target names no operation of this service")
        try:
            params = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "the body is to be a JSON object")
        return Parsed(operation, params)

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Timestamps are numbers in JSON already, so the result is its own encoding."""
        return self._response(200, orjson.dumps(result), request_id)

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """``__type`` names the error."""
        # Cloud Map's error shapes spell it Message, the generic ones message.
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
        return self._response(status_of(self._model, error), orjson.dumps(body), request_id)

    def _response(self, status: int, body: bytes, request_id: str) -> Response:
        return Response(status, body, {"Content-Type": self._type, "x-amzn-RequestId": request_id})
