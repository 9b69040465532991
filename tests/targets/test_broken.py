"""Targets that do not answer as an API does: the run ends with one line about it, and never as a success."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.errors import TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.layout import find_layout
from surveyor.targets import features, load_target
from surveyor.targets.clients import Clients
from surveyor.targets.features import probe
from surveyor.targets.model import Target
from surveyor.targets.reachable import check_reachable
from tests.conftest import Checkout

JSON, HTML = "application/x-amz-json-1.1", "text/html"
NO_NAMESPACES = b'{"Namespaces": []}'

Answer = tuple[int, str, bytes]


@contextmanager
def broken_target(answer: Callable[[str, bytes], Answer | None]) -> Iterator[str]:
    """Serve what `answer` returns for an operation and a body, and reset the connection for None; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = answer(self.headers.get("X-Amz-Target", "").rpartition(".")[2], body)
            if found is None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, kind, text = found
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 (the names that http.server calls)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "Connection"),
        ((500, "text/plain", b"oops"), "answered HTTP 500"),
        ((302, "text/plain", b""), "answered HTTP 302"),
        ((200, HTML, b"<html>hello</html>"), "a web page"),
        ((503, HTML, b"<!doctype html><p>busy"), "answered HTTP 503"),
        ((200, JSON, b'{"Namespaces": "' + b"x" * 10_000_000 + b'"}'), "an answer of more than 8388608 bytes"),
        ((200, JSON, b'{"Namespaces": "none"}'), "which does not have the documented shape"),
        ((404, "text/plain", b"nothing here"), "answered HTTP 404"),
    ],
)
def test_what_is_no_api_is_refused_before_the_run(answer: Answer | None, reason: str) -> None:
    """A reset, an error of a web server, a redirect, a page or a wrong shape is no answer of Cloud Map."""
    with broken_target(lambda operation, body: answer) as url:
        for target in (load_target(url, find_layout().targets), _declared(url)):
            with pytest.raises(TargetUnavailable, match="is not an AWS API that has Cloud Map") as refusal:
                check_reachable(target)
            assert reason.lower() in str(refusal.value).lower()
            assert "\n" not in str(refusal.value)


def _declared(url: str) -> Target:
    return replace(load_target(url, find_layout().targets), features=frozenset({"cloudmap", "ec2"}))


def test_silence_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that accepts connections and never answers ends the run after the time for one answer."""
    assert timeouts.PROBE_ANSWER + timeouts.CONNECT <= 10
    monkeypatch.setattr(timeouts, "PROBE_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = load_target(f"http://127.0.0.1:{silent.getsockname()[1]}", find_layout().targets)
        with pytest.raises(TargetUnavailable, match="ReadTimeoutError"):
            check_reachable(target)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ((500, "text/plain", b""), False),
        ((200, HTML, b"<html>"), False),
        (None, False),
        ((501, "text/plain", b""), True),
        ((404, "text/plain", b""), True),
        ((405, HTML, b"<html>"), True),
    ],
)
def test_a_broken_probe_is_no_missing_feature(answer: Answer | None, known: bool) -> None:
    """Only an answer of an API, or a status that says so, shows that a feature is missing."""

    def first_only(operation: str, body: bytes) -> Answer | None:
        return (200, JSON, NO_NAMESPACES) if operation == "ListNamespaces" else answer

    with broken_target(first_only) as url:
        for target in (load_target(url, find_layout().targets), _declared(url)):
            found = probe(target, Clients(target, url, Evidence()), None)
            assert found.present == {"cloudmap"}
            assert bool(found.broken) is not known
            if not known:
                assert "ec2" in {name for name, _ in found.broken}
            assert [name for name, _ in found.absent] == (["ec2"] if known and target.features is not None else [])


def test_a_service_that_is_loaded_at_its_first_call_is_no_missing_feature() -> None:
    """A probe without an answer in time is made again, once; a target that stays silent is not asked further."""
    calls: list[str] = []
    loaded = threading.Event()

    def slow_once(operation: str, body: bytes) -> Answer | None:
        calls.append(operation)
        if operation == "ListNamespaces":
            return 200, JSON, NO_NAMESPACES
        if len(calls) == 2:
            loaded.wait(30)
        return 200, "text/xml", b"<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>"

    with broken_target(slow_once) as url:
        target = _declared(url)
        found = probe(target, Clients(target, url, Evidence(), read_timeout=1.0), None)
        loaded.set()
    assert found.present == {"cloudmap", "ec2"}


SUITE = """
@proves("alpha.first")
def test_first(cloudmap):
    '''It is so.'''
    assert cloudmap.list_namespaces()["Namespaces"] == []
    cloudmap.create_http_namespace(Name="a")["OperationId"]
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda operation, body: (200, JSON, NO_NAMESPACES) if operation == "ListNamespaces" else None, 1),
        (lambda operation, body: (200, JSON, b"{}"), 1),
        (lambda operation, body: (200, JSON, body), 1),
    ],
    ids=["probe only", "no members", "mirror"],
)
def test_a_target_without_sense_fails(
    checkout: Checkout, answer: Callable[[str, bytes], Answer | None], code: int
) -> None:
    """One that answers the probe only, one without members, and one that returns the request end as failed."""
    from surveyor.conformance.run import exit_code

    checkout.suite(SUITE)
    with broken_target(answer) as url:
        report = checkout.run(url)
    assert exit_code(report) == code
    assert [claim.verdict.value for claim in report.claims if claim.id == "alpha.first"] == ["fail"]


