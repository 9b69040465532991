"""Response mutants: one member of the answers of one operation is dropped, renamed, retyped, reordered or shifted.

Answers are JSON or XML. A path has the names of members; `*` stands for each entry of a list or of a map, whose keys
the caller chose. In XML the entries of a list have one name, so their path needs no `*`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError, Shape

from surveyor.proxies.exchange import ProxyRequest, ProxyResponse
from surveyor.service_models import service_model

__all__ = ["ResponseChange", "answer_name", "change_answer", "changes_of"]

STEP = 1
"""By how much a number is shifted; seconds, for a time."""

_INTEGER = re.compile(r"-?[0-9]{1,12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


@dataclass(frozen=True, order=True)
class ResponseChange:
    """A change of one member. `answer` is what `answer_name` returns; `change` one of the functions below."""

    answer: str
    path: str
    change: str

    def dumps(self) -> str:
        """Return JSON text."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"{self.answer} {self.path} {self.change}"


def answer_name(request: ProxyRequest, answer: ProxyResponse) -> str:
    """Return the operation, and the error code if the answer is an error."""
    return f"{request.operation} {answer.error}" if answer.status >= 400 else request.operation


def changes_of(request: ProxyRequest, answer: ProxyResponse) -> set[ResponseChange]:
    """Return the changes that can be made to an answer, none if it is neither JSON nor XML."""
    if not request.operation:
        return set()
    name = answer_name(request, answer)
    if answer.value is not None:
        shape = _output_shape(request) if answer.status < 400 else None
        found = _changes_of_json(answer.value, shape, ())
    elif (root := _parse_xml(answer)) is not None:
        found = _changes_of_xml(root, ())
    else:
        return set()
    return {ResponseChange(name, ".".join(path), change) for path, change in found}


