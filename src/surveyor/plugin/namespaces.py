"""Ready namespaces, new for each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest

from surveyor.answers import member
from surveyor.plugin.account import Unique
from surveyor.plugin.operations import Finish

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["DOMAIN", "Kind", "MadeNamespaces", "MakeNamespace"]

DOMAIN = "surveyor.test"
"""Where DNS namespaces are made: .test belongs to nobody (RFC 6761), and example.com is refused by Route 53
("example.com is reserved by AWS!")."""

Kind = Literal["http", "private", "public"]


class MakeNamespace(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, kind: Kind, **params: Any) -> dict[str, Any]:
        """`make_namespace(kind, **params)`: creates a namespace, waits, and returns GetNamespace's Namespace."""


@dataclass
class MadeNamespaces:
    """The DNS namespaces that this test made: GetNamespace does not tell a namespace's VPC, so it is kept here."""

    vpcs: dict[str, str | None] = field(default_factory=dict)


@pytest.fixture
def made_namespaces() -> MadeNamespaces:
    """What `make_namespace` made in this test."""
    return MadeNamespaces()


@pytest.fixture
def make_namespace(
    request: pytest.FixtureRequest,
    cloudmap: ServiceDiscoveryClient,
    complete: Finish,
    unique: Unique,
    made_namespaces: MadeNamespaces,
) -> MakeNamespace:
    """Makes namespaces: kind `http`, `private` or `public`; `params` as in the create call, Name and Vpc filled in."""

    def make(kind: Kind, **params: Any) -> dict[str, Any]:
        name = unique("ns")
        params.setdefault("Name", name if kind == "http" else f"{name}.{DOMAIN}")
        if kind == "private" and "Vpc" not in params:
            params["Vpc"] = request.getfixturevalue("vpc")
        create: dict[Kind, Callable[..., Any]] = {
            "http": cloudmap.create_http_namespace,
            "private": cloudmap.create_private_dns_namespace,
            "public": cloudmap.create_public_dns_namespace,
        }
        operation = complete(create[kind](**params))
        made = member(operation, "Targets", "NAMESPACE", of="GetOperation")
        namespace = member(cloudmap.get_namespace(Id=made), "Namespace", of="GetNamespace")
        if kind != "http":
            made_namespaces.vpcs[made] = params.get("Vpc")
        return dict(namespace)

    return make


@pytest.fixture
def http_namespace(make_namespace: MakeNamespace) -> dict[str, Any]:
    """A new namespace whose instances are found by API calls only."""
    return make_namespace("http")


@pytest.fixture
def private_namespace(make_namespace: MakeNamespace) -> dict[str, Any]:
    """A new namespace whose names are answered in one VPC."""
    return make_namespace("private")


@pytest.fixture
def public_namespace(make_namespace: MakeNamespace) -> dict[str, Any]:
    """A new namespace whose names are answered at name servers."""
    return make_namespace("public")
