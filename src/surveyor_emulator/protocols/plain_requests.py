"""What a request must be so that it has one reading: its media type, its body as sent, and no members but known ones.

A service that reads parameters from a body of one type must refuse bodies of other types: elsewhere they mean other
parameters. A body may be compressed only for operations whose model says so (Smithy, requestCompression trait).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request

from .api_models import Model

__all__ = ["has_type", "known_members", "plain_body"]

MAX_DECOMPRESSED = 16 * 1024 * 1024
_UTF_8 = ("utf-8", "utf8")


def has_type(request: Request, *media_types: str) -> bool:
    """Return whether the body of a request has one of these media types, in UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charsets = [text.partition("=")[2].strip('"') for text in parameters if text.startswith("charset=")]
    others = [text for text in parameters if text and not text.startswith("charset=")]
    return media_type in media_types and not others and all(charset in _UTF_8 for charset in charsets)


def plain_body(request: Request, operation: Mapping[str, Any], refusal: str) -> bytes:
    """Return the body of a request for an operation of the model, decompressed if the operation allows compression.

    Raises ServiceError with the code ``refusal`` for any other encoding.
    """
    encoding = request.headers.get("content-encoding")
    if encoding is None:
        return request.body
    if encoding not in operation.get("requestcompression", {}).get("encodings", ()):
        raise ServiceError(refusal, f"the operation takes no body with Content-Encoding {encoding!r}", status=400)
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: in the format of gzip
    try:
        body = decompressor.decompress(request.body, MAX_DECOMPRESSED)
    except zlib.error as error:
        raise ServiceError(refusal, f"the body is not in the format of gzip: {error}", status=400) from None
    if not decompressor.eof or decompressor.unused_data:
        raise ServiceError(
            refusal, f"expected one gzip member of at most {MAX_DECOMPRESSED} bytes when decompressed", status=400
        )
    return body


def known_members(model: Model, shape_name: str, value: Any) -> Any:
    """Return a value without members that the model does not have and without null: what a service reads of it.

    A value of another type than the model's stays as it is, for validation to refuse.
    """
    shape = model.shapes[shape_name]
    kind = shape["type"]
    if kind == "structure" and isinstance(value, dict) and not shape.get("document"):
        members = shape["members"]
        return {
            name: known_members(model, members[name]["shape"], item)
            for name, item in value.items()
            if item is not None and name in members
        }
    if kind == "list" and isinstance(value, list):
        member = shape["member"]["shape"]
        return [known_members(model, member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        member = shape["value"]["shape"]
        return {key: known_members(model, member, item) for key, item in value.items()}
    return value
