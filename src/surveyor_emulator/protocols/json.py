"""awsJson 1.0 and 1.1: the operation in ``X-Amz-Target``, parameters and results as JSON bodies."""

from __future__ import annotations

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model

__all__ = ["JsonProtocol"]


class JsonProtocol:
    """The protocol that boto3 and the AWS CLI use with Cloud Map and ECS."""

    def __init__(self, model: Model) -> None:
        self._model = model
        # X-Amz-Target -> operation.
        self._targets = {f"{model.metadata['targetPrefix']}.{name}": name for name in model.operations}
        self._type = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"

    def parse(self, request: Request) -> ParsedRequest:
        """Read the operation from ``X-Amz-Target`` and the parameters from the body."""
        operation = self._targets.get(request.headers.get("x-amz-target", ""))
        if operation is None:
            raise ServiceError("UnknownOperationException", "X-Amz-Target names no operation of this service")
        try:
            params = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "expected a JSON object as body")
        return ParsedRequest(operation, params)

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result; timestamps are numbers in JSON already."""
        headers = {"Content-Type": self._type, "x-amzn-RequestId": request_id}
        return Response(200, orjson.dumps(result), headers)

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; ``__type`` is its code.

        Errors of the caller have the status 400, whatever the model says: so AWS answers in this protocol
        (recordings/cloud-map.toml, cm-errors-400).
        """
        # Cloud Map's error shapes have a member Message, others message.
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
        headers = {"Content-Type": self._type, "x-amzn-RequestId": request_id}
        status = http_status(self._model, error)
        if error.status is None and status < 500:
            status = 400
        return Response(status, orjson.dumps(body), headers)
