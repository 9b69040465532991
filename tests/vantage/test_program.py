"""The program of the vantage: what it refuses, what it answers, and that a task definition can carry it."""

from __future__ import annotations

import ast
import base64
import http.server
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor_agents import vantage
from surveyor_agents.vantage import Forged, seal, unseal

KEY = bytes(range(32))
RUN = "surveyor-0123abcd-"
NAME = f"web.{RUN}ns-1.test"


@pytest.fixture(autouse=True)
def _task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a task of this run, whose address is none of loopback, as on AWS."""
    monkeypatch.setenv(vantage.RUN, RUN)
    monkeypatch.setenv("SURVEYOR_LISTEN", "10.31.4.7")
    monkeypatch.setenv("SURVEYOR_DNS", "127.0.0.1:9")


def result_of(**verb: Any) -> dict[str, Any]:
    """Return the result of one verb."""
    return vantage._result(verb, 1.0)


def test_it_is_small_and_needs_nothing_but_python() -> None:
    """The file has at most 25 KB, and imports the standard library only."""
    path = Path(vantage.__file__)
    assert path.stat().st_size <= 25 * 1024
    assert len(vantage.source()) <= 16 * 1024  # a task definition has at most 64 KiB
    tree = ast.parse(vantage.source())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {alias.name.partition(".")[0] for node in imports for alias in node.names}
    names |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - {"surveyor_agents"} <= sys.stdlib_module_names
    assert vantage.command()[:2] == ["python", "-c"]


def test_messages_are_sealed() -> None:
    """What another key sealed, what was changed or cut short, and what is of another kind or number is refused."""
    good = seal(KEY, "command", {"number": 3, "verbs": []})
    assert unseal(KEY, "command", 3, good) == {"number": 3, "verbs": []}
    other = seal(bytes(32), "command", {"number": 3, "verbs": []})
    changed = good.replace(b'"verbs":[]', b'"verbs":[{}]')
    cases = [(other, "command", 3), (changed, "command", 3), (good, "answer", 3), (good, "command", 4)]
    cases += [(message, "command", 3) for message in (b"", b"\n", good[:-1], good[:20], b"\xff" * 100, good + b" ")]
    for message, kind, number in cases:
        with pytest.raises(Forged):
            unseal(KEY, kind, number, message)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.16.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254", "0.0.0.0", "::1",
     "224.0.0.1", "::ffff:169.254.169.254", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_credentials_and_loopback_are_never_reached(address: str) -> None:
    """Neither for a call, a handshake or a question, whatever name they are for."""
    host = f"[{address}]" if ":" in address else address
    calls = (
        {"verb": "http", "url": f"http://{host}/latest/meta-data/"},
        {"verb": "tls", "address": address, "port": 443, "version": "1.3"},
        {"verb": "dns", "server": address, "port": 53, "name": NAME, "steps": ["AAAA", None]},
        {"verb": "watch", "of": {"verb": "http", "url": f"http://{host}/"}, "every": 1, "during": 0},
    )
    for call in calls:
        result = result_of(**call)
        [result] = result.get("changes", [result])
        assert result["kind"] == "refused", call
        assert address.rpartition(":")[2] in result["error"]


def test_public_addresses_are_for_names_of_the_run() -> None:
    """A question about another name is not sent to a public server."""
    for name in ("example.com", "", "surveyor-ffffffff-ns.test"):
        result = result_of(verb="dns", server="192.88.99.1", port=53, name=name, steps=["AAAA", None])
        assert result["kind"] == "refused"
    vantage._check("192.88.99.1", NAME.upper())
    for private in ("10.0.0.2", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1"):
        vantage._check(private, "")


def test_a_task_on_a_loopback_reaches_other_tasks_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the embedded target the addresses of tasks are loopback ones; the services of this machine are not."""
    monkeypatch.setenv("SURVEYOR_LISTEN", "127.16.0.9")
    vantage._check("127.16.0.1", "")
    for address in ("127.0.0.1", "169.254.169.254"):
        with pytest.raises(vantage._Refused):
            vantage._check(address, "example.com")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ({}, "'verb'"),
        ({"verb": "exec"}, "'exec'"),
        ({"verb": ["dns"]}, "unhashable"),
        ({"verb": "http"}, "'url'"),
        ({"verb": "http", "url": "https://10.0.0.1/"}, "expected a URL http://"),
        ({"verb": "http", "url": "file:///etc/passwd"}, "expected a URL http://"),
        ({"verb": "http", "url": "http://10.0.0.1:99999/"}, "Port out of range"),
        ({"verb": "http", "url": "http://[::::/"}, "Invalid IPv6 URL"),
        ({"verb": "dns", "server": "", "port": 1, "name": NAME, "steps": ["?"]}, "base64"),
        ({"verb": "dns", "server": "no address", "port": 53, "name": NAME, "steps": []}, "does not appear to be"),
        ({"verb": "dns", "server": "10.0.0.2", "port": "x", "name": NAME, "steps": []}, "invalid literal"),
        ({"verb": "tls", "address": "10.0.0.1", "port": 1, "version": "0.9"}, "0.9"),
        ({"verb": "watch", "of": {"verb": "watch"}, "every": 1, "during": 1}, "a watch of a watch"),
    ],
)
def test_what_is_wrong_is_a_result(verb: dict[str, Any], words: str) -> None:
    """A verb that is unknown, incomplete or of wrong types has an error as its result, and ends nothing."""
    assert words in result_of(**verb)["error"]


