"""The proxy before an endpoint."""

from __future__ import annotations

import socket
import threading

from surveyor.proxies import Upstream

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_connection_that_the_endpoint_closed_is_not_used_again() -> None:
    """The endpoint closes each idle connection after one answer, without having said so."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                connections.append(connection)
                connection.recv(65_536)
                connection.sendall(ANSWER)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        upstream = Upstream(f"http://127.0.0.1:{listener.getsockname()[1]}")
        answers = []
        for _ in range(3):
            answers.append(upstream("GET", "/", {}, b"").status)
            while len(connections) < len(answers) or connections[-1].fileno() != -1:
                pass
        thread.join()
        upstream.close()
    assert answers == [200, 200, 200]
