"""The AWS services that moto answers, inside this process: those that are not the subject of the emulator.

EventBridge and SQS deliver the events of ECS; CloudWatch, CloudWatch Logs and AWS Private CA belong to Service Connect.
moto is imported with the first request to one of them. Services have their signing names here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from typing import Any

import orjson

from surveyor_emulator.aws import eventbridge
from surveyor_emulator.aws.forwarded import alarm_history
from surveyor_emulator.aws.iam.managed_policies import share_aws_policies
from surveyor_emulator.aws.moto_requests import forward_to_moto, operations_of
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import ParsedRequest, WireProtocol
from surveyor_emulator.protocols.api_models import Model, load_service_model
from surveyor_emulator.protocols.json import JsonProtocol

__all__ = ["answer", "load", "operations"]

# Signing name -> module and class of moto that answer it, and botocore's name of the model.
_CLASSES: Mapping[str, tuple[str, str, str]] = {
    "acm-pca": ("moto.acmpca.responses", "ACMPCAResponse", "acm-pca"),
    "events": ("moto.events.responses", "EventsHandler", "events"),
    "logs": ("moto.logs.responses", "LogsResponse", "logs"),
    "monitoring": ("moto.cloudwatch.responses", "CloudWatchResponse", "cloudwatch"),
    "sqs": ("moto.sqs.responses", "SQSResponse", "sqs"),
}


_ALARM_HISTORY = "DescribeAlarmHistory"
"""Which moto does not have."""


def load(service: str) -> None:
    """Import the module of moto that answers a service; takes some tenths of a second the first time."""
    import_module(_CLASSES[service][0])
    share_aws_policies()


def operations(service: str, model: Model) -> AbstractSet[str]:
    """Return the operations of a service that moto has."""
    own = frozenset({_ALARM_HISTORY}) if service == "monitoring" else frozenset()
    return operations_of(_responses(service), model) | own


def answer(call: Call, parsed: ParsedRequest, wire: WireProtocol, request_id: str) -> Response:
    """Answer a request whose caller is known to be allowed to make it. Raises ServiceError."""
    operation, params = parsed
    model = load_service_model(_CLASSES[call.service][2])
    if operation == _ALARM_HISTORY:
        return wire.write_result(operation, alarm_history.describe(call, params), request_id)
    if "WaitTimeSeconds" in params:
        # moto would wait in the thread that the whole emulator runs in; a client that polls again gets it as soon.
        params = {**params, "WaitTimeSeconds": 0}
    request = JsonProtocol(model).write_request(operation, _blobs_as_text(params))
    response = forward_to_moto(_responses(call.service), call, request, call.world.endpoint)
    if call.service == "monitoring" and operation in alarm_history.CHANGES:
        alarm_history.stamp(call, params)
    if call.service == "events" and operation in eventbridge.CHANGES:
        eventbridge.delay_rule(call, params)
    if isinstance(wire, JsonProtocol):
        return response
    result = orjson.loads(response.body or b"{}")
    if response.status >= 300:
        code = str(result.get("__type", "InternalFailure")).rpartition("#")[2]
        raise ServiceError(code, str(result.get("message") or result.get("Message") or ""), status=response.status)
    output = model.operations[operation].get("output")
    return wire.write_result(operation, _blobs_as_bytes(model, output["shape"], result) if output else {}, request_id)


def _responses(service: str) -> Any:
    module, name, _ = _CLASSES[service]
    return getattr(import_module(module), name)


def _blobs_as_text(value: Any) -> Any:
    """Return parameters with blobs in base 64, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _blobs_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blobs_as_text(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _blobs_as_bytes(model: Model, name: str, value: Any) -> Any:
    """Return a result read from JSON with the blobs that the model says it has."""
    shape = model.shapes[name]
    if shape["type"] == "structure" and isinstance(value, dict):
        members = shape["members"]
        return {
            key: _blobs_as_bytes(model, members[key]["shape"], item) for key, item in value.items() if key in members
        }
    if shape["type"] == "list" and isinstance(value, list):
        return [_blobs_as_bytes(model, shape["member"]["shape"], item) for item in value]
    if shape["type"] == "map" and isinstance(value, dict):
        return {key: _blobs_as_bytes(model, shape["value"]["shape"], item) for key, item in value.items()}
    return base64.b64decode(value) if shape["type"] == "blob" and isinstance(value, str) else value
