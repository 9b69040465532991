"""An HTTP server on loopback whose responses come from a function, and a client for the endpoint behind it."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from surveyor.proxies.exchange import ProxyResponse

__all__ = ["HttpProxy", "RequestHandler", "Upstream"]

RequestHandler = Callable[[str, str, dict[str, str], bytes], ProxyResponse | None]
"""From method, path, headers and body to a response; None closes the connection without one."""

TIMEOUT = 60.0  # wall seconds
_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Upstream:
    """Forward requests unchanged; each thread keeps one connection."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close all connections; later requests open new ones."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ProxyResponse:
        """Return the response. Raises OSError or http.client.HTTPException if there is none."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        connection = getattr(self._local, "connection", None)
        if connection is not None and _is_closed(connection):
            connection.close()
            connection = None
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT)
            self._connections.append(connection)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.request(method, path, body, kept)
            response = connection.getresponse()
            return ProxyResponse(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            connection.close()
            raise


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Return whether the endpoint closed an idle connection, on which a request would be lost."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


class HttpProxy:
    """Serve at ``url``, once it is started, the responses of a function."""

    def __init__(self, answer: RequestHandler) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answer = answer
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Serve until the proxy is closed or the process ends."""
        self._server.serve_forever(0.05)

    def start(self) -> None:
        """Serve in a thread."""
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self) -> None:
        """Stop serving; only valid after `start`."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: RequestHandler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without these the second waits for the other side's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        if self._is_from_page():
            self.send_error(403, "requests of web pages are refused")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self.server.answer(self.command, self.path, dict(self.headers.items()), body)
        except (OSError, http.client.HTTPException) as error:
            answer = ProxyResponse.from_json(502, {"error": f"the endpoint behind the proxy did not answer: {error}"})
        if answer is None:
            self.close_connection = True
            return
        content = answer.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _is_from_page(self) -> bool:
        """Return whether a page in a browser sends this: a proxy may sign what it forwards with real credentials.

        A page of another origin is known by its headers, and one whose name was rebound to this machine by the host.
        """
        site = self.headers.get("Sec-Fetch-Site", "none")
        hosts = [host.partition(":")[0] for host in self.headers.get_all("Host", [])]
        return "Origin" in self.headers or site != "none" or hosts != ["127.0.0.1"]

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815  # the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the evidence of the tests holds the calls."""
