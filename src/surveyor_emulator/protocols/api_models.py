"""Requests held against botocore's own service models, so that shapes cannot drift from what clients send.

The model files are read as they lie in the botocore package, without importing botocore: that would be half of the
start-up time. Each input shape is compiled once into a function that raises at the first member that is wrong:
``WrongType`` where a value could not even be read as what the model says, ``WrongValue`` where it breaks a constraint.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Missing", "Model", "WrongType", "WrongValue", "checker", "service_model"]

Check = Callable[[object, str], None]
# A shape as the model file has it: JSON of botocore's making.
Shape = Mapping[str, Any]

_JAVA_CLASSES = {
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}": r"[\x20-\x7e]",
    # Letters, separators and numbers inside a class, as near as Python's come.
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A service model file: its parts as botocore publishes them."""

    name: str
    metadata: Mapping[str, Any]
    operations: Mapping[str, Mapping[str, Any]]
    shapes: Mapping[str, Shape]


class WrongType(Exception):
    """A value is of another type than the model's; the text says where and what was expected."""


class WrongValue(Exception):
    """A value breaks a constraint of the model; the text says where and which."""


class Missing(WrongValue):
    """A required member is not there; EC2 has an error code of its own for it."""


@functools.cache
def service_model(name: str) -> Model:
    """The newest model of a service, by botocore's name for it."""
    package = importlib.util.find_spec("botocore")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = max((Path(package.submodule_search_locations[0]) / "data" / name).iterdir())
    packed = folder / "service-2.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "service-2.json").read_bytes()
    document = json.loads(text)
    return Model(name, document["metadata"], document["operations"], document["shapes"])


@functools.cache
def checker(service: str, operation: str) -> Callable[[Mapping[str, object]], None]:
    """The compiled check of one operation's input."""
    model = service_model(service)
    given = model.operations[operation].get("input")
    if given is None:
        return lambda params: None
    check = _compile(model, given["shape"], {})
    return lambda params: check(params, "")


def _compile(model: Model, name: str, known: dict[str, Check]) -> Check:
    """``known`` holds shapes in the making, for those that contain themselves."""
    if name in known:
        return known[name]

    def later(value: object, where: str) -> None:
        known[name](value, where)

    known[name] = later
    shape = model.shapes[name]
    made: Check
    if shape["type"] == "structure":
        made = _structure(model, shape, known)
    elif shape["type"] == "list":
        made = _list(model, shape, known)
    elif shape["type"] == "map":
        made = _map(model, shape, known)
    else:
        made = _SCALARS[shape["type"]](shape)
    known[name] = made
    return made


def _structure(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    members = {name: _compile(model, member["shape"], known) for name, member in shape["members"].items()}
    required = tuple(shape.get("required", ()))

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise WrongType(f"{where or 'the request'} is to be a structure")
        for name in required:
            if value.get(name) is None:
                raise Missing(f"{_join(where, name)} is required")
        for name, item in value.items():
            if item is not None and name in members:
                members[name](item, _join(where, name))

    return check


def _list(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    member, (least, most) = _compile(model, shape["member"]["shape"], known), _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, list):
            raise WrongType(f"{where} is to be a list")
        _within(len(value), least, most, f"the number of entries of {where}")
        for number, item in enumerate(value):
            if item is None:
                raise WrongValue(f"{where}[{number}] may not be null")
            member(item, f"{where}[{number}]")

    return check


def _map(model: Model, shape: Shape, known: dict[str, Check]) -> Check:
    key, member = (_compile(model, shape[part]["shape"], known) for part in ("key", "value"))
    least, most = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise WrongType(f"{where} is to be a map")
        _within(len(value), least, most, f"the number of entries of {where}")
        for name, item in value.items():
            key(name, f"a key of {where}")
            if item is None:
                raise WrongValue(f"{where}.{name} may not be null")
            member(item, f"{where}.{name}")

    return check


def _string(shape: Shape) -> Check:
    least, most = _bounds(shape)
    enum = frozenset(shape["enum"]) if "enum" in shape else None
    pattern = _pattern(shape.get("pattern"))

    def check(value: object, where: str) -> None:
        if not isinstance(value, str):
            raise WrongType(f"{where} is to be a string")
        _within(len(value), least, most, f"the length of {where}")
        if enum is not None and value not in enum:
            raise WrongValue(f"{where} is to be one of {', '.join(sorted(enum))}")
        if pattern is not None and not pattern.search(value):
            raise WrongValue(f"{where} does not match {shape['pattern']}")

    return check


def _integer(shape: Shape) -> Check:
    least, most = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongType(f"{where} is to be an integer")
        _within(value, least, most, where)

    return check


def _number(shape: Shape) -> Check:
    least, most = _bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise WrongType(f"{where} is to be a number")
        _within(value, least, most, where)

    return check


def _boolean(shape: Shape) -> Check:
    def check(value: object, where: str) -> None:
        if not isinstance(value, bool):
            raise WrongType(f"{where} is to be true or false")

    return check


def _anything(shape: Shape) -> Check:
    """Timestamps and blobs: the protocols have read them already."""
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


def _within(size: float, least: float | None, most: float | None, what: str) -> None:
    if least is not None and size < least:
        raise WrongValue(f"{what} is {size}, the least is {least}")
    if most is not None and size > most:
        raise WrongValue(f"{what} is {size}, the most is {most}")


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """A model's pattern (Java's dialect) as ours. ``$`` must not allow a last line feed, as Python's does."""
    if text is None:
        return None
    for java, python in _JAVA_CLASSES.items():
        text = text.replace(java, python)
    return re.compile(re.sub(r"(?<!\\)\$(?=\)|\||$)", r"\\Z", text))


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
