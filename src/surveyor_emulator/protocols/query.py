"""AWS Query and EC2 Query: parameters in a form (``Action=…&Filter.1.Name=…``), responses in XML.

EC2's dialect capitalises names, numbers list entries directly below the list's name, and rejects unknown parameters.
Error codes are those of the common errors in the two references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, urlencode

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import has_type, plain_body
from .scalars import format_scalar, parse_scalar
from .xml import DECLARATION, escape, list_tag, write_members

__all__ = ["QueryProtocol"]

MAX_PARAMETERS = 10_000
MAX_DEPTH = 16
_HEADERS = {"Content-Type": "text/xml;charset=UTF-8"}
_FORM = "application/x-www-form-urlencoded"
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


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
        # The operation stands in the body: compression is allowed if any operation allows it.
        compressed = (operation.get("requestcompression", {}) for operation in model.operations.values())
        self._encodings = {encoding for trait in compressed for encoding in trait.get("encodings", ())}

    def parse(self, request: Request) -> ParsedRequest:
        """Read the form, with types from the model: the body of a POST, or the query of a GET."""
        form = self._form(request)
        action = form.children.pop("Action", _Node()).text
        if not action:
            raise ServiceError("MissingAction", "The request is missing an action")
        description = self._model.operations.get(action)
        if description is None:
            raise ServiceError("InvalidAction", f"The action {action} is not valid for this web service.")
        self._check_version(action, form.children.pop("Version", _Node()).text)
        if "input" not in description:
            return ParsedRequest(action, {})
        return ParsedRequest(action, self._structure(description["input"]["shape"], form, ""))

    def write_request(self, operation: str, params: Document) -> Request:
        """Return the request that has this operation and these parameters, and no other reading."""
        pairs = [("Action", operation), ("Version", self._model.metadata["apiVersion"])]
        description = self._model.operations[operation]
        if "input" in description:
            pairs += self._pairs(description["input"]["shape"], params, "")
        return Request("POST", "/", "", {"content-type": _FORM}, urlencode(pairs).encode())

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

    def _form(self, request: Request) -> _Node:
        """Return the parameters as the tree of their dotted names."""
        return _tree(self._text(request))

    def _text(self, request: Request) -> str:
        """Return the parameters of a request as sent. Raises ServiceError if they may stand in several places."""
        if request.path != "/":
            raise ServiceError("InvalidAction", f"expected the path /, got {request.path}", status=404)
        if request.method == "GET":
            if request.body:
                raise _malformed("a GET has its parameters in the query, and no body")
            return request.query
        if request.method != "POST":
            raise ServiceError("InvalidAction", f"expected POST or GET, got {request.method}", status=405)
        if request.query:
            raise _malformed("a POST has its parameters in the body, and no query")
        if "content-type" in request.headers and request.body and not has_type(request, _FORM):
            raise _malformed(f"the body of a POST must be {_FORM} in UTF-8")
        compressible = {"requestcompression": {"encodings": self._encodings}}
        try:
            return plain_body(request, compressible, "MalformedQueryString").decode()
        except UnicodeDecodeError:
            raise _malformed("the parameters must be UTF-8") from None

    def _check_version(self, action: str, version: str | None) -> None:
        """Refuse another version of the API. EC2 has had many, which read the same parameters."""
        if self._ec2:
            if version is not None and not _DATE.fullmatch(version):
                raise ServiceError("NoSuchVersion", f"The requested version ({version}) is not valid")
        elif version != self._model.metadata["apiVersion"]:
            requested = version or "NO_VERSION_SPECIFIED"
            raise ServiceError("InvalidAction", f"Could not find operation {action} for version {requested}")

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
        if kind == "map":
            return self._map(shape, node, path)
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
        return [self._value(reference["shape"], entry, where) for where, entry in self._entries(node, path)]

    def _map(self, shape: Mapping[str, Mapping[str, str]], node: _Node, path: str) -> dict[str, object]:
        entries = self._entries(node.children.get("entry", _Node()), f"{path}.entry")
        tags = [shape[part].get("locationName", part) for part in ("key", "value")]
        params: dict[str, object] = {}
        for where, entry in entries:
            key, value = (entry.children.get(tag, _Node()) for tag in tags)
            name = str(self._value(shape["key"]["shape"], key, f"{where}.{tags[0]}"))
            if name in params:
                raise _malformed(f"the key {name} of {path} must not be repeated")
            params[name] = self._value(shape["value"]["shape"], value, f"{where}.{tags[1]}")
        return params

    def _entries(self, node: _Node, path: str) -> list[tuple[str, _Node]]:
        """Return the numbered entries below a name in order, each with its own name."""
        numbered: dict[int, _Node] = {}
        for number, entry in node.children.items():
            if not (number.isascii() and number.isdigit() and len(number) < 9):
                raise ServiceError(self._invalid, f"The parameter {path}.{number} is not an entry of the list")
            if int(number) in numbered:
                raise _malformed(f"the entry {int(number)} of {path} must not be repeated")
            numbered[int(number)] = entry
        return [(f"{path}.{number}", numbered[number]) for number in sorted(numbered)]

    def _pairs(self, name: str, value: object, path: str) -> Iterator[tuple[str, str]]:
        """Yield the parameters that a value of a shape is written as."""
        shape = self._model.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            for member, item in cast("Mapping[str, object]", value).items():
                reference = shape["members"][member]
                tag = self._name(member, reference)
                yield from self._pairs(reference["shape"], item, f"{path}.{tag}" if path else tag)
        elif kind == "list":
            below = path if self._ec2 else f"{path}.{list_tag(shape['member'])}"
            for number, item in enumerate(cast("Sequence[object]", value), 1):
                yield from self._pairs(shape["member"]["shape"], item, f"{below}.{number}")
            if not value:
                yield path, ""
        elif kind == "map":
            tags = [shape[part].get("locationName", part) for part in ("key", "value")]
            for number, (key, item) in enumerate(cast("Mapping[str, object]", value).items(), 1):
                yield f"{path}.entry.{number}.{tags[0]}", key
                yield from self._pairs(shape["value"]["shape"], item, f"{path}.entry.{number}.{tags[1]}")
        else:
            yield path, format_scalar(kind, value)


def _malformed(reason: str) -> ServiceError:
    return ServiceError("MalformedQueryString", f"The request cannot be read: {reason}", status=400)


def _tree(text: str) -> _Node:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise _malformed(f"the parameters must be a form in UTF-8 with at most {MAX_PARAMETERS} entries") from None
    root = _Node()
    for name, value in pairs:
        if name.startswith("X-Amz-"):
            continue
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise _malformed(f"a parameter's name has more than {MAX_DEPTH} parts")
        node = root
        for part in parts:
            node = node.children.setdefault(part, _Node())
        if node.text is not None:
            raise _malformed(f"the parameter {name} must not be repeated")
        node.text = value
    return root
