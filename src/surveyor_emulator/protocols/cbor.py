"""Smithy RPC v2 CBOR: the operation in the path, parameters and results as CBOR bodies.

The models of Cloud Map list this protocol first; boto3 still sends JSON, but other SDKs need not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import cbor2
import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import has_type, known_members, plain_body

__all__ = ["CborProtocol"]

_EPOCH_TAG = 1
_TYPE = "application/cbor"
_HEADERS = {"Content-Type": _TYPE, "smithy-protocol": "rpc-v2-cbor"}


class CborProtocol:
    """The protocol with requests of the form ``POST /service/<target prefix>/operation/<operation>``."""

    def __init__(self, model: Model) -> None:
        self._model = model
        prefix = model.metadata["targetPrefix"]
        self._operations = {f"/service/{prefix}/operation/{name}": name for name in model.operations}

    def parse(self, request: Request) -> ParsedRequest:
        """Read operation and parameters from path and body."""
        operation, headers = self._operations.get(request.path), request.headers
        if operation is None or request.method != "POST" or request.query or "x-amz-target" in headers:
            raise ServiceError(
                "UnknownOperationException", "expected POST /service/NAME/operation/OPERATION without a query"
            )
        if headers.get("smithy-protocol") != "rpc-v2-cbor" or (request.body and not has_type(request, _TYPE)):
            raise ServiceError("UnknownOperationException", f"expected smithy-protocol rpc-v2-cbor, and {_TYPE}")
        description = self._model.operations[operation]
        body = plain_body(request, description, "SerializationException")
        try:
            params = cbor2.loads(body) if body else {}
            params = (
                _plain(params) if isinstance(params, dict) and all(isinstance(key, str) for key in params) else None
            )
        except Exception:  # noqa: BLE001  # cbor2 raises ValueError, RecursionError, OverflowError and more
            raise ServiceError("SerializationException", "the body is not CBOR") from None
        if params is None:
            raise ServiceError("SerializationException", "expected a CBOR map with text keys as body")
        if "input" not in description:
            return ParsedRequest(operation, {})
        return ParsedRequest(operation, known_members(self._model, description["input"]["shape"], params))

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result; timestamps get the epoch tag."""
        output = self._model.operations[operation].get("output")
        body = cbor2.dumps(_tagged(self._model, result, output["shape"]) if output is not None else {})
        return Response(200, body, {**_HEADERS, "x-amzn-RequestId": request_id})

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; ``__type`` is its code."""
        body = cbor2.dumps({"__type": error.code, "message": error.message, "Message": error.message, **error.members})
        return Response(http_status(self._model, error), body, {**_HEADERS, "x-amzn-RequestId": request_id})


def _plain(value: dict[object, object]) -> dict[str, object]:
    """Return the map with timestamps as epoch seconds; other CBOR types are left for validation to reject."""
    return {str(key): _plain_value(item) for key, item in value.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _tagged(model: Model, value: object, name: str) -> object:
    shape = model.shapes[name]
    if isinstance(value, orjson.Fragment):
        value = orjson.loads(orjson.dumps(value))
    if isinstance(value, Mapping):
        if shape["type"] == "map":
            return {key: _tagged(model, item, shape["value"]["shape"]) for key, item in value.items()}
        members = shape["members"]
        return {key: _tagged(model, item, members[key]["shape"]) for key, item in value.items() if key in members}
    if isinstance(value, list):
        return [_tagged(model, item, shape["member"]["shape"]) for item in value]
    return cbor2.CBORTag(_EPOCH_TAG, value) if shape["type"] == "timestamp" else value
