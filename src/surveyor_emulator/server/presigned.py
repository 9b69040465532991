"""Presigned URLs: requests to S3 whose signature is in the query, so that any program that has the URL may send them.

S3 API Reference, "Authenticating requests: using query parameters (AWS Signature Version 4)".
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request

from .signature import ALGORITHM, SKEW, Authorization, Credential, Scope, SigningError, sign

__all__ = ["read_presigned", "session_token", "verify_presigned"]

_PAYLOAD = "UNSIGNED-PAYLOAD"
"""What stands in place of the body's digest: it is not known when the URL is made."""

_LONGEST = 7 * 86_400
_SERVICE = "s3"
_PARAMETERS = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


def read_presigned(request: Request) -> Authorization | None:
    """Return scope and signature in the query of a request; None if it has none. What is wrong is in the scope."""
    if "X-Amz-Algorithm=" not in request.query:
        return None
    pairs = parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape")
    found = dict(pairs)
    parts = found.get("X-Amz-Credential", "").split("/")
    key, date, region, service, terminator = parts if len(parts) == 5 else ("", "", "", "", "")
    problem = ""
    if len(found) < len(pairs):
        problem = "expected each parameter of the query once"
    elif not all(found.get(f"X-Amz-{name}") for name in _PARAMETERS):
        problem = f"expected the parameters {', '.join(f'X-Amz-{name}' for name in _PARAMETERS)}"
    elif (found["X-Amz-Algorithm"], service, terminator) != (ALGORITHM, _SERVICE, "aws4_request"):
        problem = f"expected {ALGORITHM} and a scope KEY/DATE/REGION/{_SERVICE}/aws4_request"
    elif not _is_number(found["X-Amz-Expires"]) or not 1 <= int(found["X-Amz-Expires"]) <= _LONGEST:
        problem = f"expected X-Amz-Expires from 1 to {_LONGEST} seconds"
    scope = Scope(key, date, region, _SERVICE, found.get("X-Amz-SignedHeaders", ""), problem)
    return scope, found.get("X-Amz-Signature", "")


def verify_presigned(
    request: Request,
    authorization: Authorization,
    find: Callable[[str], Credential | None],
    *,
    xml: bool = True,
    wall: float | None = None,
) -> Credential:
    """Return the credential that signed a URL, as `signature.verify` does for a header.

    Raises ServiceError, also when the URL has expired.
    """
    scope, signature = authorization
    query = dict(parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape"))
    stamp, expires = query["X-Amz-Date"], int(query["X-Amz-Expires"])
    credential = find(scope.access_key)
    if credential is None or credential.token != query.get("X-Amz-Security-Token"):
        raise SigningError.unknown_key(xml)
    if "host" not in scope.signed_headers.split(";"):
        raise SigningError.mismatch(xml, "the host header must be signed")
    signed = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
    try:
        signed_at, expected = sign(request._replace(query=signed), scope, stamp, credential.secret, _PAYLOAD)
    except ValueError:
        raise SigningError.incomplete(xml, "X-Amz-Date must be like 20260131T235959Z") from None
    if stamp[:8] != scope.date or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SigningError.mismatch(xml, "the signature is not that of this URL")
    age = (time.time() if wall is None else wall) - signed_at
    if age > expires:
        raise ServiceError("AccessDenied", "Request has expired", status=403)
    if age < -SKEW:
        raise ServiceError("AccessDenied", "Request is not yet valid", status=403)
    return credential


def session_token(request: Request) -> str:
    """Return the token of temporary credentials that a request carries in a header or in a presigned URL, or ""."""
    if "X-Amz-Security-Token=" in request.query and "authorization" not in request.headers:
        return dict(parse_qsl(request.query)).get("X-Amz-Security-Token", "")
    return request.headers.get("x-amz-security-token", "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(_LONGEST))
