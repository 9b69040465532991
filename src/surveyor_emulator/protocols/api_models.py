"""Validation of requests against botocore's service models, so that shapes always match those of clients.

The model files of the botocore package are read without importing botocore, which would be half of the start-up time.
Each input shape is compiled once into a function that raises at the first invalid member: ``TypeMismatch`` if a value
has another type than the model's, ``ConstraintViolation`` if it violates a constraint.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

__all__ = ["ConstraintViolation", "MissingMember", "Model", "TypeMismatch", "compile_check", "load_service_model"]

Check = Callable[[object, str], None]
# A shape as in the model file: JSON, defined by botocore.
Shape = Mapping[str, Any]

_JAVA_CLASSES = {
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}": r"[\x20-\x7e]",
    # Letters, separators and numbers inside a class: Python's nearest equivalents.
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    # Java writes characters outside the first plane as two halves; Python has them as one.
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The parts of a service model file, as botocore publishes them."""

    name: str
    metadata: Mapping[str, Any]
    operations: Mapping[str, Mapping[str, Any]]
    shapes: Mapping[str, Shape]


class TypeMismatch(Exception):
    """Raised for a value of another type than the model's; the text states where, and the expected type."""


class ConstraintViolation(Exception):
    """Raised for a value that violates a constraint of the model; the text states where, and the constraint."""


class MissingMember(ConstraintViolation):
    """Raised for a missing required member; EC2 has a separate error code for it."""


@functools.cache
def load_service_model(name: str) -> Model:
    """Return the newest model of a service, by botocore's name."""
    package = importlib.util.find_spec("botocore")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = max((Path(package.submodule_search_locations[0]) / "data" / name).iterdir())
    packed = folder / "service-2.json.gz"
    if packed.exists():
        text = zlib.decompress(packed.read_bytes(), wbits=zlib.MAX_WBITS | 16)  # 16: in the format of gzip
    else:
        text = (folder / "service-2.json").read_bytes()
    document = orjson.loads(text)
    return Model(name, document["metadata"], document["operations"], document["shapes"])


@functools.cache
def compile_check(service: str, operation: str) -> Callable[[Mapping[str, object]], None]:
    """Return the compiled validation of an operation's input."""
    model = load_service_model(service)
    input_shape = model.operations[operation].get("input")
    if input_shape is None:
        return lambda params: None
    check = _compile(model, input_shape["shape"], {})
    return lambda params: check(params, "")


def _compile(model: Model, name: str, known: dict[str, Check]) -> Check:
    """Compile the shape ``name``; ``known`` holds unfinished shapes too, for shapes that contain themselves."""
    if name in known:
        return known[name]

    def check_later(value: object, where: str) -> None:
        known[name](value, where)

    known[name] = check_later
    shape = model.shapes[name]
    check: Check
    if shape["type"] == "structure":
        check = _structure(model, shape, known)
    elif shape["type"] == "list":
        check = _list(model, shape, known)
    elif shape["type"] == "map":
        check = _map(model, shape, known)
    else:
        check = _SCALARS[shape["type"]](shape)
    known[name] = check
    return check


def _structure(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    members = {name: _compile(model, member["shape"], known) for name, member in shape["members"].items()}
    required = tuple(shape.get("required", ()))

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise TypeMismatch(f"{where or 'the request'} must be a structure")
        for name in required:
            if value.get(name) is None:
                raise MissingMember(f"{where}.{name} is required" if where else f"{name} is required")
        for name, item in value.items():
            if item is not None and name in members:
                members[name](item, f"{where}.{name}" if where else name)

    return check


def _list(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    member, (minimum, maximum) = _compile(model, shape["member"]["shape"], known), _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, list):
            raise TypeMismatch(f"{where} must be a list")
        _within(len(value), minimum, maximum, value, where, "length")
        for number, item in enumerate(value):
            if item is None:
                raise ConstraintViolation(f"{where}[{number}] may not be null")
            member(item, f"{where}[{number}]")

    return check


def _map(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    key, member = (_compile(model, shape[part]["shape"], known) for part in ("key", "value"))
    minimum, maximum = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise TypeMismatch(f"{where} must be a map")
        _within(len(value), minimum, maximum, value, where, "length")
        for name, item in value.items():
            key(name, f"a key of {where}")
            if item is None:
                raise ConstraintViolation(f"{where}.{name} may not be null")
            member(item, f"{where}.{name}")

    return check


def _string(shape: Shape) -> Check:
    minimum, maximum = _bounds(shape)
    enum = frozenset(shape["enum"]) if "enum" in shape else None
    pattern = _pattern(shape.get("pattern"))

    def check(value: object, where: str) -> None:
        if not isinstance(value, str):
            raise TypeMismatch(f"{where} must be a string")
        length = len(value)
        if (minimum is not None and length < minimum) or (maximum is not None and length > maximum):
            _within(length, minimum, maximum, value, where, "length")
        if enum is not None and value not in enum:
            raise _violation(value, where, f"satisfy enum value set: [{', '.join(sorted(enum))}]")
        if pattern is not None and not pattern.search(value):
            raise _violation(value, where, f"satisfy regular expression pattern: {shape['pattern']}")

    return check


def _integer(shape: Shape) -> Check:
    minimum, maximum = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeMismatch(f"{where} must be an integer")
        _within(value, minimum, maximum, value, where, "value")

    return check


def _number(shape: Shape) -> Check:
    minimum, maximum = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeMismatch(f"{where} must be a number")
        _within(value, minimum, maximum, value, where, "value")

    return check


def _boolean(shape: Shape) -> Check:
    def check(value: object, where: str) -> None:
        if not isinstance(value, bool):
            raise TypeMismatch(f"{where} must be true or false")

    return check


def _anything(shape: Shape) -> Check:
    """Accept any value: the protocols have already parsed timestamps and blobs."""
    return lambda value, where: None


_SCALARS: Mapping[str, Callable[[Shape], Check]] = {
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _anything,
    "blob": _anything,
}


def _bounds(shape: Shape) -> tuple[float | None, float | None]:
    return shape.get("min"), shape.get("max")


def _within(size: float, minimum: float | None, maximum: float | None, value: object, where: str, measure: str) -> None:
    if minimum is not None and size < minimum:
        raise _violation(value, where, f"have {measure} greater than or equal to {minimum}")
    if maximum is not None and size > maximum:
        raise _violation(value, where, f"have {measure} less than or equal to {maximum}")


def _violation(value: object, where: str, constraint: str) -> ConstraintViolation:
    """Return the error with the words of AWS: members in camel case, entries of lists counted from 1."""
    counted = re.sub(r"\[(\d+)\]", lambda match: f".{int(match[1]) + 1}.member", where)
    path = ".".join(name[:1].lower() + name[1:] for name in counted.split("."))
    subject = f"1 validation error detected: Value '{value}' at '{path}'"
    return ConstraintViolation(f"{subject} failed to satisfy constraint: Member must {constraint}")


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """Compile a model's pattern (Java's dialect). ``$`` must not match before a final line feed, as Python's does."""
    if text is None:
        return None
    for java, python in _JAVA_CLASSES.items():
        text = text.replace(java, python)
    return re.compile(re.sub(r"(?<!\\)\$(?=\)|\||$)", r"\\Z", text))
