"""Smithy RPC v2 CBOR: the operation in the path, parameters and results as CBOR bodies.

The models of Cloud Map list this protocol first; boto3 sends JSON still, other SDKs need not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import cbor2

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, Parsed, status_of
from .api_models import Model

__all__ = ["CborWire"]

_EPOCH_TAG = 1
_HEADERS = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


class CborWire:
    """``POST /service/<target prefix>/operation/<operation>``."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def parse(self, request: Request) -> Parsed:
        """Read the path and the body."""
        parts = request.path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "service" or parts[2] != "operation":
            raise ServiceError("UnknownOperationException", "the path is to be /service/NAME/operation/OPERATION")
        if parts[1] != self._model.metadata["targetPrefix"] or parts[3] not in self._model.operations:
            raise ServiceError("UnknownOperationException", "the path names no operation of this service")
        try:
            params = cbor2.loads(request.body) if request.body else {}
        except Exception:  # noqa: BLE001  # cbor2 lets ValueError, RecursionError, OverflowError and more through
            raise ServiceError("SerializationException", "the body is not CBOR") from None
        if not isinstance(params, dict) or not all(isinstance(key, str) for key in params):
            raise ServiceError("SerializationException", "the body is to be a CBOR map with text keys")
        return Parsed(parts[3], _plain(params))

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Timestamps get the epoch tag."""
        output = self._model.operations[operation].get("output")
        body = cbor2.dumps(_tagged(self._model, result, output["shape"]) if output is not None else {})
        return Response(200, body, {**_HEADERS, "x-amzn-RequestId": request_id})

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """``__type`` names the error."""
        body = cbor2.dumps({"__type": error.code, "message": error.message, "Message": error.message, **error.members})
        return Response(status_of(self._model, error), body, {**_HEADERS, "x-amzn-RequestId": request_id})


def _plain(value: dict[object, object]) -> dict[str, object]:
    """CBOR's timestamps as epoch seconds; unhashable or exotic values are left for the model's check to refuse."""
    return {str(key): _plain_value(item) for key, item in value.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _tagged(model: Model, value: object, name: str) -> object:
    shape = model.shapes[name]
    if isinstance(value, Mapping):
        if shape["type"] == "map":
            return {key: _tagged(model, item, shape["value"]["shape"]) for key, item in value.items()}
        members = shape["members"]
        return {key: _tagged(model, item, members[key]["shape"]) for key, item in value.items() if key in members}
    if isinstance(value, list):
        return [_tagged(model, item, shape["member"]["shape"]) for item in value]
    return cbor2.CBORTag(_EPOCH_TAG, value) if shape["type"] == "timestamp" else value
