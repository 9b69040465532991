"""awsJson 1.0 and 1.1: the operation in ``X-Amz-Target``, parameters and results as JSON bodies."""

from __future__ import annotations

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import has_type, known_members, plain_body

__all__ = ["JsonProtocol"]

_TYPES = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")


class JsonProtocol:
    """The protocol that boto3 and the AWS CLI use with Cloud Map and ECS."""

    def __init__(self, model: Model) -> None:
        self._model = model
        # X-Amz-Target -> operation.
        self._targets = {f"{model.metadata['targetPrefix']}.{name}": name for name in model.operations}
        self._type = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"

    def check(self, request: Request) -> None:
        """Refuse a request that is not one of this protocol, whatever its target and body."""
        method, path, query, headers, *_ = request
        if method != "POST" or path != "/" or query or "smithy-protocol" in headers:
            raise ServiceError("UnknownOperationException", "expected POST / without a query", status=404)
        if headers.get("content-type") not in _TYPES and not has_type(request, *_TYPES):
            raise ServiceError("UnknownOperationException", f"expected the Content-Type {self._type}", status=404)

    def parse(self, request: Request) -> ParsedRequest:
        """Read the operation from ``X-Amz-Target`` and the parameters from the body."""
        self.check(request)
        operation = self._targets.get(request.headers.get("x-amz-target", ""))
        if operation is None:
            raise ServiceError("UnknownOperationException", "X-Amz-Target names no operation of this service")
        description = self._model.operations[operation]
        body = plain_body(request, description, "SerializationException")
        try:
            params = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "expected a JSON object as body")
        if "input" not in description:
            return ParsedRequest(operation, {})
        return ParsedRequest(operation, known_members(self._model, description["input"]["shape"], params))

    def write_request(self, operation: str, params: Document) -> Request:
        """Return the request that has this operation and these parameters, and no other reading.

        Characters that delimit the parameters of a form are escaped, since moto looks for a form in every body.
        """
        headers = {"content-type": self._type, "x-amz-target": f"{self._model.metadata['targetPrefix']}.{operation}"}
        body = orjson.dumps(params).replace(b"&", b"\\u0026").replace(b"=", b"\\u003d")
        return Request("POST", "/", "", headers, body)

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
