"""REST-XML: the operation in method and path, parameters in path, query and an XML body, answers in XML.

Route 53 speaks it. Its errors for documents are two: ``MalformedInput`` for another document than the operation's,
``InvalidInput`` ("Invalid XML") for one that its schema does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, Parsed, status_of
from .api_models import Model
from .scalars import from_text
from .xml import DECLARATION, Element, NotXml, escape, list_tag, read, write_members

__all__ = ["RestXmlWire"]

_TYPE = "text/xml"


@dataclass(frozen=True, slots=True)
class _Route:
    """One operation's path, cut at its slashes; labels stand in braces."""

    operation: str
    parts: tuple[str, ...]

    def labels(self, parts: Sequence[str]) -> dict[str, str] | None:
        """What the labels stand for in a path of the same length; ``None`` if it is another path."""
        found = {}
        for mine, given in zip(self.parts, parts, strict=True):
            if mine.startswith("{"):
                if not given:
                    return None
                found[mine[1:-1]] = unquote(given)
            elif mine != given:
                return None
        return found


class RestXmlWire:
    """The protocol as one service speaks it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._routes: dict[tuple[str, int], list[_Route]] = {}
        for operation, described in model.operations.items():
            parts = tuple(described["http"]["requestUri"].strip("/").split("/"))
            self._routes.setdefault((described["http"]["method"], len(parts)), []).append(_Route(operation, parts))
        for routes in self._routes.values():
            # Words before labels: /trafficpolicyinstances/hostedzone is no id.
            routes.sort(key=lambda route: [part.startswith("{") for part in route.parts])
        self._namespace = next(
            described["input"]["xmlNamespace"]["uri"]
            for described in model.operations.values()
            if "xmlNamespace" in described.get("input", {})
        )

    def parse(self, request: Request) -> Parsed:
        """Read path, query and body."""
        operation, labels = self._route(request)
        given = self._model.operations[operation].get("input")
        if given is None:
            return Parsed(operation, {})
        queries = dict(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
        sources = {"uri": labels, "querystring": queries}
        params: dict[str, object] = {}
        for name, reference in self._model.shapes[given["shape"]]["members"].items():
            text = sources.get(reference.get("location", ""), {}).get(reference.get("locationName", name))
            if text is not None:
                params[name] = self._scalar(self._model.shapes[reference["shape"]]["type"], text, name)
        if "locationName" in given and request.body.strip():
            params |= self._body(given["shape"], given["locationName"], request.body)
        return Parsed(operation, params)

    def answer(self, operation: str, result: Document, request_id: str) -> Response:
        """Write a result: some members may be headers."""
        described = self._model.operations[operation]
        headers = {"Content-Type": _TYPE, "x-amzn-RequestId": request_id}
        out = [DECLARATION, f'<{operation}Response xmlns="{self._namespace}">']
        if "output" in described:
            shape = described["output"]["shape"]
            for name, reference in self._model.shapes[shape]["members"].items():
                if reference.get("location") == "header" and result.get(name) is not None:
                    headers[reference["locationName"]] = str(result[name])
            write_members(out, self._model, shape, result)
        out.append(f"</{operation}Response>")
        return Response(described["http"].get("responseCode", 200), "".join(out).encode(), headers)

    def refuse(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error."""
        status = status_of(self._model, error)
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
        except NotXml as problem:
            raise ServiceError("MalformedInput", f"The body is not XML that can be read: {problem}") from None
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
        found: dict[str, object] = {}
        for child in element.children:
            name, of = members.get(child.name, ("", ""))
            if not name or name in found:
                raise _invalid(f"Invalid content was found starting with element '{child.name}'")
            found[name] = self._value(of, child)
        return found

    def _value(self, name: str, element: Element) -> object:
        shape = self._model.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self._structure(name, element)
        if kind == "list":
            return self._list(shape["member"], element)
        if element.children:
            raise _invalid(f"Element '{element.name}' may not have elements inside")
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
            return from_text(kind, text)
        except ValueError as problem:
            raise _invalid(f"the value of '{where}' is not valid: {problem}") from None


def _invalid(why: str) -> ServiceError:
    return ServiceError("InvalidInput", f"Invalid XML ; {why}")
