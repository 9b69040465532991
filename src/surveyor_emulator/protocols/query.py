"""AWS Query and EC2 Query: parameters in a form (``Action=…&Filter.1.Name=…``), responses in XML.

EC2's dialect capitalises names, numbers list entries directly below the list's name, and rejects unknown parameters.
Error codes are those of the common errors in the two references.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .scalars import parse_scalar
from .xml import DECLARATION, escape, list_tag, write_members

__all__ = ["QueryProtocol"]

MAX_PARAMETERS = 10_000
MAX_DEPTH = 16
_HEADERS = {"Content-Type": "text/xml;charset=UTF-8"}


@dataclass(slots=True)
class _Node:
    """The parameters below one dotted name: a text, or further names."""

    text: str | None = None
    children: dict[str, _Node] = field(default_factory=dict)


class QueryProtocol:
    """The Query protocol, or EC2's dialect of it."""

    def __init__(self, model: Model, *, ec2: bool) -> None:
        self._model = model
        self._ec2 = ec2
        self._invalid = "InvalidParameterValue" if ec2 else "MalformedInput"

    def parse(self, request: Request) -> ParsedRequest:
        """Read the form in body or query, with types from the model."""
        form = _form(request)
        action = form.children.pop("Action", _Node()).text
        if not action:
            raise ServiceError("MissingAction", "The request is missing an action")
        if action not in self._model.operations:
            raise ServiceError("InvalidAction", f"The action {action} is not valid for this web service.")
        form.children.pop("Version", None)
        input_shape = self._model.operations[action].get("input")
        return ParsedRequest(action, self._structure(input_shape["shape"], form, "") if input_shape is not None else {})

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result inside the elements of the protocol."""
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

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error; only the Query protocol, not EC2's, has the type ``Sender`` or ``Receiver``."""
        status = http_status(self._model, error)
        details = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        if self._ec2:
            text = f"<Response><Errors><Error>{details}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        else:
            fault = "Sender" if status < 500 else "Receiver"
            text = (
                f'<ErrorResponse xmlns="{self._model.metadata["xmlNamespace"]}"><Error><Type>{fault}</Type>{details}'
                f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        return Response(status, (DECLARATION + text).encode(), _HEADERS)

    def _structure(self, shape: str, node: _Node, path: str) -> dict[str, object]:
        rest = dict(node.children)
        params: dict[str, object] = {}
        for name, reference in self._model.shapes[shape]["members"].items():
            tag = self._name(name, reference)
            child = rest.pop(tag, None)
            if child is not None:
                params[name] = self._value(reference["shape"], child, f"{path}{tag}")
        if self._ec2 and rest:
            raise ServiceError("UnknownParameter", f"The parameter {path}{next(iter(rest))} is not recognized")
        return params

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
                raise ServiceError(self._invalid, f"The parameter {path} is a structure; expected its members")
            return self._structure(name, node, f"{path}.")
        if kind == "list":
            return self._list(shape["member"], node, path)
        if node.children or node.text is None:
            raise ServiceError(self._invalid, f"The parameter {path} is a single value; expected no members")
        try:
            return parse_scalar(kind, node.text)
        except ValueError as error:
            raise ServiceError(self._invalid, f"Value for parameter {path} is invalid: {error}") from None

    def _list(self, reference: Mapping[str, str], node: _Node, path: str) -> list[object]:
        if node.text:
            raise ServiceError(self._invalid, f"The parameter {path} is a list; expected entries {path}.1 and so on")
        if not self._ec2:
            # The Query protocol writes an empty list as an empty text.
            tag = list_tag(reference)
            path, node = f"{path}.{tag}", node.children.get(tag, _Node())
        numbered: dict[int, _Node] = {}
        for number, entry in node.children.items():
            if not (number.isascii() and number.isdigit() and len(number) < 9):
                raise ServiceError(self._invalid, f"The parameter {path}.{number} is not an entry of the list")
            numbered[int(number)] = entry
        return [self._value(reference["shape"], numbered[number], f"{path}.{number}") for number in sorted(numbered)]


def _form(request: Request) -> _Node:
    """Return the parameters as the tree of their dotted names."""
    try:
        text = "&".join(part for part in (request.query, request.body.decode()) if part)
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise ServiceError(
            "MalformedQueryString", f"The parameters must be a form in UTF-8 with at most {MAX_PARAMETERS} entries"
        ) from None
    root = _Node()
    for name, value in pairs:
        if name.startswith("X-Amz-"):
            continue
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise ServiceError("MalformedQueryString", f"A parameter's name has more than {MAX_DEPTH} parts")
        node = root
        for part in parts:
            node = node.children.setdefault(part, _Node())
        if node.text is not None:
            raise ServiceError("MalformedQueryString", f"The parameter {name} must not be repeated")
        node.text = value
    return root
