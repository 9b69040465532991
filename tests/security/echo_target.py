"""A target that repeats all that it is sent, in every encoding and place, as a hostile or a careless one may.

Modes: `errors` refuses every call but GetCallerIdentity, `members` answers each call with texts in its members, `sts`
refuses GetCallerIdentity, and `identity` answers it with another account whose name is the echo.
"""

from __future__ import annotations

import base64
import html
import json
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

ACCOUNT = "000000000000"
HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202egnp\u2066\x9b31m\r=cmd|' /C calc'!A0 @everyone ![x](http://evil.example/)"
"""Characters that control a terminal, reorder text, or are markup and formulas."""


def forms(text: str) -> list[str]:
    """Return a text in the encodings in which a target may repeat it."""
    return [
        text, quote(text), quote(text, safe=""), quote(quote(text)), json.dumps(text), html.escape(text), repr(text),
        base64.b64encode(text.encode()).decode(), base64.b64encode(b"x" + text.encode()).decode(),
        base64.urlsafe_b64encode(b"xy" + text.encode()).decode(), text.encode().hex(), text.lower(),
        "\n".join(textwrap.wrap(text, 40)), "\r\n ".join(textwrap.wrap(text, 76)), text[:200], text[-200:],
    ]  # fmt: skip


class EchoHandler(BaseHTTPRequestHandler):
    """Answer one request with what it says."""

    protocol_version = "HTTP/1.1"
    mode = "errors"

    def do_GET(self) -> None:
        """Answer as POST."""
        self._echo(b"")

    def do_DELETE(self) -> None:
        """Answer as POST."""
        self._echo(b"")

    def do_POST(self) -> None:
        """Answer with all headers and the body."""
        self._echo(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _echo(self, body: bytes) -> None:
        said = [f"{name}: {value}" for name, value in self.headers.items()]
        echo = "\n".join([HOSTILE, *(form for text in said for form in forms(text)), body.decode("utf-8", "replace")])
        values = [form for value in self.headers.values() for form in forms(value)]
        is_identity = b"GetCallerIdentity" in body
        target = self.headers.get("X-Amz-Target", "")
        if is_identity:
            self._answer_identity(echo)
        elif target and self.mode == "members":
            self._send(200, json.dumps(_members(target.rpartition(".")[2], values)), "application/x-amz-json-1.1")
        elif target:
            error = {
                "__type": "InvalidSignatureException",
                "message": f"The Canonical String should have been '{echo}'",
            }
            self._send(403, json.dumps(error), "application/x-amz-json-1.1")
        else:
            self._send(403, _xml_error("SignatureDoesNotMatch", echo), "text/xml")

    def _answer_identity(self, echo: str) -> None:
        if self.mode == "sts":
            self._send(403, _xml_error("SignatureDoesNotMatch", echo), "text/xml")
            return
        account = echo if self.mode == "identity" else ACCOUNT
        self._send(
            200,
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{_in_xml(echo)}</Arn><UserId>u</UserId><Account>{_in_xml(account)}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>",
            "text/xml",
        )

    def _send(self, status: int, body: str, kind: str) -> None:
        data = body.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _in_xml(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return html.escape("".join(char for char in text if char in "\t\n\r" or ord(char) >= 0x20))


def _xml_error(code: str, message: str) -> str:
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{_in_xml(message)}</Message>"
    return f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"


def _members(operation: str, values: list[str]) -> dict[str, object]:
    """Return an answer that is a credible one of Cloud Map or ECS, with the values as its names."""
    name = values[0]
    resource = {
        "Id": values[-1],
        "Name": HOSTILE + name,
        "Arn": "arn:aws:x:" + values[1],
        "Description": "\n".join(values),
    }
    if operation == "GetOperation":
        return {"Operation": {"Id": "o", "Status": "FAIL", "ErrorCode": HOSTILE, "ErrorMessage": "\n".join(values)}}
    if operation.startswith(("Create", "Register", "Delete", "Update")) and operation != "CreateService":
        return {"OperationId": "op-1"}
    lists = {f"{noun}s": [resource] for noun in ("Namespace", "Service", "Instance", "Operation")}
    return {"Service": resource, "Namespace": resource, "Instance": resource, **lists, "clusterArns": values[:3]}


@contextmanager
def echo_target(mode: str) -> Iterator[str]:
    """Yield the URL of a target that repeats what it is sent."""
    handler = type("Handler", (EchoHandler,), {"mode": mode})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
