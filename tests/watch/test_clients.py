"""The first call of each client, and which client models a watch uses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.callers import Request, Tls, fixed, parse_statuses
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.observers.service_under_test import ConnectEndpoint, ServiceUnderTest
from surveyor.watch.clients import WatchedClients, longest_cache, make_clients, require_permission, try_clients
from surveyor.watch.settings import WatchSettings
from tests.certificates import write_certificate

SERVICE = ServiceUnderTest(
    "111122223333", "us-east-1", "shop", "web", registry="", namespace="", name="", alias="", vpc="", port=80,
    groups=("arn:group",), load_balancer=("lb.example", 80), temporary=False, ttl=60.0,
)  # fmt: skip
REGISTERED = replace(
    SERVICE, registry="srv-1", namespace="shop.internal", name="web", alias="web.shop.internal", groups=(),
    load_balancer=("", 0),
)  # fmt: skip
RESOLVER = ("127.0.0.1", 5353)


@contextmanager
def answering(status: int, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, int]]:
    """Run a server that answers with a status, unless it gets the header that it needs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("X-Key") == "open" and self.headers.get("Host") == "web.example"
            self.send_response(200 if wanted else status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # a name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1", server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def made(
    address: tuple[str, int], settings: WatchSettings | None = None, service: ServiceUnderTest = SERVICE
) -> WatchedClients:
    """Return the clients of a service whose tasks serve at an address; nothing resolves its name."""
    settings = settings or WatchSettings(timeout=0.5)
    return make_clients(service, settings, lambda: None, lambda: fixed(address), None, 1.0, local=True)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "status 401, which is not expected: name another --path, or add --header 'Name: value'"),
        (404, "name a path that exists with --path; if it is right, add --expect 404"),
        (301, "--tls if it leads to https"),
        (429, "lower --rate"),
    ],
)
def test_a_refused_path_is_a_usage_error(status: int, words: str) -> None:
    """What is called is named with the status and what to do, before anything is recorded."""
    settings = WatchSettings(Request(expected=parse_statuses("200-299")))
    with answering(status) as address, pytest.raises(UsageError) as refused:
        try_clients(made(address, settings))
    assert words in str(refused.value)


@pytest.mark.soak
def test_a_header_a_host_and_an_expected_status_are_enough() -> None:
    """The named header and host are sent; a status that is expected is an answer; an error of the server is none."""
    request = Request(host="web.example", headers=(("X-Key", "open"),), expected=parse_statuses("200-299"))
    with answering(401) as address:
        assert [trial.result.outcome for trial in try_clients(made(address, WatchSettings(request)))[1]] == ["ok"]
        accepted = WatchSettings(Request(expected=parse_statuses("401")))
        assert [trial.result.outcome for trial in try_clients(made(address, accepted))[1]] == ["ok"]
    with answering(503) as address:  # a deployment may be what mends it
        [trial] = try_clients(made(address))[1]
        assert str(trial) == f"tasks called 127.0.0.1:{address[1]}: status 503"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for web.example, with its key in the same file."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem", "web.example")


