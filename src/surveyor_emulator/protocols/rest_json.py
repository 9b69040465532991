"""REST-JSON of AWS RAM: every operation has its path; the model says which parameters are in the query."""

from __future__ import annotations

from urllib.parse import parse_qsl

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import has_type, known_members, plain_body
from .scalars import parse_scalar

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
        description = self._model.operations[operation]
        if request.body and not has_type(request, "application/json", "application/x-amz-json-1.1"):
            raise ServiceError("SerializationException", "expected a body of the Content-Type application/json")
        try:
            params = orjson.loads(plain_body(request, description, "SerializationException") or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "expected a JSON object as body")
        return ParsedRequest(operation, self._located(description["input"]["shape"], request.query, params))

    def _located(self, shape: str, query: str, body: dict[str, object]) -> dict[str, object]:
        """Return the members of a request, each read from its place only."""
        params: dict[str, object] = {}
        members = self._model.shapes[shape]["members"]
        for name, text in parse_qsl(query, keep_blank_values=True, errors="replace"):
            for member, reference in members.items():
                if reference.get("location") == "querystring" and reference["locationName"] == name:
                    if member in params:
                        raise ServiceError("SerializationException", f"{name} must not be repeated")
                    params[member] = self._scalar(reference["shape"], text, name)
        in_body = {name: item for name, item in body.items() if "location" not in members.get(name, {})}
        return {**params, **known_members(self._model, shape, in_body)}

    def _scalar(self, shape: str, text: str, name: str) -> object:
        try:
            return parse_scalar(self._model.shapes[shape]["type"], text)
        except (KeyError, ValueError) as error:
            raise ServiceError("SerializationException", f"the value of {name} is not valid: {error}") from None

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
