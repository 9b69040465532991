"""Who may use the control endpoint: programs that have the token of this start, and never a page in a browser.

A page cannot read an answer of another origin, but it can send requests without asking: a form, or a fetch without
CORS. Browsers mark these with `Origin` or `Sec-Fetch-Site`, and cannot send JSON or an `Authorization` header this way.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from surveyor_emulator.core.http import Request

__all__ = ["RequestError", "check_access", "check_page", "is_from_page"]

_OWN_SITES = (None, "none", "same-origin")  # "none": typed by a person


class RequestError(Exception):
    """Raised for a control request that is refused; the text is one line with the reason."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def is_from_page(headers: Mapping[str, str]) -> bool:
    """Return whether a page of another origin sent a request."""
    return "origin" in headers or headers.get("sec-fetch-site") not in _OWN_SITES


def check_page(request: Request) -> None:
    """Raise RequestError for a request of a web page."""
    if is_from_page(request.headers):
        raise RequestError("requests of web pages (with Origin or Sec-Fetch-Site) are refused", 403)


def check_access(request: Request, token: str | None) -> None:
    """Raise RequestError unless a request may use the control endpoint. ``token``: None where none is needed."""
    headers = request.headers
    check_page(request)
    if token is not None and not _has_token(headers.get("authorization", ""), token):
        raise RequestError(
            'expected the header "Authorization: Bearer TOKEN", with the SURVEYOR_TOKEN that was printed at the start',
            401,
        )
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and content_type != "application/json":
        raise RequestError(f"expected Content-Type: application/json, got {content_type or 'none'!r}", 415)


def _has_token(authorization: str, token: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
