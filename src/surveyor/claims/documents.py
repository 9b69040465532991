"""Look up what botocore's models say at a path that a claim names, and compute its fingerprint.

Paths are `service/Operation`, `service/Shape` and `service/Shape.Member`. Other parts of a model have the paths
`service/metadata.<key>`, `service/operations` (names and errors of all operations), `service/paginators` and
`service/examples.<Operation>`. If an operation and a shape have the same name, the path means the operation.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from surveyor.errors import UsageError
from surveyor.input_files import is_file, read_bytes, read_text
from surveyor.service_models import model_loader

__all__ = ["VERSION", "Documents", "fingerprint", "normalise_text"]

VERSION: str = botocore.__version__

_CONSTRAINTS = ("type", "enum", "min", "max", "pattern", "required", "deprecated", "deprecatedMessage", "sensitive",
                "idempotencyToken", "document", "box", "timestampFormat")  # fmt: skip
_MODEL_LIMIT = 32 * 1024 * 1024
"""Bytes of a model; that of EC2 has 3 MB."""
_BREAKS = re.compile(r"</?(?:p|ul|ol|li|dl|dt|dd|note|important|br|div|h\d)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def normalise_text(documentation: str) -> str:
    """Return the words of a documentation string, without tags, entities, line breaks and repeated white space."""
    words = _TAG.sub("", _BREAKS.sub(" ", documentation))
    return " ".join(html.unescape(words).split())


def fingerprint(member: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of the words and constraints of a member as `Documents.member` returns it."""
    content = {key: normalise_text(value) if key == "documentation" else value for key, value in member.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Documents:
    """The models of the installed botocore, of the one in `folder`, or `models` (by name of the service) in tests."""

    def __init__(self, models: Mapping[str, Mapping[str, Any]] | None = None, folder: Path | None = None) -> None:
        self._models = models
        self._data = _find_data(folder) if folder else None
        self.version = _version(self._data) if self._data else VERSION

    def model(self, service: str) -> Mapping[str, Any] | None:
        """Return the model of a service, or None if botocore does not know it."""
        return self._load(service, "service-2")

    def operations(self, service: str) -> tuple[str, ...]:
        """Return the sorted names of a service's operations; empty if botocore does not know the service."""
        return tuple(sorted((self._load(service, "service-2") or {}).get("operations", {})))

    def member(self, path: str) -> Mapping[str, Any] | None:
        """Return the documentation and the constraints at `path`, or None if the models have no such path."""
        service, _, rest = path.partition("/")
        model = self._load(service, "service-2")
        if model is None:
            return None
        name, _, member = rest.partition(".")
        if name == "metadata" and member:
            value = model["metadata"].get(member)
            return None if value is None else {member: value}
        if rest == "operations":
            return {"operations": {name: _errors(operation) for name, operation in model["operations"].items()}}
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
        """Return the fingerprint of the member at `path`, or None if the models have no such path."""
        member = self.member(path)
        return None if member is None else fingerprint(member)

    def _load(self, service: str, kind: str) -> Mapping[str, Any] | None:
        if self._models is None:
            return _load(self._data, service, kind)
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
    # Depending on the generator, constraints are at the member or at the shape that it refers to: include both.
    return {
        "documentation": reference.get("documentation", ""),
        **_constraints(shapes, shapes[reference["shape"]]),
        **_own_constraints(reference),
        "needed": member in shape.get("required", ()),
    }


def _constraints(shapes: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the constraints of a shape, those of the elements of a list or map, and the names of its members."""
    constraints = _own_constraints(shape)
    if "members" in shape:
        constraints["members"] = sorted(shape["members"])
    for part in ("member", "key", "value"):
        if part in shape:
            constraints[part] = _own_constraints(shapes[shape[part]["shape"]])
    return constraints


def _own_constraints(shape: Mapping[str, Any]) -> dict[str, Any]:
    constraints = {key: shape[key] for key in _CONSTRAINTS if key in shape}
    for key in ("enum", "required"):
        if key in constraints:
            constraints[key] = sorted(constraints[key])
    return constraints


def _find_data(folder: Path) -> Path:
    """Return the folder of models in an unpacked botocore: itself, or below its package or its wheel."""
    for data in (folder, folder / "data", folder / "botocore" / "data"):
        if (data / "servicediscovery").is_dir():
            return data
    raise UsageError(f"no models of botocore in {folder}: expected the folder of an unpacked botocore wheel")


def _version(data: Path) -> str:
    try:
        text = read_text(data.parent / "__init__.py")
    except UsageError:
        return f"in {data}"
    found = re.search(r"^__version__ = ['\"](.+?)['\"]", text, re.MULTILINE)
    return found[1] if found else f"in {data}"


@cache
def _load(data: Path | None, service: str, kind: str) -> Mapping[str, Any] | None:
    for path in sorted((data / service).rglob(f"{kind}.json*")) if data is not None else ():
        _check_size(path)
    try:
        model: Mapping[str, Any] = _loader(data).load_service_model(service, kind)
    except DataNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{data or 'botocore'}: the model {service}/{kind} cannot be read: {error}") from None
    if not isinstance(model, dict):
        raise UsageError(f"{data or 'botocore'}: the model {service}/{kind} is not an object")
    return model


def _check_size(path: Path) -> None:
    """Refuse a file that botocore would read without end, or unpack to any size."""
    if not is_file(path):
        raise UsageError(f"{path}: cannot be read: it is not a regular file")
    if path.suffix == ".json":
        read_bytes(path, _MODEL_LIMIT)
        return
    try:
        with gzip.open(path) as file:
            size = len(file.read(_MODEL_LIMIT + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if size > _MODEL_LIMIT:
        raise UsageError(f"{path}: cannot be read: it is larger than {_MODEL_LIMIT // 1024 // 1024} MB")


@cache
def _loader(data: Path | None) -> Loader:
    if data is None:
        return model_loader()
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
