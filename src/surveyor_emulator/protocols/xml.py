"""XML documents: parse them safely into elements, and write results as a model describes.

Only what is needed: the operations of the services that use XML have neither flattened lists and maps, nor payloads or
attributes, and the rest is one page. docs/decisions/0006 states the cost of using moto's code for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from xml.parsers import expat

from .api_models import Model
from .scalars import format_scalar

__all__ = ["DECLARATION", "Element", "InvalidXml", "escape", "list_tag", "read", "write_members"]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

MAX_DEPTH = 32
MAX_ELEMENTS = 100_000
_SEPARATOR = " "  # occurs in no namespace and in no name
# Characters that XML 1.0 does not allow (production 2, Char), and those that must be escaped to arrive unchanged.
_UNSAFE = re.compile("[&<>\r]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

_Write = Callable[[list[str], str, object], None]


class InvalidXml(Exception):
    """Raised for a document that is not well-formed, or not accepted here; the text gives the reason."""


@dataclass(slots=True)
class Element:
    """An element: its name without the namespace, the namespace, its children, and its text unchanged."""

    name: str
    namespace: str
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the whole text, without child elements."""
        return "".join(self.texts)


def read(document: bytes) -> Element:
    """Return the root of a document. Raise InvalidXml, also for document types, since they can define entities."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    top = Element("", "")
    open_elements = [top]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS or len(open_elements) > MAX_DEPTH:
            raise InvalidXml(f"more than {MAX_ELEMENTS} elements, or elements nested deeper than {MAX_DEPTH} levels")
        namespace, _, local = name.rpartition(_SEPARATOR)
        element = Element(local, namespace)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(name: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        open_elements[-1].texts.append(data)

    def document_type(*_: object) -> None:
        raise InvalidXml("document types and entities are not accepted")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: unknown encodings
        raise InvalidXml(str(error)) from None
    return top.children[0]


def write_members(out: list[str], model: Model, shape: str, result: Mapping[str, object]) -> None:
    """Write the members of a result in sequence, without an enclosing element."""
    for name, tag, member in _members(model, shape):
        value = result.get(name)
        if value is not None:
            _writer(model, member)(out, tag, value)


def list_tag(reference: Mapping[str, str]) -> str:
    """Return the name of each element of a list, from the list's ``member``."""
    return reference.get("locationName", "member")


def escape(text: str) -> str:
    """Return text escaped for XML; characters that XML does not allow become U+FFFD."""
    return _UNSAFE.sub(lambda match: _ENTITIES.get(match.group(), "\ufffd"), text)


@functools.cache
def _members(model: Model, shape: str) -> Sequence[tuple[str, str, str]]:
    """Return name, element name and shape of each member that is written into the body."""
    return [
        (name, reference.get("locationName", name), reference["shape"])
        for name, reference in model.shapes[shape]["members"].items()
        if "location" not in reference
    ]


@functools.cache
def _writer(model: Model, name: str) -> _Write:
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":

        def write(out: list[str], tag: str, value: object) -> None:
            out.append(f"<{tag}>")
            write_members(out, model, name, cast("Mapping[str, object]", value))
            out.append(f"</{tag}>")

    elif kind == "list":
        member, entry_tag = shape["member"]["shape"], list_tag(shape["member"])

        def write(out: list[str], tag: str, value: object) -> None:
            write_entry = _writer(model, member)
            out.append(f"<{tag}>")
            for item in cast("Sequence[object]", value):
                write_entry(out, entry_tag, item)
            out.append(f"</{tag}>")

    elif kind == "map":
        key_tag, value_tag = (shape[part].get("locationName", part) for part in ("key", "value"))

        def write(out: list[str], tag: str, value: object) -> None:
            write_item = _writer(model, shape["value"]["shape"])
            out.append(f"<{tag}>")
            for key, item in cast("Mapping[str, object]", value).items():
                out.append(f"<entry><{key_tag}>{escape(key)}</{key_tag}>")
                write_item(out, value_tag, item)
                out.append("</entry>")
            out.append(f"</{tag}>")

    else:

        def write(out: list[str], tag: str, value: object) -> None:
            out.append(f"<{tag}>{escape(format_scalar(kind, value))}</{tag}>")

    return write
