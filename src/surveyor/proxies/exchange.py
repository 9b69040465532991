"""One call as it passes the proxy: which operation it is, what was asked, what was answered."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import botocore.loaders
from botocore.model import ServiceModel, Shape

__all__ = ["Answer", "Asked", "asked", "invented"]

_SCOPE = re.compile(r"Credential=[^/,]*/[^/,]*/[^/,]*/([^/,]*)/")
_JSON = "application/x-amz-json-1.1"


@dataclass
class Asked:
    """A request. ``params`` only where it is JSON; what is changed there is sent on."""

    service: str
    operation: str
    body: bytes
    params: dict[str, Any] | None

    def sent(self) -> bytes:
        """The body to send on."""
        return self.body if self.params is None else json.dumps(self.params).encode()


@dataclass
class Answer:
    """A response. ``value`` only where it is JSON; what is changed there is passed back."""

    status: int
    headers: dict[str, str]
    body: bytes
    value: dict[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        self.value = _parsed(self.body) if "json" in self.headers.get("Content-Type", "") else None

    @property
    def error(self) -> str:
        """The error code, "" where it is a success."""
        if self.value is not None and self.status >= 400:
            return str(self.value.get("__type", "")).rpartition("#")[2]
        found = re.search(rb"<Code>([^<]*)</Code>", self.body) if self.status >= 400 else None
        return found[1].decode() if found else ""

    def passed(self) -> bytes:
        """The body to pass back."""
        return self.body if self.value is None else json.dumps(self.value).encode()

    @classmethod
    def of(cls, status: int, value: Mapping[str, Any]) -> Answer:
        """An answer in JSON."""
        return cls(status, {"Content-Type": _JSON}, json.dumps(value).encode())


def asked(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Read a request; whatever is not one of AWS's is of the service ""."""
    scope = _SCOPE.search(headers.get("Authorization", ""))
    service = scope[1] if scope else ""
    target = headers.get("X-Amz-Target", "")
    if target:
        return Asked(service, target.rpartition(".")[2], body, _parsed(body))
    if service == "route53":
        return Asked(service, _route(method, path.partition("?")[0]), body, None)
    action = parse_qs(body.decode("latin-1")).get("Action", [""])[0] if service else ""
    return Asked(service, action, body, None)


def invented(of: Asked) -> dict[str, Any]:
    """A success that the model allows, with what the request says where the names are the same."""
    shape = _model(of.service).operation_model(of.operation).output_shape
    known = of.params or {}
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


def _route(method: str, path: str) -> str:
    for operation, verb, pattern in _routes():
        if verb == method and pattern.fullmatch(path):
            return operation
    return ""


@functools.cache
def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    model = _model("route53")
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(http["requestUri"].partition("?")[0]))
        found.append((name, http["method"], re.compile(pattern + "/?")))
    return found


@functools.cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
