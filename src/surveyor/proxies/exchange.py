"""One API call that passes through a proxy: its operation, its request and its response."""

from __future__ import annotations

import functools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.model import Shape

from surveyor.service_models import service_model

__all__ = ["ProxyRequest", "ProxyResponse", "encode_output", "invent_output", "parse_request"]

_SCOPE = re.compile(r"Credential=[^/,]*/[^/,]*/[^/,]*/([^/,]*)/")
_JSON = "application/x-amz-json-1.1"
_SCALARS = frozenset({"string", "long", "integer", "boolean", "double", "float"})
_INVENTED = frozenset({"string", "structure", "long", "integer", "list"})
"""Kinds of members that an invented output has although they are optional."""


@dataclass
class ProxyRequest:
    """A request. ``params`` is None unless the body is JSON; changes of it are forwarded."""

    service: str
    operation: str
    body: bytes
    params: dict[str, Any] | None

    def encode(self) -> bytes:
        """Return the body to forward."""
        return self.body if self.params is None else json.dumps(self.params).encode()


@dataclass
class ProxyResponse:
    """A response. ``value`` is None unless the body is JSON; changes of it are returned to the client."""

    status: int
    headers: dict[str, str]
    body: bytes
    value: dict[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        self.value = _parse_json(self.body) if "json" in self.headers.get("Content-Type", "") else None

    @property
    def error(self) -> str:
        """Return the error code, "" for a success."""
        if self.value is not None and self.status >= 400:
            return str(self.value.get("__type", "")).rpartition("#")[2]
        code = re.search(rb"<Code>([^<]*)</Code>", self.body) if self.status >= 400 else None
        return code[1].decode() if code else ""

    def encode(self) -> bytes:
        """Return the body to return to the client."""
        return self.body if self.value is None else json.dumps(self.value).encode()

    @classmethod
    def from_json(cls, status: int, value: Mapping[str, Any]) -> ProxyResponse:
        """Return a response with ``value`` as its JSON body."""
        return cls(status, {"Content-Type": _JSON}, json.dumps(value).encode())


def parse_request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> ProxyRequest:
    """Return the request with its service and operation; the service is "" unless it is a signed AWS request."""
    scope = _SCOPE.search(headers.get("Authorization", ""))
    service = scope[1] if scope else ""
    target = headers.get("X-Amz-Target", "")
    if target:
        return ProxyRequest(service, target.rpartition(".")[2], body, _parse_json(body))
    if service == "route53":
        return ProxyRequest(service, _route53_operation(method, path.partition("?")[0]), body, None)
    action = parse_qs(body.decode("latin-1")).get("Action", [""])[0] if service else ""
    return ProxyRequest(service, action, body, None)


def invent_output(request: ProxyRequest) -> dict[str, Any]:
    """Return a successful output that the API model allows, with the request's values for members of the same kind."""
    operation = service_model(request.service).operation_model(request.operation)
    given: Mapping[str, Shape] = operation.input_shape.members if operation.input_shape is not None else {}
    known = {name: (given[name], value) for name, value in (request.params or {}).items() if name in given}
    return dict(_invent(operation.output_shape, known)) if operation.output_shape is not None else {}


def encode_output(request: ProxyRequest, output: Mapping[str, Any]) -> ProxyResponse:
    """Return the success with this output, in the protocol of the request."""
    if request.params is not None:
        return ProxyResponse.from_json(200, output)
    operation = service_model(request.service).operation_model(request.operation)
    shape = operation.output_shape
    root = ET.Element(shape.name if shape is not None else f"{operation.name}Response")
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper")
        _add_members(ET.SubElement(root, str(wrapper)) if wrapper else root, shape, output)
    return ProxyResponse(200, {"Content-Type": "text/xml"}, ET.tostring(root))


def _add_members(element: ET.Element, shape: Shape, value: Mapping[str, Any]) -> None:
    members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]  # a structure has them
    for name, member in members.items():
        if name in value and "location" not in member.serialization:
            _add(element, str(member.serialization.get("name", name)), member, value[name])


def _add(parent: ET.Element, name: str, shape: Shape, value: Any) -> None:
    if shape.type_name == "list":
        entry: Shape = shape.member  # type: ignore[attr-defined]  # a list has it
        within = parent if shape.serialization.get("flattened") else ET.SubElement(parent, name)
        for item in value:
            _add(within, str(entry.serialization.get("name", name if within is parent else "member")), entry, item)
        return
    element = ET.SubElement(parent, name)
    if shape.type_name == "structure":
        _add_members(element, shape, value)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def _invent(shape: Shape, known: Mapping[str, tuple[Shape, Any]]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]  # a structure has them
        required: Collection[str] = shape.required_members
        return {
            name: known[name][1] if name in known and _are_alike(known[name][0], member) else _invent(member, known)
            for name, member in members.items()
            if name in known or name in required or member.type_name in _INVENTED
        }
    if kind in ("list", "map"):
        return [] if kind == "list" else {}
    if kind == "string":
        values: Sequence[str] = shape.enum  # type: ignore[attr-defined]  # a string has it
        return values[-1] if values else "mutant"
    return {"timestamp": "2026-01-01T00:00:00Z", "boolean": False}.get(kind, 1)


def _are_alike(one: Shape, other: Shape) -> bool:
    """Return whether a value of one shape is one of the other; `service` is a name in requests, not in answers."""
    return one.name == other.name or (one.type_name == other.type_name and one.type_name in _SCALARS)


def _route53_operation(method: str, path: str) -> str:
    for operation, verb, pattern in _route53_routes():
        if verb == method and pattern.fullmatch(path):
            return operation
    return ""


@functools.cache
def _route53_routes() -> list[tuple[str, str, re.Pattern[str]]]:
    model = service_model("route53")
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(http["requestUri"].partition("?")[0]))
        routes.append((name, http["method"], re.compile(pattern + "/?")))
    return routes


def _parse_json(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
