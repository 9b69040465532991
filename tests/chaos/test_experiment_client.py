"""The way of an experiment's client to the registry: which endpoint of AWS each operation reaches."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from surveyor.callers import CALLER_HEADER
from surveyor.chaos import experiment_client
from surveyor.chaos.experiment_client import endpoints_of, start_fault_proxy
from surveyor.proxies import ProxyResponse
from surveyor.targets.running import RunningTarget
from tests.chaos.test_parts import SERVICE

CONTROL = "https://servicediscovery.us-east-1.amazonaws.com"
DATA = "https://data-servicediscovery.us-east-1.amazonaws.com"


class Upstream:
    """Notes where a request went, instead of sending it."""

    sent: list[tuple[str, float]]

    def __init__(self, endpoint: str, service: str, region: str, credentials: object, skew: float) -> None:
        self.endpoint, self.skew = endpoint, skew

    def __call__(self, *_: object) -> ProxyResponse:
        """Note the request."""
        self.sent.append((self.endpoint, self.skew))
        return ProxyResponse(200, {}, b"")


def running(endpoint: str, *, local: bool) -> RunningTarget:
    """Return a target at an endpoint, whose client of Cloud Map has the endpoint of AWS."""
    clients = SimpleNamespace(
        credentials=lambda account: None, client=lambda *_: SimpleNamespace(meta=SimpleNamespace(endpoint_url=CONTROL))
    )
    target = SimpleNamespace(is_local=local)
    return cast(RunningTarget, SimpleNamespace(target=target, endpoint=endpoint, features=frozenset(), clients=clients))


@pytest.mark.parametrize(
    ("endpoint", "discovery", "control"),
    [("AWS", DATA, CONTROL), ("https://vpce-1.example", "https://vpce-1.example", "https://vpce-1.example")],
)
def test_discovery_reaches_the_data_endpoint_of_aws(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, discovery: str, control: str
) -> None:
    """Only its host accepts discovery; an endpoint that the user named serves all operations. So it is with skew."""
    monkeypatch.setattr(Upstream, "sent", [], raising=False)
    monkeypatch.setattr(experiment_client, "SigningUpstream", Upstream)
    proxy = start_fault_proxy(running(endpoint, local=False), SERVICE, None, random.Random(7))
    parts = urlsplit(endpoints_of(SERVICE, proxy, SERVICE.account, 1.0, 1.0, local=False).registry)

    def call(operation: str) -> None:
        headers = {"X-Amz-Target": f"Route53AutoNaming_v20170314.{operation}", CALLER_HEADER: parts.username or ""}
        with urlopen(Request(f"http://{parts.hostname}:{parts.port}/", b"{}", headers), timeout=5) as response:
            assert response.status == 200

    try:
        for operation in ("DiscoverInstances", "DiscoverInstancesRevision", "ListServices"):
            call(operation)
        proxy.set("clock.skew", 1)
        call("DiscoverInstances")
    finally:
        proxy.close()
    assert Upstream.sent == [(discovery, 0.0)] * 2 + [(control, 0.0), (discovery, experiment_client.SKEW)]
