"""An HTTP server of loopback that answers as somebody says, and the way on to the endpoint behind it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from surveyor.proxies.exchange import Answer

__all__ = ["Answering", "HttpProxy", "Upstream"]

Answering = Callable[[str, str, dict[str, str], bytes], Answer | None]
"""From method, path, headers and body to an answer; None closes the connection without one."""

WITHIN = 60.0  # wall seconds
_HOPPING = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Upstream:
    """Passes requests on as they are, each thread by a connection of its own that is kept."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._local = threading.local()
        self._made: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close all connections; further requests make new ones."""
        for connection in self._made:
            connection.close()
        self._made.clear()

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer. Raises OSError or http.client.HTTPException where none comes."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOPPING}
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(*self._place, timeout=WITHIN)
            self._made.append(connection)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.request(method, path, body, kept)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            connection.close()
            raise


class HttpProxy:
    """Answers at ``url`` from the moment it is made to serve."""

    def __init__(self, answer: Answering) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answer = answer
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer until it is closed, or the process ends."""
        self._server.serve_forever(0.05)

    def start(self) -> None:
        """Answer in a thread."""
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self) -> None:
        """Stop answering; only after `start`."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Answering


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without these the second waits for the other side's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self.server.answer(self.command, self.path, dict(self.headers.items()), body)
        except (OSError, http.client.HTTPException) as broken:
            answer = Answer.of(502, {"error": f"the endpoint behind the proxy did not answer: {broken}"})
        if answer is None:
            self.close_connection = True
            return
        passed = answer.passed()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _HOPPING:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(passed)))
        self.end_headers()
        self.wfile.write(passed)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815  # the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what passed is in the evidence of the tests."""