class _Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the method and the path, and with a longer body each time."""

    def do_GET(self) -> None:
        body = f"{self.command} {self.path} {self.headers.get('X-Test', '')}".encode()
        self.send_response(503 if self.path == "/bad" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET  # noqa: N815  # the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve HTTP at an address of tasks."""
    monkeypatch.setenv("SURVEYOR_LISTEN", "127.16.0.9")
    server = http.server.HTTPServer(("127.16.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_calls_return_status_and_body(port: int) -> None:
    """Whatever the status is; the body is cut at the limit."""
    url = f"http://127.16.0.1:{port}"
    found = result_of(verb="http", url=f"{url}/bad?x=1", method="PUT", headers={"X-Test": "yes"})
    assert (found["status"], base64.b64decode(found["body"])) == (200, b"PUT /bad?x=1 yes")
    assert result_of(verb="http", url=f"{url}/bad")["status"] == 503
    assert base64.b64decode(result_of(verb="http", url=url, limit=3)["body"]) == b"GET"


def test_a_watch_returns_changes_only(port: int) -> None:
    """Equal results in a row are one."""
    of = {"verb": "http", "url": f"http://127.16.0.1:{port}/"}
    [only] = result_of(verb="watch", of=of, every=0.01, during=0.1)["changes"]
    assert (only["at"], only["status"]) == (pytest.approx(0, abs=0.05), 200)


def test_a_silent_task_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is accepted and not answered ends after the time given."""
    monkeypatch.setenv("SURVEYOR_LISTEN", "127.16.0.9")
    with socket.create_server(("127.16.0.1", 0)) as server:
        found = result_of(verb="http", url=f"http://127.16.0.1:{server.getsockname()[1]}/", within=0.2)
        assert found["kind"] == "timeout"
        plain = result_of(verb="tls", address="127.16.0.1", port=server.getsockname()[1], version="1.3", within=0.2)
        assert plain["kind"] in ("timeout", "ssl")


def test_messages_over_udp_and_tcp() -> None:
    """Steps are sent and received in order; what is closed before an answer is an error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def echo() -> None:
            for _ in range(2):
                data, sender = server.recvfrom(100)
                server.sendto(data.upper(), sender)

        thread = threading.Thread(target=echo)
        thread.start()
        assert vantage.over_udp(server.getsockname(), [b"a", b"b", None, None], 5) == [b"A", b"B"]
        thread.join()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"\0\3abc\0\5x")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(OSError, match="the connection was closed"):
            vantage.over_tcp(listener.getsockname(), [b"\0\1q", None, None], 5)
        thread.join()
    assert isinstance(ssl.SSLError(), OSError)  # a handshake that fails is no answer either
