"""A DNS proxy that forwards questions to another server and may change the answers; UDP and TCP."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable

__all__ = ["DnsProxy"]

AnswerFilter = Callable[[bytes, Callable[[bytes], bytes]], bytes]
"""From a question and a function that forwards it to the answer to return; b"" returns none."""

_TIMEOUT = 5.0  # wall seconds
_MAX_UDP_ANSWER = 4096  # bytes; Surveyor's questions allow no longer answer over UDP


class DnsProxy:
    """Answer at ``address`` with answers of the server at ``upstream``, changed by ``change``.

    Questions are forwarded over TCP, so that no answer is truncated; with ``keep_udp`` those received over UDP are
    forwarded over UDP.
    """

    def __init__(self, upstream: tuple[str, int], change: AnswerFilter, *, keep_udp: bool = False) -> None:
        self.upstream = upstream
        self.change = change
        self._forward_datagram = self._forward_over_udp if keep_udp else self._forward
        self._udp, self._tcp = _servers_on_one_port()
        self.address: tuple[str, int] = self._udp.server_address  # type: ignore[assignment]  # an IPv4 address is a pair
        for server in (self._udp, self._tcp):
            server.proxy = self
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def answer(self, question: bytes, *, datagram: bool = False) -> bytes:
        """Return the changed answer, b"" if the upstream did not answer; ``datagram``: it was received over UDP."""
        try:
            return self.change(question, self._forward_datagram if datagram else self._forward)
        except (OSError, struct.error):
            return b""

    def _forward(self, question: bytes) -> bytes:
        """Return the answer of the upstream, asked over TCP so that it is never truncated."""
        with socket.create_connection(self.upstream, timeout=_TIMEOUT) as connection:
            connection.sendall(struct.pack("!H", len(question)) + question)
            return _receive_message(connection)

    def _forward_over_udp(self, question: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(self.upstream)
            connection.send(question)
            return connection.recv(0xFFFF)


def _servers_on_one_port() -> tuple[_UdpServer, _TcpServer]:
    """Return servers for UDP and TCP on one port: a port that is free for UDP may be in use for TCP."""
    while True:
        udp = _UdpServer(("127.0.0.1", 0), _UdpHandler)
        try:
            return udp, _TcpServer(("127.0.0.1", udp.server_address[1]), _TcpHandler)
        except OSError:
            udp.server_close()


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    proxy: DnsProxy


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    proxy: DnsProxy


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        question, reply_socket = self.request
        answer = self.server.proxy.answer(question, datagram=True)
        if len(answer) > _MAX_UDP_ANSWER:  # return an empty answer with the truncation flag, as servers do
            answer = answer[:2] + bytes([answer[2] | 0x02]) + answer[3:4] + question[4:6] + bytes(6) + question[12:]
        if answer:
            reply_socket.sendto(answer, self.client_address)


class _TcpHandler(socketserver.BaseRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        self.request.settimeout(_TIMEOUT)
        while True:
            try:
                question = _receive_message(self.request)
            except (OSError, struct.error):
                return
            answer = self.server.proxy.answer(question)
            if not answer:
                return
            self.request.sendall(struct.pack("!H", len(answer)) + answer)


def _receive_message(connection: socket.socket) -> bytes:
    """Return the next message of a TCP connection, without its two-byte length prefix."""
    (length,) = struct.unpack("!H", _receive_exactly(connection, 2))
    return _receive_exactly(connection, length)


def _receive_exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        chunk = connection.recv(count - len(parts))
        if not chunk:
            raise ConnectionError("closed in the middle of a message")
        parts += chunk
    return parts
