"""A proxy before an account that answers the calls of some services with an error."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

__all__ = ["CLOSED", "failing"]

CLOSED = "closed"
"""Stands for a connection that is closed without an answer."""

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_XML = frozenset({"sts", "ec2", "route53", "iam", "elasticloadbalancing"})
_STATUS = {"ThrottlingException": 400, "Throttling": 400, "AccessDenied": 403, "ExpiredToken": 403}


@contextmanager
def failing(upstream: str, code: str, services: Collection[str] | None = None) -> Iterator[str]:
    """Yield the URL of a proxy that answers the calls of these signing names with `code`; None: all but STS's."""
    address = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = _SCOPE.search(self.headers.get("Authorization") or "")
            service = found[1] if found else ""
            if service and (service in services if services is not None else service != "sts"):
                self.refuse(service)
                return
            connection = HTTPConnection(address, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            self.answer(answer.status, answer.read(), answer.headers.get("Content-Type") or "text/plain")
            connection.close()

        def refuse(self, service: str) -> None:
            if code == CLOSED:
                self.close_connection = True
                return
            if service in _XML:
                error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
                wrapped = f"<Response><Errors>{error}</Errors></Response>" if service == "ec2" else (
                    f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
                )  # fmt: skip
                self.answer(_STATUS.get(code, 400), wrapped.encode(), "text/xml")
            else:
                body = json.dumps({"__type": code, "message": "no"})
                self.answer(_STATUS.get(code, 400), body.encode(), "application/x-amz-json-1.1")

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  # names of the base class

        def log_message(self, format: str, *args: object) -> None:  # the name of the base class
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
