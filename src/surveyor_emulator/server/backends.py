"""What answers the requests of one service: handlers of the emulator, or moto in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qs

from surveyor_emulator.aws.handler import Handler
from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import ParsedRequest, WireProtocol, api_models
from surveyor_emulator.protocols.json import JsonProtocol

from .services import AwsService

__all__ = ["Backend", "load_backend"]

_Check = Callable[[Mapping[str, object]], None]

# Requests that a service keeps, and the largest body of one.
_RECENT_COUNT = 1000
_RECENT_SIZE = 500


class Backend(Protocol):
    """The steps of the request pipeline that differ between services. Each raises ServiceError to refuse a request."""

    service: AwsService

    def wire(self, request: Request) -> WireProtocol:
        """Return the protocol that a request speaks."""

    def read(self, wire: WireProtocol, request: Request) -> ParsedRequest:
        """Return the operation and the parameters of a request, checked against the model of the API."""

    def permission_requests(self, call: Call, params: Mapping[str, Any]) -> Iterable[PermissionRequest]:
        """Return what must be allowed."""

    def resolve_account(self, call: Call, params: Mapping[str, Any]) -> Call:
        """Return the call in the account that it is about."""

    def respond(
        self, call: Call, parsed: ParsedRequest, request: Request, wire: WireProtocol, request_id: str
    ) -> Response:
        """Carry the call out and return its response."""


def load_backend(service: AwsService) -> Backend:
    """Import what answers a service. Takes tenths of a second for large models: call it in a thread."""
    return _MotoBackend(service) if service.moto else _NativeBackend(service)


class _Backend:
    """What both kinds share."""

    def __init__(self, service: AwsService) -> None:
        self.service = service
        self._wires = {name: _wire(name, service.model) for name in service.protocols}

    def wire(self, request: Request) -> WireProtocol:
        # The content type decides, not the order in the model.
        is_cbor = "cbor" in request.headers.get("content-type", "") or "smithy-protocol" in request.headers
        if is_cbor and "cbor" in self._wires:
            return self._wires["cbor"]
        return self._wires[self.service.protocols[0]]


class _NativeBackend(_Backend):
    def __init__(self, service: AwsService) -> None:
        super().__init__(service)
        self._handlers: Mapping[str, Handler] = _module(service.handlers).HANDLERS
        self._permissions = _module(service.permissions) if service.permissions else None
        self._account_resolver = _module(service.account_resolver) if service.account_resolver else None
        self._json = self._wires.get("json")
        self._recent: dict[tuple[str, bytes], tuple[_Check, ParsedRequest]] = {}

    def read(self, wire: WireProtocol, request: Request) -> ParsedRequest:
        if wire is not self._json:
            parsed = wire.parse(request)
            self._validate(parsed)
            return parsed
        # Clients poll with the same few bodies: requests that were read lately are kept, if all of their values are
        # scalar, so that nothing can change that a handler keeps, until a mutation has them checked again.
        key = (request.headers.get("x-amz-target", ""), request.body)
        recent = self._recent.get(key)
        if recent is not None and recent[0] is self._check(recent[1].operation):
            return recent[1]
        parsed = wire.parse(request)
        check = self._validate(parsed)
        if len(request.body) <= _RECENT_SIZE and not any(isinstance(v, dict | list) for v in parsed.params.values()):
            if len(self._recent) >= _RECENT_COUNT:
                self._recent.clear()
            self._recent[key] = check, parsed
        return parsed

    def _check(self, operation: str) -> _Check:
        if operation not in self._handlers:
            raise ServiceError(
                "NotImplemented", f"the embedded target does not offer {self.service.name}:{operation}", status=501
            )
        return api_models.compile_check(self.service.model, operation)

    def _validate(self, parsed: ParsedRequest) -> _Check:
        service, check = self.service, self._check(parsed.operation)
        try:
            check(parsed.params)
        except api_models.TypeMismatch as error:
            code = "SerializationException" if not service.xml else "MalformedInput"
            raise ServiceError(code, str(error), status=400) from None
        except api_models.MissingMember as error:
            raise ServiceError(service.missing or service.invalid, str(error)) from None
        except api_models.ConstraintViolation as error:
            raise ServiceError(service.invalid, str(error)) from None
        return check

    def permission_requests(self, call: Call, params: Mapping[str, Any]) -> Iterable[PermissionRequest]:
        if self._permissions is None:
            return (PermissionRequest("*", {}),)
        requests: Iterable[PermissionRequest] = self._permissions.permission_requests(call, params)
        return requests

    def resolve_account(self, call: Call, params: Mapping[str, Any]) -> Call:
        if self._account_resolver is None:
            return call
        resolved: Call = self._account_resolver.resolve_account(call, params)
        return resolved

    def respond(
        self, call: Call, parsed: ParsedRequest, request: Request, wire: WireProtocol, request_id: str
    ) -> Response:
        return wire.write_result(parsed.operation, self._handlers[parsed.operation](call, parsed.params), request_id)


class _MotoBackend(_Backend):
    """Parameters are parsed and validated by moto; only the name of the operation is read here."""

    def __init__(self, service: AwsService) -> None:
        super().__init__(service)
        self._forwarder = _module(service.moto)
        self._forwarder.load(service.name)

    def read(self, wire: WireProtocol, request: Request) -> ParsedRequest:
        if "smithy-protocol" in request.headers:
            operation = request.path.rpartition("/")[2]
        elif "x-amz-target" in request.headers:
            operation = request.headers["x-amz-target"].rpartition(".")[2]
        else:
            operation = parse_qs(request.body.decode("utf-8", "replace")).get("Action", [""])[0]
        return ParsedRequest(operation, {})

    def permission_requests(self, call: Call, params: Mapping[str, Any]) -> Iterable[PermissionRequest]:
        return (PermissionRequest("*", {}),)

    def resolve_account(self, call: Call, params: Mapping[str, Any]) -> Call:
        return call

    def respond(
        self, call: Call, parsed: ParsedRequest, request: Request, wire: WireProtocol, request_id: str
    ) -> Response:
        response: Response = self._forwarder.answer(self.service.name, request, call.account, call.world.endpoint)
        return response


def _module(name: str) -> Any:
    return import_module(f"surveyor_emulator.aws.{name}")


def _wire(name: str, model_name: str) -> WireProtocol:
    """Return one protocol of one service; protocols are imported when first needed, to start fast."""
    model = api_models.load_service_model(model_name)
    if name == "json":
        return JsonProtocol(model)
    if name == "cbor":
        from surveyor_emulator.protocols.cbor import CborProtocol

        return CborProtocol(model)
    if name == "rest-json":
        from surveyor_emulator.protocols.rest_json import RestJsonProtocol

        return RestJsonProtocol(model)
    if name == "rest-xml":
        from surveyor_emulator.protocols.rest_xml import RestXmlProtocol

        return RestXmlProtocol(model)
    from surveyor_emulator.protocols.query import QueryProtocol

    return QueryProtocol(model, ec2=name == "ec2")
