"""A target for tests of the harness: the name of the namespace to create selects its behaviour.

Run it as a script with a port. All other calls are answered with an empty JSON object.
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
    """Answer one request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer readiness checks and Route 53's lists, whose content is not used."""
        self.answer(200, b"<ListHostedZonesResponse/>")

    def do_POST(self) -> None:
        """Answer an API call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        name = json.loads(body).get("Name", "") if body.startswith(b"{") else ""
        misbehave = getattr(self, f"be_{name}", None)
        if misbehave is not None:
            misbehave()
        elif operation == "GetOperation":
            operation_state = {
                "Id": "op-1",
                "Status": "SUCCESS",
                "Type": "CREATE_NAMESPACE",
                "Targets": {"NAMESPACE": "ns-1"},
            }
            self.answer(200, json.dumps({"Operation": operation_state}).encode())
        elif operation.startswith("Create"):
            self.answer(200, b'{"OperationId": "op-1"}')
        else:
            self.answer(200, b"{}")

    def answer(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
        """Send a complete response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code: str, status: int = 400, **members: str) -> None:
        """Answer with an error of the API."""
        self.answer(status, json.dumps({"__type": code, "message": "no", **members}).encode())

    def be_page(self) -> None:
        """Answer with a web page instead of JSON."""
        self.answer(500, PAGE, "text/html")

    def be_missing(self) -> None:
        """Answer as if the operation did not exist."""
        self.refuse("InvalidAction")

    def be_hidden(self) -> None:
        """Answer as if the operation did not exist, which only the log shows."""
        sys.stderr.write("NotImplementedError: The X action has not been implemented\n")
        sys.stderr.flush()
        self.answer(500, PAGE, "text/html")

    def be_busy(self) -> None:
        """Answer with a throttling error."""
        self.refuse("ThrottlingException")

    def be_taken(self) -> None:
        """Answer with a documented error that has a member."""
        self.refuse("NamespaceAlreadyExists", NamespaceId="ns-1")

    def be_rude(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True
        self.connection.close()

    def be_odd(self) -> None:
        """Answer without the documented member."""
        self.answer(200, b"{}")

    def be_dead(self) -> None:
        """End the process during a call."""
        sys.stderr.write("out of memory\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(socketserver.ThreadingTCPServer):
    """A server that does not look up the host's name, as http.server's does, which can take seconds."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    if os.environ.get("FAKE_REFUSES"):
        sys.exit("the fake target will not start")
    with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        signal.pause()
