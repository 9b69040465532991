"""A DNS server that asks another one and passes its answers on, which somebody may change; UDP and TCP."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable

__all__ = ["DnsProxy"]

Change = Callable[[bytes, Callable[[bytes], bytes]], bytes]

_TIMEOUT = 5.0  # wall seconds


class DnsProxy:
    """Stands before the server at ``upstream``; ``address`` is its own."""

    def __init__(self, upstream: tuple[str, int], change: Change) -> None:
        self.upstream = upstream
        self.change = change
        self._udp, self._tcp = _one_port()
        self.address: tuple[str, int] = self._udp.server_address  # type: ignore[assignment]  # an IPv4 address is a pair
        for server in (self._udp, self._tcp):
            server.proxy = self
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def answer(self, question: bytes) -> bytes:
        """The changed answer, "" where none came."""
        try:
            return self.change(question, self._forward)
        except (OSError, struct.error):
            return b""

    def _forward(self, question: bytes) -> bytes:
        """Over TCP, so that nothing is cut short on the way."""
        with socket.create_connection(self.upstream, timeout=_TIMEOUT) as connection:
            connection.sendall(struct.pack("!H", len(question)) + question)
            return _framed(connection)


def _one_port() -> tuple[_UdpServer, _TcpServer]:
    """Servers for UDP and TCP on one port, which somebody may have for TCP when it is free for UDP."""
    while True:
        udp = _UdpServer(("127.0.0.1", 0), _Udp)
        try:
            return udp, _TcpServer(("127.0.0.1", udp.server_address[1]), _Tcp)
        except OSError:
            udp.server_close()


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    proxy: DnsProxy


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    proxy: DnsProxy


class _Udp(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        question, answering = self.request
        answer = self.server.proxy.answer(question)
        if len(answer) > 4096:  # longer than any question of ours allows: say so, as servers do
            answer = answer[:2] + bytes([answer[2] | 0x02]) + answer[3:4] + question[4:6] + bytes(6) + question[12:]
        if answer:
            answering.sendto(answer, self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        self.request.settimeout(_TIMEOUT)
        while True:
            try:
                question = _framed(self.request)
            except (OSError, struct.error):
                return
            answer = self.server.proxy.answer(question)
            if not answer:
                return
            self.request.sendall(struct.pack("!H", len(answer)) + answer)


def _framed(connection: socket.socket) -> bytes:
    (length,) = struct.unpack("!H", _exactly(connection, 2))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        more = connection.recv(count - len(parts))
        if not more:
            raise ConnectionError("closed in the middle of a message")
        parts += more
    return parts
