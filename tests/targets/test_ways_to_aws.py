"""Which way calls take: proxies and variants of endpoints are for AWS, and never for this machine."""

from __future__ import annotations

import os
from typing import Any

import pytest

from surveyor.evidence import Evidence
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.clients import Clients
from surveyor.targets.credential_chain import RunSession, own_calls
from surveyor.targets.options import TargetOptions

PROXY = "http://127.0.0.1:3128"


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    keys = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"}
    for name, value in (keys | {"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}).items():
        monkeypatch.setenv(name, value)


def client(service: str, endpoint: str | None) -> Any:
    """Return a client of the target aws."""
    options = TargetOptions(account="111122223333", endpoint=endpoint)
    target = load_target("aws", find_layout().targets, options)
    return Clients(target, target.endpoint, Evidence()).client(service, "")


def proxy_of(made: Any) -> str | None:
    """Return the proxy that a client uses."""
    url = made.meta.endpoint_url
    found: str | None = made._endpoint.http_session._proxy_config.proxy_url_for(url)
    return found


@pytest.mark.soak
@pytest.mark.parametrize("service", ["servicediscovery", "route53", "ecs", "ec2", "sts"])
def test_a_proxy_is_used_for_aws_only(service: str) -> None:
    """Not for an emulator on this machine, which no proxy reaches."""
    assert proxy_of(client(service, None)) == PROXY
    for endpoint in ("http://127.0.0.1:4566", "http://localhost:4566", "https://[::1]:4566"):
        assert proxy_of(client(service, endpoint)) is None


def test_the_role_of_a_profile_is_assumed_by_the_same_way() -> None:
    """botocore's own client of STS would take the proxy for this machine, too."""
    for endpoint, expected in ((None, PROXY), ("http://127.0.0.1:4566", None)):
        options = TargetOptions(account="111122223333", endpoint=endpoint)
        target = load_target("aws", find_layout().targets, options)
        made = RunSession(target).create_client("sts", region_name="us-east-1")
        assert proxy_of(made) == expected
        assert made.meta.endpoint_url == (endpoint or "https://sts.us-east-1.amazonaws.com")
        assert vars(own_calls(target))["read_timeout"] < 10


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("AWS_USE_FIPS_ENDPOINT", "https://servicediscovery-fips.us-east-1.amazonaws.com"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "https://servicediscovery.us-east-1.api.aws"),
    ],
)
def test_variants_of_endpoints_are_those_of_aws(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    """An endpoint that is given is used as it is."""
    monkeypatch.setenv(name, "true")
    assert client("servicediscovery", None).meta.endpoint_url == url
    for service in ("servicediscovery", "route53", "ecs", "ec2", "sts", "iam"):
        assert client(service, "http://127.0.0.1:4566").meta.endpoint_url == "http://127.0.0.1:4566"
