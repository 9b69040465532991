"""awsJson 1.0 and 1.1: the operation in ``X-Amz-Target``, parameters and results as JSON bodies."""

from __future__ import annotations

import orjson
from botocore.model import OperationModel, ServiceModel

from ..errors import ServiceError
from ..http import Request, Response
from . import Document, Parsed, status_of

__all__ = ["JsonWire"]


class JsonWire:
    """What boto3 and the AWS CLI speak with Cloud Map and ECS."""

    def parse(self, service: ServiceModel, request: Request) -> Parsed:
        """Read ``X-Amz-Target`` and the body."""
        prefix, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
        if prefix != service.metadata["targetPrefix"] or operation not in service.operation_names:
            raise ServiceError("UnknownOperationException", "X-Amz-Target names no operation of this service")
        try:
            params = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "the body is to be a JSON object")
        return Parsed(operation, params)

    def answer(self, operation: OperationModel, result: Document, request_id: str) -> Response:
        """Timestamps are numbers in JSON already, so the result is its own encoding."""
        return _response(200, orjson.dumps(result), operation.service_model, request_id)

    def refuse(
        self, service: ServiceModel, operation: OperationModel | None, error: ServiceError, request_id: str
    ) -> Response:
        """``__type`` names the error."""
        # Cloud Map's error shapes spell it Message, the generic ones message.
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
        return _response(status_of(service, error), orjson.dumps(body), service, request_id)


def _response(status: int, body: bytes, service: ServiceModel, request_id: str) -> Response:
    version = service.metadata.get("jsonVersion", "1.1")
    return Response(status, body, {"Content-Type": f"application/x-amz-json-{version}", "x-amzn-RequestId": request_id})
