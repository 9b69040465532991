"""A request that was signed for a proxy is signed again for its upstream, with a correct or a skewed clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.layout import find_layout
from surveyor.proxies import HttpProxy, SigningUpstream
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target

ACCOUNT = "222222222222"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Return a running embedded target, which checks signatures."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        yield target


@pytest.mark.parametrize(("skew", "code"), [(0.0, ""), (60.0, ""), (1_200.0, "InvalidSignatureException")])
def test_a_request_is_signed_again(running: RunningTarget, skew: float, code: str) -> None:
    """The target accepts the new signature, and refuses it if the signing clock is skewed too far."""
    credentials = running.clients.credentials(ACCOUNT)
    upstream = SigningUpstream(running.endpoint, "servicediscovery", "us-east-1", lambda: credentials, skew=skew)
    proxy = HttpProxy(upstream)
    proxy.start()
    client = running.clients.client("servicediscovery", ACCOUNT, endpoint=proxy.url)
    if code:
        with pytest.raises(ClientError) as refusal:
            client.list_namespaces()
        assert refusal.value.response["Error"]["Code"] == code
    else:
        assert client.list_namespaces()["Namespaces"] == []
    proxy.close()


def test_an_unreachable_upstream_is_a_connection_error() -> None:
    """No server listens at the upstream's address."""
    credentials = Credentials(ACCOUNT, "surveyor")
    upstream = SigningUpstream("http://127.0.0.1:9", "servicediscovery", "us-east-1", lambda: credentials)
    with pytest.raises(ConnectionError, match=r"127.0.0.1:9"):
        upstream("POST", "/", {}, b"{}")
