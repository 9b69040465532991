"""Ready namespaces: new for each test, or shared where an account outlives the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest

from surveyor.answers import member
from surveyor.plugin.account import Unique
from surveyor.plugin.operations import Finish
from surveyor.plugin.sharing import Sharing

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
def ready_namespace(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    made_namespaces: MadeNamespaces,
    sharing: Sharing | None,
) -> Callable[[Kind], dict[str, Any]]:
    """Gives a namespace of a kind: a new one, or, in an account that outlives the run, the one that tests share."""

    def give(kind: Kind) -> dict[str, Any]:
        if sharing is None:
            return make_namespace(kind)

        def make() -> tuple[str, str | None]:
            made = str(make_namespace(kind)["Id"])
            return made, made_namespaces.vpcs.get(made)

        shared = sharing.get(f"{kind} namespace", make)
        if kind != "http":
            made_namespaces.vpcs[shared.id] = shared.vpc
        return dict(member(cloudmap.get_namespace(Id=shared.id), "Namespace", of="GetNamespace"))

    return give


@pytest.fixture
def http_namespace(ready_namespace: Callable[[Kind], dict[str, Any]]) -> dict[str, Any]:
    """A namespace whose instances are found by API calls only; other tests may use it too."""
    return ready_namespace("http")


@pytest.fixture
def private_namespace(ready_namespace: Callable[[Kind], dict[str, Any]]) -> dict[str, Any]:
    """A namespace whose names are answered in one VPC; other tests may use it too."""
    return ready_namespace("private")


@pytest.fixture
def public_namespace(ready_namespace: Callable[[Kind], dict[str, Any]]) -> dict[str, Any]:
    """A namespace whose names are answered at name servers; other tests may use it too."""
    return ready_namespace("public")
