"""Looks up what botocore's models say at the path that a claim names, and takes its fingerprint.

Paths: `service/Operation`, `service/Shape`, `service/Shape.Member`; and, for what a model says elsewhere,
`service/metadata.<key>`, `service/operations` (names and errors of all), `service/paginators` and
`service/examples.<Operation>`. Where an operation and a shape have one name, the operation is meant.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore
import botocore.loaders
from botocore.exceptions import DataNotFoundError

__all__ = ["VERSION", "Documents", "fingerprint", "normalised"]

VERSION: str = botocore.__version__

_CONSTRAINTS = ("type", "enum", "min", "max", "pattern", "required", "deprecated", "deprecatedMessage", "sensitive",
                "idempotencyToken", "document", "box", "timestampFormat")  # fmt: skip
_BREAKS = re.compile(r"</?(?:p|ul|ol|li|dl|dt|dd|note|important|br|div|h\d)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def normalised(documentation: str) -> str:
    """The words of a documentation string: tags, entities, white space and line breaks do not count."""
    words = _TAG.sub("", _BREAKS.sub(" ", documentation))
    return " ".join(html.unescape(words).split())


def fingerprint(member: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a member as `Documents.member` gives it: its words and its constraints, in any order."""
    told = {key: normalised(value) if key == "documentation" else value for key, value in member.items()}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Documents:
    """The models of the botocore that is installed, or those of `models`: service model by service (tests)."""

    def __init__(self, models: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._models = models

    def operations(self, service: str) -> tuple[str, ...]:
        """The names of a service's operations, sorted; empty for a service that botocore does not know."""
        return tuple(sorted((self._load(service, "service-2") or {}).get("operations", {})))

    def member(self, path: str) -> Mapping[str, Any] | None:
        """What the models say at `path`: documentation and constraints. None if there is no such thing."""
        service, _, rest = path.partition("/")
        model = self._load(service, "service-2")
        if model is None:
            return None
        name, _, member = rest.partition(".")
        if name == "metadata" and member:
            value = model["metadata"].get(member)
            return None if value is None else {member: value}
        if rest == "operations":
            return {"operations": {name: _errors(one) for name, one in model["operations"].items()}}
        if rest == "paginators":
            pages = self._load(service, "paginators-1")
            return None if pages is None else {"paginators": sorted(pages["pagination"])}
        if name == "examples" and member:
            examples = (self._load(service, "examples-1") or {}).get("examples", {}).get(member)
            return None if examples is None else {"examples": examples}
        if not member and name in model["operations"]:
            operation = model["operations"][name]
            return {"documentation": operation.get("documentation", ""), "errors": _errors(operation)}
        return _shape(model["shapes"], name, member)

    def fingerprint(self, path: str) -> str | None:
        """The fingerprint of what the models say at `path`; None if there is no such thing."""
        member = self.member(path)
        return None if member is None else fingerprint(member)

    def _load(self, service: str, kind: str) -> Mapping[str, Any] | None:
        if self._models is None:
            return _load(service, kind)
        return self._models.get(service) if kind == "service-2" else None


def _errors(operation: Mapping[str, Any]) -> list[str]:
    return sorted(error["shape"] for error in operation.get("errors", ()))


def _shape(shapes: Mapping[str, Any], name: str, member: str) -> dict[str, Any] | None:
    shape = shapes.get(name)
    if shape is None or (member and member not in shape.get("members", {})):
        return None
    if not member:
        return {"documentation": shape.get("documentation", ""), **_constraints(shapes, shape)}
    reference = shape["members"][member]
    # Constraints stand at the member or at the shape that it refers to, depending on the generator: both count.
    return {
        "documentation": reference.get("documentation", ""),
        **_constraints(shapes, shapes[reference["shape"]]),
        **_plain(reference),
        "needed": member in shape.get("required", ()),
    }


def _constraints(shapes: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """The constraints of a shape, with those of what a list or a map is made of, and the names of its members."""
    told = _plain(shape)
    if "members" in shape:
        told["members"] = sorted(shape["members"])
    for part in ("member", "key", "value"):
        if part in shape:
            told[part] = _plain(shapes[shape[part]["shape"]])
    return told


def _plain(shape: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: shape[key] for key in _CONSTRAINTS if key in shape}
    for key in ("enum", "required"):
        if key in told:
            told[key] = sorted(told[key])
    return told


@cache
def _load(service: str, kind: str) -> Mapping[str, Any] | None:
    try:
        model: Mapping[str, Any] = _loader().load_service_model(service, kind)
    except (DataNotFoundError, ValueError):
        return None
    return model


@cache
def _loader() -> botocore.loaders.Loader:
    return botocore.loaders.Loader()
