"""AWS Query and EC2 Query: everything in a form (``Action=…&Filter.1.Name=…``), answers in XML.

EC2's dialect capitalises names, numbers lists without a word between, and tells apart what it does not know. Error
codes are those of the two references' common errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, Parsed, status_of
from .api_models import Model
from .scalars import from_text
from .xml import DECLARATION, escape, list_tag, write_members

__all__ = ["QueryWire"]

MOST_PARAMETERS = 10_000
DEEPEST = 16
_HEADERS = {"Content-Type": "text/xml;charset=UTF-8"}


@dataclass(slots=True)
class _Node:
    """What stands under one dotted name: a text, or names that go on."""

    text: str | None = None
    under: dict[str, _Node] = field(default_factory=dict)


class QueryWire:
    """The Query protocol, or EC2's dialect of it."""

    def __init__(self, model: Model, *, ec2: bool) -> None:
        self._model = model
        self._ec2 = ec2
        self._invalid = "InvalidParameterValue" if ec2 else "MalformedInput"

    def parse(self, request: Request) -> Parsed:
        """Read the form in the body or the query, and what the model says of the operation's parameters."""
        form = _form(request)
        action = form.under.pop("Action", _Node()).text
        if not action:
            raise ServiceError("MissingAction", "The request is missing an action")
        if action not in self._model.operations:
            raise ServiceError("InvalidAction", f"The action {action} is not valid for this web service.")
        form.under.pop("Version", None)
        given = self._model.operations[action].get("input")
        return Parsed(action, self._structure(given["shape"], form, "") if given is not None else {})

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result between the protocol's own elements."""
        output = self._model.operations[operation].get("output")
        out = [DECLARATION, f'<{operation}Response xmlns="{self._model.metadata["xmlNamespace"]}">']
        if self._ec2:
            out.append(f"<requestId>{request_id}</requestId>")
            if output is None:
                out.append("<return>true</return>")
            else:
                write_members(out, self._model, output["shape"], result)
        else:
            if output is not None:
                out.append(f"<{output['resultWrapper']}>")
                write_members(out, self._model, output["shape"], result)
                out.append(f"</{output['resultWrapper']}>")
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
        out.append(f"</{operation}Response>")
        return Response(200, "".join(out).encode(), _HEADERS)

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; only the Query protocol proper says whose fault it is."""
        status = status_of(self._model, error)
        told = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        if self._ec2:
            text = f"<Response><Errors><Error>{told}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        else:
            fault = "Sender" if status < 500 else "Receiver"
            text = (
                f'<ErrorResponse xmlns="{self._model.metadata["xmlNamespace"]}"><Error><Type>{fault}</Type>{told}'
                f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        return Response(status, (DECLARATION + text).encode(), _HEADERS)

    def _structure(self, shape: str, node: _Node, path: str) -> dict[str, object]:
        rest = dict(node.under)
        found: dict[str, object] = {}
        for name, reference in self._model.shapes[shape]["members"].items():
            tag = self._name(name, reference)
            under = rest.pop(tag, None)
            if under is not None:
                found[name] = self._value(reference["shape"], under, f"{path}{tag}")
        if self._ec2 and rest:
            raise ServiceError("UnknownParameter", f"The parameter {path}{next(iter(rest))} is not recognized")
        return found

    def _name(self, name: str, reference: Mapping[str, str]) -> str:
        if not self._ec2:
            return reference.get("locationName", name)
        name = reference.get("locationName", name)
        return reference.get("queryName", name[:1].upper() + name[1:])

    def _value(self, name: str, node: _Node, path: str) -> object:
        shape = self._model.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            if node.text:
                raise ServiceError(self._invalid, f"The parameter {path} has members; it has no value of its own")
            return self._structure(name, node, f"{path}.")
        if kind == "list":
            return self._list(shape["member"], node, path)
        if node.under or node.text is None:
            raise ServiceError(self._invalid, f"The parameter {path} is a single value; it has no members")
        try:
            return from_text(kind, node.text)
        except ValueError as problem:
            raise ServiceError(self._invalid, f"Value for parameter {path} is invalid: {problem}") from None

    def _list(self, reference: Mapping[str, str], node: _Node, path: str) -> list[object]:
        if node.text:
            raise ServiceError(self._invalid, f"The parameter {path} is a list; its entries are {path}.1 and so on")
        if not self._ec2:
            # An empty text is how the Query protocol writes an empty list.
            tag = list_tag(reference)
            path, node = f"{path}.{tag}", node.under.get(tag, _Node())
        numbered: dict[int, _Node] = {}
        for number, entry in node.under.items():
            if not (number.isascii() and number.isdigit() and len(number) < 9):
                raise ServiceError(self._invalid, f"The parameter {path}.{number} is not an entry of a list")
            numbered[int(number)] = entry
        return [self._value(reference["shape"], numbered[number], f"{path}.{number}") for number in sorted(numbered)]


def _form(request: Request) -> _Node:
    """The parameters as the tree that the dots in their names make."""
    try:
        text = "&".join(part for part in (request.query, request.body.decode()) if part)
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise ServiceError("MalformedQueryString", "The parameters are not a form in UTF-8, or too many") from None
    root = _Node()
    for name, value in pairs:
        if name.startswith("X-Amz-"):
            continue
        parts = name.split(".")
        if len(parts) > DEEPEST:
            raise ServiceError("MalformedQueryString", f"A parameter's name has more than {DEEPEST} parts")
        node = root
        for part in parts:
            node = node.under.setdefault(part, _Node())
        if node.text is not None:
            raise ServiceError("MalformedQueryString", f"The parameter {name} is there twice")
        node.text = value
    return root
