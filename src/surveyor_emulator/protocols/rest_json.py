"""REST-JSON of AWS RAM and Lambda: the model says which parameters are in the path or the query."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import has_type, known_members, plain_body
from .scalars import parse_scalar

__all__ = ["RestJsonProtocol"]


class RestJsonProtocol:
    """The protocol that boto3 and the AWS CLI use with RAM and Lambda."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._operations = [
            (operation["http"]["method"], _pattern(operation["http"]["requestUri"]), name)
            for name, operation in model.operations.items()
        ]

    def parse(self, request: Request) -> ParsedRequest:
        """Read the operation from method and path, the parameters from query and body."""
        operation, labels = self._find(request)
        description = self._model.operations[operation]
        if request.body and not has_type(request, "application/json", "application/x-amz-json-1.1"):
            raise ServiceError("SerializationException", "expected a body of the Content-Type application/json")
        try:
            params = orjson.loads(plain_body(request, description, "SerializationException") or b"{}")
        except orjson.JSONDecodeError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if not isinstance(params, dict):
            raise ServiceError("SerializationException", "expected a JSON object as body")
        shape = description["input"]["shape"]
        return ParsedRequest(operation, self._located(shape, request.query, params) | self._members(shape, labels))

    def _find(self, request: Request) -> tuple[str, dict[str, str]]:
        """Return the operation of a request, and the labels in its path."""
        for method, pattern, name in self._operations:
            match = pattern.fullmatch(request.path) if method == request.method else None
            if match is not None:
                labels = zip(_labels(self._model.operations[name]["http"]["requestUri"]), match.groups(), strict=True)
                return name, {label: unquote(text) for label, text in labels}
        raise ServiceError("UnknownOperationException", "no operation of this service has this path", status=404)

    def _members(self, shape: str, labels: dict[str, str]) -> dict[str, object]:
        """Return the members that labels stand for."""
        members = self._model.shapes[shape]["members"]
        by_label = {reference.get("locationName"): member for member, reference in members.items()}
        return {by_label[label]: text for label, text in labels.items()}

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


def _pattern(uri: str) -> re.Pattern[str]:
    """Return what matches the path of an operation; each label is a group."""
    parts = re.split(r"\{[^}]+\}", uri.partition("?")[0])
    return re.compile("([^/]+)".join(re.escape(part) for part in parts))


def _labels(uri: str) -> list[str]:
    return re.findall(r"\{([^}+]+)\+?\}", uri.partition("?")[0])
