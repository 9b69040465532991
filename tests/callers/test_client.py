"""Clients: what they may call, how they call by TLS, through a client task, and how the registry answers them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.callers import (
    MODELS,
    ClientTask,
    RegistryClient,
    Request,
    ServiceEndpoints,
    Timeouts,
    Tls,
    ViewContents,
    attempt,
    can_call,
    data_endpoint,
    fixed,
    make_client,
    parse_statuses,
)
from surveyor.clock import WallClock
from surveyor.history import ViewMember
from surveyor_agents import workload
from tests.certificates import write_certificate

TIMEOUTS = Timeouts(1.0, 1.0)


class Handler(BaseHTTPRequestHandler):
    """Answers with the status in the path, and what it was asked for."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"host": self.headers["Host"], "key": self.headers["X-Key"]}).encode()
        self.send_response(int(self.path.rpartition("/")[2] or 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Answer with a body, where none may be."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port of a server on 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and a certificate for web.shop."""
    return write_certificate(tmp_path / "web.pem", "web.shop")


def test_a_call_by_tls_verifies_the_name_unless_it_need_not(certificate: Path) -> None:
    """A wrong name and an unknown authority are failures that say so; plain HTTP at a TLS port is one, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(Handler, context) as port:

        def result(host: str, tls: Tls | None) -> tuple[str, int, str]:
            found, connection = attempt("127.0.0.1", port, Request(path="/204", host=host, tls=tls), TIMEOUTS)
            if connection is not None:
                connection.close()
            return found.outcome, found.status, found.error

        trusted = Tls(authorities=str(certificate))
        assert result("web.shop", trusted) == ("ok", 204, "")
        assert result("other", Tls("web.shop", authorities=str(certificate))) == ("ok", 204, "")
        assert result("other", Tls(verify=False)) == ("ok", 204, "")
        outcome, _, error = result("other", trusted)
        assert outcome == "fail"
        assert error.startswith("tls: hostname mismatch")
        assert result("web.shop", Tls())[2].startswith("tls: self-signed certificate")
        assert result("web.shop", None)[0] == "fail"
    with serving(Handler) as port:
        found, _ = attempt("127.0.0.1", port, Request(tls=Tls()), TIMEOUTS)
        assert (found.outcome, found.error.partition(":")[0]) == ("fail", "tls")


@pytest.mark.parametrize(
    ("request_", "status", "outcome", "error"),
    [
        (Request(path="/401"), 401, "ok", ""),
        (Request(path="/401", expected=parse_statuses("200-299")), 401, "fail", "status 401"),
        (Request(path="/503", expected=parse_statuses("503")), 503, "ok", ""),
        (Request("HEAD", "/200"), 200, "ok", ""),
        (Request("HEAD", "/204"), 204, "ok", ""),
    ],
)
def test_the_expected_statuses_decide(request_: Request, status: int, outcome: str, error: str) -> None:
    """A status is an answer if it is expected; the answer to HEAD has no body."""
    with serving(Handler) as port:
        found, connection = attempt("127.0.0.1", port, request_, TIMEOUTS, keep=True)
    if connection is not None:
        connection.close()
    assert (found.status, found.outcome, found.error) == (status, outcome, error)
    assert 0 < found.seconds < 1


def test_a_local_client_calls_this_machine_only() -> None:
    """Whatever is registered, no other address is called; a model without what it asks for does not call."""
    addresses = {"a": ViewMember("192.0.2.1")}
    for model in (MODELS["dns"], MODELS["curl"]):
        client = make_client(model, ServiceEndpoints(80), random.Random(7), lambda: ViewContents(addresses, ttl=60))
        address, result = client.call(client.choose())
        assert (address, result.outcome, result.error) == ("192.0.2.1", "fail", "not callable from here")
        assert not can_call(model, ServiceEndpoints(80, "web.ns"))
    unknowing = make_client(MODELS["dns"], ServiceEndpoints(80), random.Random(7), lambda: ViewContents({}))
    assert unknowing.call(unknowing.choose())[1].error == "no address known"


@pytest.mark.parametrize("address", ["not\u0000an address", "a" * 70 + ".ns", "", "256.1.1.1"])
def test_an_address_that_is_none_is_a_failure(address: str) -> None:
    """What a registry holds is anything."""
    endpoints = ServiceEndpoints(80, local=False, timeout=0.5)
    client = make_client(MODELS["dns"], endpoints, random.Random(7), lambda: fixed((address, 80)))
    result = client.call(client.choose())[1]
    assert (result.outcome, result.error.isprintable()) == ("fail", True)


@pytest.fixture
def client_task() -> Iterator[int]:
    """Yield the port of a client's workload on 127.0.0.1."""
    environment = os.environ | {"SURVEYOR_LISTEN": "127.0.0.1", "SURVEYOR_HOSTS": "backend=127.0.0.1"}
    ports = random.Random(os.getpid()).sample(range(20_000, 30_000), 1)
    command = [sys.executable, workload.__file__, "serve", "--port", str(ports[0]), "--token", "t"]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)

    def answers() -> bool:
        found, connection = attempt("127.0.0.1", ports[0], Request(), TIMEOUTS)
        if connection is not None:
            connection.close()
        return found.outcome == "ok"

    WallClock().eventually(answers, within=10)
    yield ports[0]
    process.terminate()
    process.wait()


def test_a_client_task_makes_the_calls_of_its_proxy(client_task: int) -> None:
    """Status, error and duration are those that the task saw; a client task that is gone leaves the outcome unknown."""
    with serving(Handler) as port:

        def result(path: str, url: str = f"http://backend:{port}", token: str = "t") -> Any:
            task = ClientTask("127.0.0.1", client_task, token, url)
            request = Request(path=path, headers=(("X-Key", "k"),))
            endpoints = ServiceEndpoints(1, client_task=task, request=request, timeout=1.0, scale=2.0)
            client = make_client(MODELS["service-connect"], endpoints, random.Random(7))
            assert can_call(MODELS["service-connect"], endpoints)
            return client.call(client.choose())[1]

        answered = result("/200")
        assert (answered.outcome, answered.status, answered.error) == ("ok", 200, "")
        assert 0 <= answered.seconds < 1
        assert (result("/503").outcome, result("/503").error) == ("fail", "status 503")
        assert result("/", "http://backend:9").error == "refused"
        unknown = result("/200", token="wrong")
        assert unknown.outcome == "info"
        assert unknown.error.startswith("the client task did not report")


class Registry(BaseHTTPRequestHandler):
    """A registry whose answer is in the name of the namespace."""

    def do_POST(self) -> None:
        """Answer as the namespace says."""
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, _, text = params["NamespaceName"].partition(" ")
        body = text.encode() or json.dumps({"Instances": [], "InstancesRevision": 3}).encode()
        if status == "close":
            return
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("200", None),
        ("200 {}", "expected Instances"),
        ("200 []", "expected Instances"),
        ("200 <html>", "expected Instances"),
        ("close", "expected HTTP"),
    ],
)
def test_a_registry_answers_or_is_silent(answer: str, error: str | None) -> None:
    """Whatever is no answer of DiscoverInstances is silence."""
    with serving(Registry) as port:
        registry = RegistryClient(f"http://127.0.0.1:{port}", "us-east-1", lambda: Credentials("a", "b"))
        if error is None:
            assert registry.discover_instances(NamespaceName=answer)["InstancesRevision"] == 3
            assert registry.discover_instances_revision(NamespaceName=answer)["InstancesRevision"] == 3
            return
        with pytest.raises(OSError, match=error):
            registry.discover_instances(NamespaceName=answer)


@pytest.mark.parametrize(
    ("answer", "code"),
    [('400 {"__type": "x#RequestLimitExceeded", "Message": "no"}', "RequestLimitExceeded"), ("503 <html>", "503")],
)
def test_a_refusal_has_its_code(answer: str, code: str) -> None:
    """A refusal is raised as by boto3."""
    with serving(Registry) as port:
        registry = RegistryClient(f"http://127.0.0.1:{port}", "us-east-1", lambda: Credentials("a", "b"))
        with pytest.raises(ClientError) as refused:
            registry.discover_instances(NamespaceName=answer)
    assert refused.value.response["Error"]["Code"] == code


def test_the_data_endpoint_has_the_prefix_of_the_api_model() -> None:
    """Its host is that of Cloud Map after the hostPrefix of the operations for discovery."""
    assert data_endpoint("https://servicediscovery.eu-west-1.amazonaws.com") == (
        "https://data-servicediscovery.eu-west-1.amazonaws.com"
    )