@pytest.mark.soak
def test_a_target_that_stops_answering_ends_the_run(checkout: Checkout) -> None:
    """After some calls without any answer the target counts as gone, and later tests do not wait for it."""
    calls: list[str] = []

    def first_half(operation: str, body: bytes) -> Answer | None:
        calls.append(operation)
        return (200, JSON, NO_NAMESPACES) if len(calls) < 10 else None

    tests = [SUITE.replace("test_first", f"test_{number}") for number in range(12)]
    checkout.suite("\n\n".join(tests).replace("assert cloudmap", "cloudmap"))
    with broken_target(first_half) as url:
        report = checkout.run(url)
    assert "answered none of the last 3 calls" in report.failure
    assert json.dumps(calls).count("ListNamespaces") < 12


def test_only_the_features_that_a_run_needs_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cloud Map and what is needed; the others count as declared. Without declarations all are asked for."""
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return ""

    probes = {name: partial(ask, name) for name in ("cloudmap", "route53", "ec2", "clock-control")}
    monkeypatch.setattr(features, "_probes", lambda *_: probes)
    monkeypatch.setattr(features, "only_account", lambda _: "")
    clients: Any = None
    embedded = load_target("embedded", find_layout().targets)
    assert probe(embedded, clients, None, {"ec2"}).present == embedded.features
    assert asked == ["cloudmap", "ec2"]
    asked.clear()
    assert probe(replace(embedded, features=None), clients, None, {"ec2"}).present == set(probes)
    assert asked == [*probes]


def test_a_feature_that_the_machine_refuses_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that declares it neither fails for it nor has it: on some kernels only root filters packets of TCP."""

    class Refused:
        @staticmethod
        def settings() -> dict[str, object]:
            return {"packet_filters": False}

    control: Any = Refused()
    with pytest.raises(features.MachineLacks):
        features._filters_packets(control)
    embedded = load_target("embedded", find_layout().targets)
    probes = {"cloudmap": lambda: "", "network-faults": lambda: features._filters_packets(control)}
    monkeypatch.setattr(features, "_probes", lambda *_: probes)
    clients: Any = None
    found = probe(embedded, clients, None)
    assert "network-faults" not in found.present | {name for name, _ in (*found.absent, *found.broken)}
    assert {"cloudmap", "ecs-processes"} <= found.present
