"""REST-XML: the operation in method and path, parameters in path, query and an XML body, responses in XML.

Route 53 uses it. It has two errors for documents: ``MalformedInput`` for another document than the operation's, and
``InvalidInput`` ("Invalid XML") for a document that violates its schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .plain_requests import plain_body
from .scalars import parse_scalar
from .xml import DECLARATION, Element, InvalidXml, escape, list_tag, read, write_members

__all__ = ["RestXmlProtocol"]

_TYPE = "text/xml"


@dataclass(frozen=True, slots=True)
class _Route:
    """The path of one operation, split at slashes; labels are in braces."""

    operation: str
    parts: tuple[str, ...]

    def labels(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Return the values of the labels in a path of the same length, or ``None`` if the path does not match."""
        values = {}
        for expected, actual in zip(self.parts, parts, strict=True):
            if expected.startswith("{"):
                if not actual:
                    return None
                values[expected[1:-1]] = unquote(actual)
            elif expected != actual:
                return None
        return values


class RestXmlProtocol:
    """The protocol for the operations of one service."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._routes: dict[tuple[str, int], list[_Route]] = {}
        for operation, description in model.operations.items():
            parts = tuple(description["http"]["requestUri"].strip("/").split("/"))
            self._routes.setdefault((description["http"]["method"], len(parts)), []).append(_Route(operation, parts))
        for routes in self._routes.values():
            # Fixed parts before labels: /trafficpolicyinstances/hostedzone is not an id.
            routes.sort(key=lambda route: [part.startswith("{") for part in route.parts])
        self._namespace = next(
            description["input"]["xmlNamespace"]["uri"]
            for description in model.operations.values()
            if "xmlNamespace" in description.get("input", {})
        )

    def parse(self, request: Request) -> ParsedRequest:
        """Read operation and parameters from path, query and body."""
        operation, labels = self._route(request)
        input_shape = self._model.operations[operation].get("input")
        if input_shape is None:
            return ParsedRequest(operation, {})
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="replace")
        queries = dict(pairs)
        if len(queries) < len(pairs):
            raise ServiceError("InvalidInput", "expected each parameter of the query once")
        sources = {"uri": labels, "querystring": queries}
        params: dict[str, object] = {}
        for name, reference in self._model.shapes[input_shape["shape"]]["members"].items():
            text = sources.get(reference.get("location", ""), {}).get(reference.get("locationName", name))
            if text is not None:
                params[name] = self._scalar(self._model.shapes[reference["shape"]]["type"], text, name)
        body = plain_body(request, self._model.operations[operation], "MalformedInput")
        if "locationName" in input_shape and body.strip():
            params |= self._body(input_shape["shape"], input_shape["locationName"], body)
        return ParsedRequest(operation, params)

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result; some members may be headers."""
        description = self._model.operations[operation]
        headers = {"Content-Type": _TYPE, "x-amzn-RequestId": request_id}
        out = [DECLARATION, f'<{operation}Response xmlns="{self._namespace}">']
        if "output" in description:
            shape = description["output"]["shape"]
            for name, reference in self._model.shapes[shape]["members"].items():
                if reference.get("location") == "header" and result.get(name) is not None:
                    headers[reference["locationName"]] = str(result[name])
            write_members(out, self._model, shape, result)
        out.append(f"</{operation}Response>")
        return Response(description["http"].get("responseCode", 200), "".join(out).encode(), headers)

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error with the type ``Sender`` or ``Receiver``."""
        status = http_status(self._model, error)
        text = (
            f'{DECLARATION}<ErrorResponse xmlns="{self._namespace}"><Error>'
            f"<Type>{'Sender' if status < 500 else 'Receiver'}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(status, text.encode(), {"Content-Type": _TYPE, "x-amzn-RequestId": request_id})

    def _route(self, request: Request) -> tuple[str, dict[str, str]]:
        parts = request.path.strip("/").split("/")
        for route in self._routes.get((request.method, len(parts)), ()):
            labels = route.labels(parts)
            if labels is not None:
                return route.operation, labels
        raise ServiceError("UnknownOperationException", "method and path name no operation of this service", status=404)

    def _body(self, shape: str, root: str, body: bytes) -> dict[str, object]:
        try:
            element = read(body)
        except InvalidXml as error:
            raise ServiceError("MalformedInput", f"The body is not acceptable XML: {error}") from None
        if element.name != root:
            raise ServiceError("MalformedInput", f"{element.name} is not valid, expected {root}")
        if element.namespace != self._namespace:
            raise _invalid(f"Cannot find the declaration of element '{root}' in namespace '{element.namespace}'")
        return self._structure(shape, element)

    def _structure(self, shape: str, element: Element) -> dict[str, object]:
        members = {
            reference.get("locationName", name): (name, reference["shape"])
            for name, reference in self._model.shapes[shape]["members"].items()
            if "location" not in reference
        }
        params: dict[str, object] = {}
        for child in element.children:
            name, member = members.get(child.name, ("", ""))
            if not name or name in params:
                raise _invalid(f"Invalid content was found starting with element '{child.name}'")
            params[name] = self._value(member, child)
        return params

    def _value(self, name: str, element: Element) -> object:
        shape = self._model.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self._structure(name, element)
        if kind == "list":
            return self._list(shape["member"], element)
        if element.children:
            raise _invalid(f"Element '{element.name}' must not contain elements")
        return self._scalar(kind, element.text, element.name)

    def _list(self, reference: Mapping[str, str], element: Element) -> list[object]:
        tag = list_tag(reference)
        for child in element.children:
            if child.name != tag:
                raise _invalid(f"Invalid content was found starting with element '{child.name}', '{tag}' is expected")
        return [self._value(reference["shape"], child) for child in element.children]

    @staticmethod
    def _scalar(kind: str, text: str, where: str) -> object:
        try:
            return parse_scalar(kind, text)
        except ValueError as error:
            raise _invalid(f"the value of '{where}' is not valid: {error}") from None


def _invalid(reason: str) -> ServiceError:
    return ServiceError("InvalidInput", f"Invalid XML ; {reason}")
