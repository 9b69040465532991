"""The HTTP side: stands before a target's endpoint and passes calls on, changed by the active counterfeit.

What is under ``/_surveyor/`` passes as it is, but that DNS servers named there are replaced by proxies of theirs. Which
counterfeit is active is set with ``POST /_counterfeit {"claim": …}``, "" for none.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from surveyor.counterfeits.dns_operators import DnsForger
from surveyor.counterfeits.dns_proxy import DnsProxy
from surveyor.counterfeits.exchange import Answer, Asked, asked
from surveyor.counterfeits.model import Counterfeit
from surveyor.counterfeits.operators import Forger

__all__ = ["CONTROL", "HttpProxy"]

CONTROL = "/_counterfeit"
_TARGETS_OWN = "/_surveyor/"
_NAMES = ("/_surveyor/resolvers", "/_surveyor/name-servers")
_HOPPING = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class HttpProxy:
    """A proxy before ``endpoint``; ``url`` is its own."""

    def __init__(self, endpoint: str, counterfeits: Mapping[str, Counterfeit]) -> None:
        parts = urlsplit(endpoint)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._counterfeits = counterfeits
        self._local = threading.local()
        self._dns: dict[tuple[str, int], DnsProxy] = {}
        self._lock = threading.Lock()
        self._settings: list[str] = []
        self.forger, self.dns_forger = Forger(None), DnsForger(None)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer until the process ends."""
        self._server.serve_forever(0.05)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request."""
        if path == CONTROL:
            return self._activate(json.loads(body)["claim"])
        if path.startswith(_TARGETS_OWN):
            answer = self._forward(method, path, headers, body)
            return self._with_own_names(answer) if path.startswith(_NAMES) and answer.status == 200 else answer
        question = asked(method, path, headers, body)
        return self.forger.pass_through(question, lambda of: self._call(method, path, headers, of))

    def _call(self, method: str, path: str, headers: dict[str, str], of: Asked) -> Answer:
        return self._forward(method, path, headers, of.sent())

    def _activate(self, claim: str) -> Answer:
        fake = self._counterfeits.get(claim)
        if claim and fake is None:
            return Answer.of(404, {"error": f"no counterfeit of {claim!r}"})
        self.forger, self.dns_forger = Forger(fake), DnsForger(fake)
        changes = [f"{fake.details['name']}={fake.details['value']}"] if fake and fake.operator == "setting" else []
        if changes != self._settings:
            self._set(changes)
            self._settings = changes
        return Answer.of(200, {"active": claim})

    def _set(self, changes: list[str]) -> None:
        """Change settings of the target; none restores them."""
        body = json.dumps({"set": changes}).encode()
        answer = self._forward("POST", "/_surveyor/settings", {"Content-Type": "application/json"}, body)
        if answer.status != 200:
            raise ConnectionError(f"the target did not take {changes}: {answer.body!r}")

    def _with_own_names(self, answer: Answer) -> Answer:
        assert answer.value is not None
        upstream = (answer.value["address"], answer.value["port"])
        with self._lock:
            if upstream not in self._dns:
                self._dns[upstream] = DnsProxy(upstream, self._change_names)
        address, port = self._dns[upstream].address
        return Answer.of(200, {**answer.value, "address": address, "port": port})

    def _change_names(self, question: bytes, forward: Callable[[bytes], bytes]) -> bytes:
        # Looked up at each question: the forger changes with the counterfeit, the proxy stays.
        return self.dns_forger.pass_through(question, forward)

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOPPING}
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(*self._upstream, timeout=60)
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: HttpProxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; without these the second waits for the other side's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self.server.proxy.answer(self.command, self.path, dict(self.headers.items()), body)
        except (OSError, http.client.HTTPException) as broken:
            answer = Answer.of(502, {"error": f"the target behind the counterfeit did not answer: {broken}"})
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
