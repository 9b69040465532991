"""Verification of Signature Version 4.

botocore can sign but not verify. Signing again through it costs 53 µs; this costs about 5, because what is the same in
each request of a client is cached: the signing key of a day, and the scope. The errors are those of the IAM User Guide
(Troubleshoot Signature Version 4) and of the common errors in each API reference; JSON protocols and XML protocols have
different codes for them.
"""

from __future__ import annotations

import functools
import hmac
import posixpath
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote

from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.identifiers import is_region

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = [
    "ALGORITHM",
    "SKEW",
    "Authorization",
    "Credential",
    "Scope",
    "SigningError",
    "read_authorization",
    "sign",
    "verify",
]

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
# Wall seconds. IAM User Guide: "In most cases, a request must reach AWS within five minutes"; the common errors in each
# API reference: RequestExpired after 15 minutes.
SKEW = 15 * 60
_BLOCK = 64  # bytes, of SHA-256
_SMALL = 500  # bytes of a body


class Scope(NamedTuple):
    """The unverified content of an ``Authorization`` header, except the signature; ``problem``: why it is invalid."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """A key that may sign: its secret, its account and principal, and the session token that must accompany it.

    ``caller`` is None for the owner of the account, which needs no permissions.
    """

    secret: str
    account: str
    principal: str
    token: str | None = None
    caller: Caller | None = None


class SigningError:
    """Constructors of the errors for missing and wrong signatures; ``xml`` selects the codes of XML protocols."""

    @staticmethod
    def missing(xml: bool) -> ServiceError:
        """Return the error for a request without a signature."""
        why = "the request carries no signature; sign it with Signature Version 4"
        return _refusal("MissingAuthenticationToken" if xml else "MissingAuthenticationTokenException", why)

    @staticmethod
    def incomplete(xml: bool, why: str) -> ServiceError:
        """Return the error for a signature that cannot be parsed."""
        return _refusal("IncompleteSignature" if xml else "IncompleteSignatureException", why)

    @staticmethod
    def unknown_key(xml: bool) -> ServiceError:
        """Return the error for an unknown key or session token."""
        code = "InvalidClientTokenId" if xml else "UnrecognizedClientException"
        return _refusal(code, "the security token included in the request is invalid")

    @staticmethod
    def expired(xml: bool) -> ServiceError:
        """Return the error for expired temporary credentials."""
        code = "ExpiredToken" if xml else "ExpiredTokenException"
        return _refusal(code, "the security token included in the request is expired")

    @staticmethod
    def mismatch(xml: bool, why: str) -> ServiceError:
        """Return the error for the signature of another request or of another time."""
        return _refusal("SignatureDoesNotMatch" if xml else "InvalidSignatureException", why)


def _refusal(code: str, why: str) -> ServiceError:
    return ServiceError(code, why, status=403)


Authorization = tuple[Scope, str]
"""The scope and the signature of a request."""


def read_authorization(request: Request) -> Authorization | None:
    """Return the content of the ``Authorization`` header; None if it is absent or not of Signature Version 4."""
    header = request.headers.get("authorization")
    if not header:
        return None
    rest, found, signature = header.rpartition(", Signature=")  # clients write it last
    if found and "," not in signature:
        scope = _scope(rest, "")
        return (scope, signature.strip()) if scope is not None else None
    signature = _fields(header.partition(" ")[2]).get("Signature", "")
    scope = _scope(header, signature)
    return (scope, signature) if scope is not None else None


@functools.lru_cache(maxsize=256)
def _scope(header: str, signature: str) -> Scope | None:
    """Return the scope in a header with this signature; without one it is the same in all requests of a day."""
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        return None
    fields = _fields(rest)
    credential = fields.get("Credential", "").split("/")
    if len(credential) != 5 or fields.get("Signature", "") != signature:
        return None
    access_key, date, region, service, terminator = credential
    problem = ""
    if terminator != TERMINATOR:
        problem = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'"
    elif not is_region(region):
        problem = f"Credential should be scoped to a valid Region, not '{region}'"
    return Scope(access_key, date, region, service, fields.get("SignedHeaders", ""), problem)


def _fields(text: str) -> dict[str, str]:
    """Return the fields of an ``Authorization`` header; none if one stands there twice."""
    fields = dict[str, str]()
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name in fields:
            return {}
        fields[name] = value
    return fields


def verify(
    request: Request,
    authorization: Authorization,
    find: Callable[[str], Credential | None],
    *,
    xml: bool,
    wall: float | None = None,
) -> Credential:
    """Return the credential that signed ``request``. Raises ServiceError for a wrong or outdated signature.

    ``find`` returns the credential of an access key. ``wall`` is the current time in wall seconds, since clients sign
    by their own clocks; default: now.
    """
    scope, signature = authorization
    headers = request.headers
    stamp = headers.get("x-amz-date", "")
    if not scope.signed_headers or not signature or not stamp:
        raise SigningError.incomplete(xml, "the signature needs SignedHeaders, Signature and an X-Amz-Date header")
    credential = find(scope.access_key)
    if credential is None or credential.token != headers.get("x-amz-security-token"):
        raise SigningError.unknown_key(xml)
    try:
        signed_at, names, covers_target, inner, outer = _prepare(credential.secret, scope, stamp)
    except ValueError:
        raise SigningError.incomplete(xml, "X-Amz-Date must be like 20260131T235959Z") from None
    if stamp[:8] != scope.date:
        raise SigningError.mismatch(xml, "the date in the credential scope is not that of X-Amz-Date")
    if abs((time.time() if wall is None else wall) - signed_at) > SKEW:
        raise SigningError.mismatch(xml, f"the signature was made at {stamp}, more than 15 minutes from now")
    if "host" not in names:
        raise SigningError.mismatch(xml, "the host header must be signed")
    if not covers_target and "x-amz-target" in headers:
        raise SigningError.mismatch(xml, "the x-amz-target header must be signed")
    payload = None
    if "x-amz-content-sha256" in headers:
        payload = headers["x-amz-content-sha256"]
        if payload != sha256(request.body).hexdigest() and not _is_unsigned_body(scope, names, payload):
            raise SigningError.mismatch(xml, "the x-amz-content-sha256 header is not the digest of the body")
    expected = _signature(request, scope, names, payload, inner, outer)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SigningError.mismatch(xml, "the signature is not that of this request; check the secret access key")
    return credential


def sign(request: Request, scope: Scope, stamp: str, secret: str, payload: str) -> tuple[float, str]:
    """Return the wall time at which a request was signed, and what its signature must be, with this payload's digest.

    Raises ValueError for another date format.
    """
    signed_at, names, _, inner, outer = _prepare(secret, scope, stamp)
    return signed_at, _signature(request, scope, names, payload, inner, outer)


def _signature(
    request: Request, scope: Scope, names: tuple[str, ...], payload: str | None, inner: Hash, outer: Hash
) -> str:
    digest = sha256(_canonical(request, scope, names, payload).encode()).hexdigest()
    inner, outer = inner.copy(), outer.copy()
    inner.update(digest.encode())
    outer.update(inner.digest())
    return outer.hexdigest()


def _is_unsigned_body(scope: Scope, names: tuple[str, ...], payload: str) -> bool:
    """Return whether a request to S3 says, under its signature, that its body is not signed."""
    return scope.service == "s3" and payload == "UNSIGNED-PAYLOAD" and "x-amz-content-sha256" in names


@functools.lru_cache(maxsize=256)
def _prepare(secret: str, scope: Scope, stamp: str) -> tuple[float, tuple[str, ...], bool, Hash, Hash]:
    """Return what the signatures of one client in one second have in common. Raises ValueError for another date format.

    That is the time in wall seconds, the names of the signed headers, whether the operation is one, and an HMAC
    (RFC 2104): its inner hash of the key and the text to sign up to the digest of the request, and its outer hash
    of the key.
    """
    signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    inner, outer = _signing_key(secret, scope.date, scope.region, scope.service)
    inner = inner.copy()
    inner.update(f"{ALGORITHM}\n{stamp}\n{scope.date}/{scope.region}/{scope.service}/aws4_request\n".encode())
    names = tuple(scope.signed_headers.split(";"))
    return signed_at, names, "x-amz-target" in names, inner, outer


def _canonical(request: Request, scope: Scope, names: tuple[str, ...], payload: str | None) -> str:
    headers = request.headers
    lines = "".join([f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names])
    if payload is None:  # the digest of the body that arrived
        payload = _small_body_digest(request.body) if len(request.body) <= _SMALL else sha256(request.body).hexdigest()
    if scope.service == "s3":  # the only service that takes a path as it is (IAM User Guide, canonical requests)
        path = request.path
    else:
        path = "/" if request.path == "/" else quote(_normal(request.path), safe="/~")
    query = _canonical_query(request.query) if request.query else ""
    return f"{request.method}\n{path}\n{query}\n{lines}\n{scope.signed_headers}\n{payload}"


def _normal(path: str) -> str:
    """Return the path without dot segments (RFC 3986 5.2.4), as botocore signs it."""
    return posixpath.normpath(path) + ("/" if path.endswith("/") else "")


def _canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    encoded = [(_encode(name), _encode(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~", errors="surrogateescape")


@functools.lru_cache(maxsize=1000)
def _small_body_digest(body: bytes) -> str:
    """Return the digest of a small body: clients poll with the same few."""
    return sha256(body).hexdigest()


@functools.lru_cache(maxsize=4096)
def _signing_key(secret: str, date: str, region: str, service: str) -> tuple[Hash, Hash]:
    """Return the inner and the outer hash of an HMAC with the key of a day, each after the block with the key."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    block = key.ljust(_BLOCK, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))
