"""Requests held against botocore's own service models, so that shapes cannot drift from what clients send.

Each input shape is compiled once into a function that raises at the first member that is wrong: ``WrongType`` where a
value could not even be read as what the model says, ``WrongValue`` where it breaks a constraint of it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

__all__ = ["WrongType", "WrongValue", "checker", "service_model"]

Check = Callable[[object, str], None]

_LOADER = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
_JAVA_CLASSES = {r"\p{ASCII}": r"[\x00-\x7f]", r"\p{Print}": r"[\x20-\x7e]"}


class WrongType(Exception):
    """A value is of another type than the model's; the text says where and what was expected."""


class WrongValue(Exception):
    """A value breaks a constraint of the model; the text says where and which."""


@functools.cache
def service_model(name: str) -> ServiceModel:
    """Botocore's model of a service, by botocore's name for it."""
    return ServiceModel(_LOADER.load_service_model(name, "service-2"), name)


@functools.cache
def checker(service: str, operation: str) -> Callable[[Mapping[str, object]], None]:
    """The compiled check of one operation's input."""
    model: OperationModel = service_model(service).operation_model(operation)
    if model.input_shape is None:
        return lambda params: None
    check = _compile(model.input_shape, {})
    return lambda params: check(params, "")


def _compile(shape: Shape, known: dict[str, Check]) -> Check:
    """``known`` holds shapes in the making, for those that contain themselves."""
    if shape.name in known:
        return known[shape.name]

    def later(value: object, where: str) -> None:
        known[shape.name](value, where)

    known[shape.name] = later
    made: Check
    if isinstance(shape, StructureShape):
        made = _structure(shape, known)
    elif isinstance(shape, ListShape):
        made = _list(shape, known)
    elif isinstance(shape, MapShape):
        made = _map(shape, known)
    else:
        made = _SCALARS.get(shape.type_name, _string)(shape)
    known[shape.name] = made
    return made


def _structure(shape: StructureShape, known: dict[str, Check]) -> Check:
    members = {name: _compile(member, known) for name, member in shape.members.items()}
    required = tuple(shape.required_members)

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise WrongType(f"{where or 'the request'} is to be a structure")
        for name in required:
            if value.get(name) is None:
                raise WrongValue(f"{_join(where, name)} is required")
        for name, item in value.items():
            if item is not None and name in members:
                members[name](item, _join(where, name))

    return check


def _list(shape: ListShape, known: dict[str, Check]) -> Check:
    member, least, most = _compile(shape.member, known), *_bounds(shape)

    def check(value: object, where: str) -> None:
        if not isinstance(value, list):
            raise WrongType(f"{where} is to be a list")
        _within(len(value), least, most, f"the number of entries of {where}")
        for number, item in enumerate(value):
            if item is None:
                raise WrongValue(f"{where}[{number}] may not be null")
            member(item, f"{where}[{number}]")

    return check


def _map(shape: MapShape, known: dict[str, Check]) -> Check:
    key, member, (least, most) = _compile(shape.key, known), _compile(shape.value, known), _bounds(shape)

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
    listed: list[str] = getattr(shape, "enum", None) or []
    enum = frozenset(listed) if listed else None
    pattern = _pattern(shape.metadata.get("pattern"))

    def check(value: object, where: str) -> None:
        if not isinstance(value, str):
            raise WrongType(f"{where} is to be a string")
        _within(len(value), least, most, f"the length of {where}")
        if enum is not None and value not in enum:
            raise WrongValue(f"{where} is to be one of {', '.join(sorted(enum))}")
        if pattern is not None and not pattern.search(value):
            raise WrongValue(f"{where} does not match {shape.metadata['pattern']}")

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
    return shape.metadata.get("min"), shape.metadata.get("max")


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
