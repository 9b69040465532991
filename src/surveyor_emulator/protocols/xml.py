"""XML documents: read safely into elements, and results written as a model says.

By the models alone: the three services that speak XML use neither maps nor flattened lists, payloads or attributes, and
what is left fits into a page. docs/decisions/0006 has what moto's code for it would cost.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from xml.parsers import expat

from .api_models import Model
from .scalars import to_text

__all__ = ["DECLARATION", "Element", "NotXml", "escape", "list_tag", "read", "write_members"]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

DEEPEST = 32
MOST_ELEMENTS = 100_000
_SEPARATOR = " "  # stands in no namespace and in no name
# What XML 1.0 cannot carry (production 2, Char), and what it would change on the way.
_UNSAFE = re.compile("[&<>\r]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}

_Write = Callable[[list[str], str, object], None]


class NotXml(Exception):
    """A document that is not well-formed, or not one that is read here; the text says why."""


@dataclass(slots=True)
class Element:
    """One element: its name without the namespace, the namespace, its children, and its text as it came."""

    name: str
    namespace: str
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole text, whatever stood in between."""
        return "".join(self.texts)


def read(document: bytes) -> Element:
    """The root of a document. Raises NotXml, also for document types, since entities are made of them."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    top = Element("", "")
    open_elements = [top]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS or len(open_elements) > DEEPEST:
            raise NotXml(f"more than {MOST_ELEMENTS} elements, or more than {DEEPEST} inside each other")
        namespace, _, local = name.rpartition(_SEPARATOR)
        element = Element(local, namespace)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(name: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        open_elements[-1].texts.append(data)

    def document_type(*_: object) -> None:
        raise NotXml("document types and entities are not accepted")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as problem:  # the latter two: encodings that are none
        raise NotXml(str(problem)) from None
    return top.children[0]


def write_members(out: list[str], model: Model, shape: str, result: Mapping[str, object]) -> None:
    """The members of a result, one after the other, without an element around them."""
    for name, tag, member in _members(model, shape):
        value = result.get(name)
        if value is not None:
            _writer(model, member)(out, tag, value)


def list_tag(reference: Mapping[str, str]) -> str:
    """The name of each element of a list, from the list's ``member``."""
    return reference.get("locationName", "member")


def escape(text: str) -> str:
    """Text as XML carries it; what it cannot carry becomes U+FFFD."""
    return _UNSAFE.sub(lambda found: _ENTITIES.get(found.group(), "\ufffd"), text)


@functools.cache
def _members(model: Model, shape: str) -> Sequence[tuple[str, str, str]]:
    """Name, element and shape of each member that is written into the body."""
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
        member, each = shape["member"]["shape"], list_tag(shape["member"])

        def write(out: list[str], tag: str, value: object) -> None:
            write_one = _writer(model, member)
            out.append(f"<{tag}>")
            for item in cast("Sequence[object]", value):
                write_one(out, each, item)
            out.append(f"</{tag}>")

    else:

        def write(out: list[str], tag: str, value: object) -> None:
            out.append(f"<{tag}>{escape(to_text(kind, value))}</{tag}>")

    return write
