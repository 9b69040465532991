"""A target for tests of the harness: what it does is asked for by the name of the namespace to be created.

Run as a script with a port. Whatever it is asked for otherwise, it answers with an empty JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

PAGE = b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Readiness, and Route 53's listings, which nobody reads here."""
        self.answer(200, b"<ListHostedZonesResponse/>")

    def do_POST(self) -> None:
        """An API call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        name = json.loads(body).get("Name", "") if body.startswith(b"{") else ""
        misbehave = getattr(self, f"be_{name}", None)
        if misbehave is not None:
            misbehave()
        elif operation == "GetOperation":
            done = {"Id": "op-1", "Status": "SUCCESS", "Type": "CREATE_NAMESPACE", "Targets": {"NAMESPACE": "ns-1"}}
            self.answer(200, json.dumps({"Operation": done}).encode())
        elif operation.startswith("Create"):
            self.answer(200, b'{"OperationId": "op-1"}')
        else:
            self.answer(200, b"{}")

    def answer(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
        """Send it whole."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code: str, status: int = 400, **members: str) -> None:
        """Answer with an error of the API."""
        self.answer(status, json.dumps({"__type": code, "message": "no", **members}).encode())

    def be_page(self) -> None:
        """A web page where JSON belongs."""
        self.answer(500, PAGE, "text/html")

    def be_missing(self) -> None:
        """An operation that is not there."""
        self.refuse("InvalidAction")

    def be_hidden(self) -> None:
        """An operation that is not there, as only the log tells."""
        sys.stderr.write("NotImplementedError: The X action has not been implemented\n")
        sys.stderr.flush()
        self.answer(500, PAGE, "text/html")

    def be_busy(self) -> None:
        """Throttled."""
        self.refuse("ThrottlingException")

    def be_taken(self) -> None:
        """A documented error with a member."""
        self.refuse("NamespaceAlreadyExists", NamespaceId="ns-1")

    def be_rude(self) -> None:
        """The connection closed without an answer."""
        self.close_connection = True
        self.connection.close()

    def be_odd(self) -> None:
        """An answer without the member that the document promises."""
        self.answer(200, b"{}")

    def be_dead(self) -> None:
        """The process ends in the middle of a call."""
        sys.stderr.write("out of memory\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingTCPServer):
    """http.server's own looks up the host's name when it binds, which can take seconds."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    if os.environ.get("FAKE_REFUSES"):
        sys.exit("the fake target will not start")
    with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        signal.pause()
