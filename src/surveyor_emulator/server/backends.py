"""What answers the requests of one service: handlers of the emulator, or another program that it forwards to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from surveyor_emulator.aws.iam.permission_request import PermissionRequest, PermissionRequests
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import ParsedRequest, WireProtocol, api_models
from surveyor_emulator.protocols.json import JsonProtocol

from .services import AwsService

__all__ = ["Backend", "load_backend"]

_Check = Callable[[Mapping[str, object]], None]
_Answer = Callable[[Call, ParsedRequest, WireProtocol, str], Response]

# Requests that a service keeps, and the largest body of one.
_RECENT_COUNT = 1000
_RECENT_SIZE = 500


def load_backend(service: AwsService) -> Backend:
    """Import what answers a service. Takes tenths of a second for large models: call it in a thread."""
    if not service.forwarder:
        handlers: Mapping[str, Callable[..., Any]] = _module(service.handlers).HANDLERS

        def answer(call: Call, parsed: ParsedRequest, wire: WireProtocol, request_id: str) -> Response:
            operation, params = parsed
            conditions = call.world.conditions
            if conditions is None:
                document = handlers[operation](call, params)
            else:
                document = conditions.perform(
                    call, params, lambda name, given: handlers[name](replace(call, operation=name), given)
                )
            return wire.write_result(operation, document, request_id)

        return Backend(service, handlers, answer)
    forwarder = _module(service.forwarder)
    forwarder.load(service.name)
    model = api_models.load_service_model(service.model)
    return Backend(service, forwarder.operations(service.name, model), forwarder.answer)


class Backend:
    """The steps of the request pipeline that differ between services. Each raises ServiceError to refuse a request.

    ``answer`` carries a call out and serialises its result, for the operations of ``offered``.
    """

    def __init__(self, service: AwsService, offered: Collection[str], answer: _Answer) -> None:
        self.service = service
        self._offered = offered
        self.respond = answer
        self._wires = {name: _wire(name, service.model) for name in service.protocols}
        self._permissions: PermissionRequests = _module(service.permissions).permission_requests
        self._account_resolver = _module(service.account_resolver) if service.account_resolver else None
        json_wire = self._wires.get("json")
        self._json = json_wire if isinstance(json_wire, JsonProtocol) else None
        self._recent: dict[tuple[str, bytes], tuple[_Check, ParsedRequest]] = {}

    def wire(self, request: Request) -> WireProtocol:
        """Return the protocol that a request speaks: its headers decide, not the order in the model."""
        headers, wires = request.headers, self._wires
        content_type = headers.get("content-type", "")
        if "cbor" in wires and ("cbor" in content_type or "smithy-protocol" in headers):
            return wires["cbor"]
        if "query" in wires and "x-amz-target" not in headers and "json" not in content_type:
            return wires["query"]
        return wires[self.service.protocols[0]]

    def read(self, wire: WireProtocol, request: Request) -> ParsedRequest:
        """Return the operation and the parameters of a request, checked against the model of the API."""
        if self._json is None or wire is not self._json or "content-encoding" in request.headers:
            parsed = wire.parse(request)
            self._validate(parsed)
            return parsed
        # Clients poll with the same few bodies: requests that were read lately are kept, if all of their values are
        # scalar, so that nothing can change that a handler keeps, until a mutation has them checked again.
        self._json.check(request)
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

    def permission_requests(self, call: Call, params: Mapping[str, Any]) -> Iterable[PermissionRequest]:
        """Return what must be allowed."""
        return self._permissions(call, params)

    def resolve_account(self, call: Call, params: Mapping[str, Any]) -> Call:
        """Return the call in the account that it is about."""
        if self._account_resolver is None:
            return call
        resolved: Call = self._account_resolver.resolve_account(call, params)
        return resolved

    def _check(self, operation: str) -> _Check:
        if operation not in self._offered:
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
            raise ServiceError(service.missing or self._invalid(parsed.operation), str(error)) from None
        except api_models.ConstraintViolation as error:
            raise ServiceError(self._invalid(parsed.operation), str(error)) from None
        return check

    def _invalid(self, operation: str) -> str:
        """Return the code for a request that breaks the model: the operation's, if it has another one."""
        model = api_models.load_service_model(self.service.model)
        errors = {error["shape"] for error in model.operations[operation].get("errors", ())}
        code, other = self.service.invalid, self.service.other_invalid
        return other if other is not None and other in errors and code not in errors else code


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
    if name == "s3":
        from surveyor_emulator.protocols.s3 import S3Protocol

        return S3Protocol(model)
    from surveyor_emulator.protocols.query import QueryProtocol

    return QueryProtocol(model, ec2=name == "ec2")