def change_answer(change: ResponseChange, request: ProxyRequest, answer: ProxyResponse) -> ProxyResponse:
    """Return the answer with the change made to every member at its path; another operation's as it is."""
    if answer_name(request, answer) != change.answer:
        return answer
    path = change.path.split(".")
    if answer.value is not None:
        _change_json(answer.value, path, change.change)
        return answer
    root = _parse_xml(answer)
    if root is None:
        return answer
    for parent, element in list(_elements(root, path)):
        _XML_CHANGES[change.change](parent, element)
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    return ProxyResponse(answer.status, headers, ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _changes_of_json(value: Any, shape: Shape | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if path and path[-1] != "*":
        yield from ((path, change) for change in ("drop", "rename", "retype"))
    if isinstance(value, bool):
        yield path, "invert"
    elif isinstance(value, int | float):
        yield from ((path, change) for change in ("more", "less"))
    elif isinstance(value, list):
        if len(value) > 1:
            yield path, "reverse"
        if value:
            yield path, "drop-one"
        for entry in value:
            yield from _changes_of_json(entry, getattr(shape, "member", None), (*path, "*"))
    elif isinstance(value, dict):
        members: Mapping[str, Shape] = getattr(shape, "members", {})
        is_map = shape is not None and shape.type_name == "map"
        if is_map and value:
            yield path, "drop-one"
        for name, member in value.items():
            key = "*" if is_map else name
            inner = getattr(shape, "value", None) if is_map else members.get(name)
            yield from _changes_of_json(member, inner, (*path, key))


def _change_json(value: Any, path: list[str], change: str) -> None:
    name, *rest = path
    keys: list[Any] = []
    if name == "*" and isinstance(value, list | dict):
        keys = list(range(len(value))) if isinstance(value, list) else list(value)
    elif isinstance(value, dict) and name in value:
        keys = [name]
    for key in keys:
        if rest:
            _change_json(value[key], rest, change)
        elif change == "drop":
            del value[key]
        elif change == "rename":
            value[f"{key}X"] = value.pop(key)
        else:
            value[key] = _JSON_CHANGES[change](value[key])


def _retype(value: Any) -> Any:
    """Return the value as one of another type: a number as text, a text as a list, a list or object as a text."""
    if isinstance(value, bool | int | float):
        return str(value)
    return [value] if isinstance(value, str) else json.dumps(value)


def _without_one(value: Any) -> Any:
    return value[1:] if isinstance(value, list) else dict(list(value.items())[1:]) if isinstance(value, dict) else value


def _shift(by: int) -> Callable[[Any], Any]:
    def shift(value: Any) -> Any:
        return value + by if isinstance(value, int | float) and not isinstance(value, bool) else value

    return shift


_JSON_CHANGES: Mapping[str, Callable[[Any], Any]] = {
    "retype": _retype,
    "reverse": lambda value: value[::-1] if isinstance(value, list) else value,
    "drop-one": _without_one,
    "invert": lambda value: not value if isinstance(value, bool) else value,
    "more": _shift(STEP),
    "less": _shift(-STEP),
}


def _changes_of_xml(element: ET.Element, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    text = (element.text or "").strip()
    if path:
        yield from ((path, change) for change in ("drop", "rename"))
        if not len(element) and text:
            yield path, "retype"
        if text in ("true", "false"):
            yield path, "invert"
        if _INTEGER.fullmatch(text) or _TIME.fullmatch(text):
            yield from ((path, change) for change in ("more", "less"))
    names = [_name(child) for child in element]
    if len(names) > len(set(names)):
        yield from ((path, change) for change in ("reverse", "drop-one") if path)
    for child in element:
        yield from _changes_of_xml(child, (*path, _name(child)))


def _elements(root: ET.Element, path: list[str]) -> Iterator[tuple[ET.Element, ET.Element]]:
    """Yield (parent, element) for each element at a path."""
    name, *rest = path
    for child in root:
        if _name(child) == name:
            if rest:
                yield from _elements(child, rest)
            else:
                yield root, child


def _retype_xml(parent: ET.Element, element: ET.Element) -> None:
    """Put text where a number is expected, and an element where a text is."""
    if _INTEGER.fullmatch((element.text or "").strip()):
        element.text = f"{element.text}x"
    else:
        ET.SubElement(element, "Value").text, element.text = element.text, None


def _rename_xml(parent: ET.Element, element: ET.Element) -> None:
    element.tag = f"{element.tag}X"


def _reverse_xml(parent: ET.Element, element: ET.Element) -> None:
    element[:] = list(element)[::-1]


def _drop_first_xml(parent: ET.Element, element: ET.Element) -> None:
    if len(element):
        element.remove(element[0])


def _invert_xml(parent: ET.Element, element: ET.Element) -> None:
    element.text = {"true": "false", "false": "true"}.get((element.text or "").strip(), element.text)


def _shift_xml(by: int) -> Callable[[ET.Element, ET.Element], None]:
    def shift(parent: ET.Element, element: ET.Element) -> None:
        text = (element.text or "").strip()
        if _INTEGER.fullmatch(text):
            element.text = str(int(text) + by)
        elif _TIME.fullmatch(text):
            time = datetime.fromisoformat(text) + timedelta(seconds=by)
            element.text = time.isoformat().replace("+00:00", "Z")

    return shift


_XML_CHANGES: Mapping[str, Callable[[ET.Element, ET.Element], None]] = {
    "drop": lambda parent, element: parent.remove(element),
    "rename": _rename_xml,
    "retype": _retype_xml,
    "reverse": _reverse_xml,
    "drop-one": _drop_first_xml,
    "invert": _invert_xml,
    "more": _shift_xml(STEP),
    "less": _shift_xml(-STEP),
}


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parse_xml(answer: ProxyResponse) -> ET.Element | None:
    if "xml" not in answer.headers.get("Content-Type", "") or not answer.body:
        return None
    try:
        root = ET.fromstring(answer.body)  # noqa: S314  # an answer of the embedded target
    except ET.ParseError:
        return None
    namespace = root.tag.rpartition("}")[0].lstrip("{")
    if namespace:
        ET.register_namespace("", namespace)
    return root


@functools.cache
def _shape_of(service: str, operation: str) -> Shape | None:
    try:
        return service_model(service).operation_model(operation).output_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None


def _output_shape(request: ProxyRequest) -> Shape | None:
    return _shape_of(request.service, request.operation)
