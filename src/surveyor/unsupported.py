"""Recognise answers that say "this target does not have the operation", as opposed to wrong answers.

No standard defines such an answer. The forms that emulators use are listed here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["declined", "is_html"]

_CODES = frozenset(
    {
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
        "InvalidAction",
        "NotImplemented",
        "NotImplementedError",
        "NotImplementedException",
        "com.amazon.coral.service#UnknownOperationException",
    }
)
# ministack: "Unknown Route53 endpoint: GET /…" under a code that the service does have; LocalStack: "API action 'X'
# for service 'y' not yet implemented or pro feature".
_WORDS = re.compile(
    r"^unknown \w+ (action|endpoint|operation)\b|\bnot (yet )?implemented\b|\baction has not been implemented\b",
    re.IGNORECASE,
)


def is_html(headers: Mapping[str, str], body: bytes | str) -> bool:
    """Return whether an answer is a web page, which no AWS API sends."""
    start = body[:200] if isinstance(body, str) else body[:200].decode("utf-8", "replace")
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return kind.lower().startswith("text/html") or start.lstrip().lower().startswith(("<!doctype html", "<html"))


def declined(status: int, headers: Mapping[str, str], body: bytes, error: Mapping[str, Any] | None, log: str) -> str:
    """Return how the answer says that the target lacks the operation; "" if it does not say so.

    `error` is the parsed Error member, if there is one; `log` the output of the target's process during the call.
    """
    if status < 300:
        return ""
    code = str((error or {}).get("Code", ""))
    message = str((error or {}).get("Message", ""))
    if status == 501:
        return f"HTTP 501 {code}".strip()
    if code in _CODES:
        return code
    if _WORDS.search(message) and not is_html(headers, message):
        return f"{code}: {message.split(chr(10), 1)[0][:100]}"
    page = is_html(headers, body)
    if page and status in (404, 405):
        return f"a web page with HTTP {status}"
    # moto gives the same answer to an operation that it lacks and to one that crashed; only its log differs.
    if page and "NotImplementedError" in log:
        return f"a web page with HTTP {status} after NotImplementedError"
    if status in (404, 405) and b"<Error><Code>NoSuchBucket" in body[:300].replace(b"\n", b""):
        return "answered as an S3 call"
    if status == 405 and b"<Code>MethodNotAllowed</Code>" in body[:300]:
        return "answered as an S3 call"
    return ""
