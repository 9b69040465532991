"""The protocol of S3: bucket and key in the path, subresources in the query, objects as bodies, everything else in XML.

Only buckets and whole objects are here: what a query or a header asks beyond that is refused, as S3 refuses what it
does not implement, and not left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

from . import Document, ParsedRequest, http_status
from .api_models import Model
from .scalars import parse_scalar
from .xml import DECLARATION, Element, InvalidXml, escape, read

__all__ = ["S3Protocol"]

_OPERATIONS: Mapping[tuple[str, int, str], str] = {
    ("GET", 0, ""): "ListBuckets",
    ("PUT", 1, ""): "CreateBucket",
    ("HEAD", 1, ""): "HeadBucket",
    ("DELETE", 1, ""): "DeleteBucket",
    ("GET", 1, "location"): "GetBucketLocation",
    ("GET", 1, "list-type"): "ListObjectsV2",
    ("POST", 1, "delete"): "DeleteObjects",
    ("PUT", 2, ""): "PutObject",
    ("GET", 2, ""): "GetObject",
    ("DELETE", 2, ""): "DeleteObject",
}
"""Method, number of parts of the path (bucket, key) and subresource -> operation."""

_SUBRESOURCES = frozenset(name for _, _, name in _OPERATIONS if name)
_SIGNING = "x-amz-"
_STREAMED = "STREAMING-"

# Common errors of other services -> those of S3 (S3 API Reference, "Error responses").
_CODES = {
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "MissingAuthenticationToken": "AccessDenied",
    "IncompleteSignature": "AuthorizationHeaderMalformed",
}


class S3Protocol:
    """The protocol for the operations of S3 that are in the table."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def parse(self, request: Request) -> ParsedRequest:
        """Read operation and parameters. Raises ServiceError for what is not in the table."""
        bucket, slash, key = request.path.removeprefix("/").partition("/")
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="replace")
        query = {name: value for name, value in pairs if not name.lower().startswith(_SIGNING)}
        if len({name for name, _ in pairs}) < len(pairs):
            raise ServiceError("InvalidArgument", "expected each parameter of the query once", status=400)
        subresource = next((name for name in query if name in _SUBRESOURCES), "")
        parts = (2 if slash and key else 1) if bucket else 0
        operation = _OPERATIONS.get((request.method, parts, subresource))
        if operation is None:
            raise _not_implemented(f"{request.method} with {parts} parts of a path and the query {sorted(query)}")
        if request.headers.get("x-amz-content-sha256", "").startswith(_STREAMED):
            raise _not_implemented("a body that is signed in chunks")
        params: dict[str, object] = {}
        params |= {"Bucket": unquote(bucket)} if parts else {}
        params |= {"Key": unquote(key)} if parts == 2 else {}
        return ParsedRequest(operation, params | self._queried(operation, query) | _body(operation, request.body))

    def write_result(self, operation: str, result: Document, request_id: str) -> Response:
        """Refuse: all results are those of moto, which are XML already."""
        raise NotImplementedError(operation)

    def write_error(self, operation: str | None, error: ServiceError, request_id: str) -> Response:
        """Write an error as S3 does, without an element around it."""
        code = _CODES.get(error.code, error.code)
        text = (
            f"{DECLARATION}<Error><Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        headers = {"Content-Type": "application/xml", "x-amz-request-id": request_id}
        return Response(http_status(self._model, error), text.encode(), headers)

    def _queried(self, operation: str, query: Mapping[str, str]) -> dict[str, object]:
        shapes = self._model.shapes
        description = self._model.operations[operation].get("input")
        members = shapes[description["shape"]]["members"] if description else {}
        known = {
            member.get("locationName", name): (name, shapes[member["shape"]]["type"])
            for name, member in members.items()
            if member.get("location") == "querystring"
        }
        params: dict[str, object] = {}
        for name, text in query.items():
            if name in _SUBRESOURCES or name == "x-id":
                continue
            if name not in known:
                raise _not_implemented(f"{operation} with the parameter {name}")
            member, kind = known[name]
            try:
                params[member] = parse_scalar(kind, text)
            except ValueError as error:
                raise ServiceError("InvalidArgument", f"{name}: {error}", status=400) from None
        return params


def _body(operation: str, body: bytes) -> dict[str, object]:
    if operation == "PutObject":
        return {"Body": body}
    if operation == "CreateBucket" and body:
        place = _read(body, "CreateBucketConfiguration")
        return {"CreateBucketConfiguration": {child.name: child.text for child in place.children}}
    if operation == "DeleteObjects":
        listed = _read(body, "Delete")
        keys = [_key_of(child) for child in listed.children if child.name == "Object"]
        quiet = any(child.name == "Quiet" and child.text == "true" for child in listed.children)
        return {"Delete": {"Objects": [{"Key": key} for key in keys], "Quiet": quiet}}
    return {}


def _key_of(entry: Element) -> str:
    if [child.name for child in entry.children] != ["Key"]:
        raise ServiceError("MalformedXML", "expected an Object with a Key and nothing else", status=400)
    return entry.children[0].text


def _read(body: bytes, root: str) -> Element:
    try:
        element = read(body)
    except InvalidXml as error:
        raise ServiceError("MalformedXML", f"The XML you provided was not well-formed: {error}", status=400) from None
    if element.name != root:
        raise ServiceError("MalformedXML", f"expected {root}, got {element.name}", status=400)
    return element


def _not_implemented(what: str) -> ServiceError:
    return ServiceError("NotImplemented", f"the embedded target has no {what}", status=501)