@pytest.mark.soak
def test_tasks_that_speak_tls(certificate: Path) -> None:
    """The certificate is verified against the host; each problem says which option mends it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    good = Request(host="web.example", headers=(("X-Key", "open"),), tls=Tls(authorities=str(certificate)))
    with answering(503, context) as address:
        [trial] = try_clients(made(address, WatchSettings(good)))[1]
        assert trial.result.status == 200
        [trial] = try_clients(made(address, WatchSettings(replace(good, host="", tls=Tls(verify=False)))))[1]
        assert trial.result.status == 503
        with pytest.raises(UsageError, match="its certificate has another name, add --host NAME, or --insecure"):
            try_clients(made(address, WatchSettings(replace(good, host="other.example"))))
    with answering(200) as address, pytest.raises(UsageError, match="if it speaks plain HTTP, leave out --tls"):
        try_clients(made(address, WatchSettings(Request(tls=Tls()))))


def test_a_service_that_cannot_be_reached() -> None:
    """An address that is not on this machine is not called where all tasks are; nothing else is left to call."""
    with pytest.raises(TargetUnavailable, match=r"cannot be reached from this machine .*run where its clients run"):
        try_clients(made(("192.0.2.1", 80)))


@pytest.mark.parametrize(
    ("service", "resolver", "models", "left_out"),
    [
        (REGISTERED, RESOLVER, ["dns", "api-healthy"], []),
        (REGISTERED, None, ["api-healthy"], ["dns: nothing here resolves web.shop.internal: add --dns control"]),
        (SERVICE, RESOLVER, ["balancer", "tasks"], []),
        (
            replace(SERVICE, load_balancer=("", 0), connect=ConnectEndpoint("web", 80, "http", "srv-2")),
            RESOLVER, ["tasks"], ["service-connect: Service Connect is called from a client's task alone"],
        ),
    ],
)  # fmt: skip
def test_the_models_that_call(
    service: ServiceUnderTest, resolver: tuple[str, int] | None, models: list[str], left_out: list[str]
) -> None:
    """By default those that the service has something for; the others are named if something could be done."""
    serving: Callable[[], Any] | None = None if service is REGISTERED else lambda: fixed(("127.0.0.1", 80))
    found = make_clients(service, WatchSettings(), lambda: None, serving, resolver, 1.0, local=True)
    assert list(found.by_model) == models
    reasons = [f"{name}: {why}" for name, why in found.left_out.items()]
    assert len(reasons) == len(left_out)
    assert all(reason.startswith(start) for reason, start in zip(reasons, left_out, strict=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dsn", "there is no client model 'dsn'; did you mean 'dns'"),
        ("balancer", "--client balancer: the service has no load balancer"),
        ("\x1b[31m", "there is no client model"),
        ("tasks", "neither a load balancer nor Service Connect lists its tasks"),
    ],
)
def test_a_model_that_the_user_named_must_be_possible(name: str, words: str) -> None:
    """An unknown name, and one that the service has nothing for, are refused with the reason."""
    settings = WatchSettings(clients=(name,))
    with pytest.raises(UsageError) as refused:
        make_clients(REGISTERED, settings, lambda: None, None, RESOLVER, 1.0, local=True)
    assert words in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_a_client_task_has_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the alias has a loopback address, as in a task that is a client, its proxy is called; elsewhere not."""
    offered = replace(SERVICE, load_balancer=("", 0), connect=ConnectEndpoint("web", 80, "http", "srv-2"))
    for address, models in (("127.255.0.1", ["service-connect", "tasks"]), ("10.0.0.9", ["tasks"]), ("", ["tasks"])):

        def getaddrinfo(host: str, port: int, *, address: str = address, **_: object) -> list[Any]:
            if (host, port) != ("web", 80) or not address:
                raise OSError("Name or service not known")
            return [(2, 1, 6, "", (address, port))]

        monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
        serving = lambda: fixed(("127.0.0.1", 80))  # noqa: E731  # one question
        found = make_clients(offered, WatchSettings(), lambda: None, serving, None, 1.0, local=True)
        assert list(found.by_model) == models


def test_the_longest_cache_is_waited_for() -> None:
    """A TTL, a fixed lifetime, but not one without an end."""
    for names, seconds in ((("dns",), 60.0), (("dns-jvm",), 30.0), (("api-healthy",), 5.0), (("dns-pinned",), 0.0)):
        settings = WatchSettings(clients=names)
        found = make_clients(REGISTERED, settings, lambda: None, None, RESOLVER, 1.0, local=True)
        assert longest_cache(found, REGISTERED.ttl) == seconds


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_question_that_is_not_permitted_is_no_failed_call(code: str) -> None:
    """The action is named before anything is measured."""
    message = "User: me is not authorized to perform: servicediscovery:DiscoverInstancesRevision"

    def ask() -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "DiscoverInstancesRevision")

    with pytest.raises(SurveyorError, match=r"^servicediscovery:DiscoverInstancesRevision is not permitted: allow it"):
        require_permission(ask)


def test_a_question_that_is_refused_otherwise_is_asked_later() -> None:
    """As one that is throttled; an answer of no interest is enough."""
    answers = iter([ClientError({"Error": {"Code": "ThrottlingException"}}, "DiscoverInstances"), OSError("no answer")])

    def ask() -> None:
        raise next(answers)

    require_permission(ask)
    require_permission(ask)
    require_permission(lambda: None)
