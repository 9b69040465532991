"""One API call that passes through a proxy: its operation, its request and its response."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.model import ServiceModel, Shape

from surveyor.service_models import model_loader

__all__ = ["ProxyRequest", "ProxyResponse", "invent_output", "parse_request", "service_model"]

_SCOPE = re.compile(r"Credential=[^/,]*/[^/,]*/[^/,]*/([^/,]*)/")
_JSON = "application/x-amz-json-1.1"


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
    """Return a successful output that the API model allows, with the request's values for members of the same name."""
    shape = service_model(request.service).operation_model(request.operation).output_shape
    known = request.params or {}
    return dict(_invent(shape, known)) if shape is not None else {}


def _invent(shape: Shape, known: Mapping[str, Any]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined]  # a structure has them
        return {
            name: known[name] if name in known else _invent(member, known)
            for name, member in members.items()
            if name in known or member.type_name in ("string", "structure", "long", "integer")
        }
    if kind in ("list", "map"):
        return [] if kind == "list" else {}
    return "mutant" if kind == "string" else 1


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


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service. Raises UnknownServiceError if there is none."""
    return ServiceModel(model_loader().load_service_model(service, "service-2"), service)


def _parse_json(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
