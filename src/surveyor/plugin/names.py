"""Asking names where the target answers for the namespace in question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import dns.message
import pytest

from surveyor.answers import member
from surveyor.dns import ask as ask_server
from surveyor.plugin.account import ClientFactory
from surveyor.plugin.namespaces import MadeNamespaces
from surveyor.targets.running import RunningTarget

__all__ = ["Ask"]


class Ask(Protocol):
    """What the fixture of this name gives."""

    def __call__(
        self,
        name: str,
        rdtype: str = "A",
        namespace: Mapping[str, Any] | str | None = None,
        *,
        vpc: str | None = None,
        account: str | None = None,
        tcp: bool = False,
        **query: Any,
    ) -> dns.message.Message:
        """`ask(name, rdtype, namespace=…, vpc=…, tcp=False, **query)`: the answer, whatever its rcode.

        `namespace`: the Namespace (or its id) that the name belongs to; may be left out if the test made just one.
        `vpc`: ask the resolver of that VPC instead, of another `account` if that is given. `query` goes to
        dns.message.make_query.
        """


@pytest.fixture
def ask(
    running: RunningTarget, request: pytest.FixtureRequest, client: ClientFactory, made_namespaces: MadeNamespaces
) -> Ask:
    """Asks DNS: private names at their VPC's resolver, public ones at the name servers."""
    own: str = request.getfixturevalue("account")

    def question(
        name: str,
        rdtype: str = "A",
        namespace: Mapping[str, Any] | str | None = None,
        *,
        vpc: str | None = None,
        account: str | None = None,
        tcp: bool = False,
        **query: Any,
    ) -> dns.message.Message:
        account = account or own
        vpc = vpc or _vpc(namespace, made_namespaces)
        server = (
            running.resolver(account, running.target.region, vpc)
            if vpc
            else running.name_servers(account, lambda: _zone(client("servicediscovery"), namespace, made_namespaces))
        )
        return ask_server(name, rdtype, server, tcp=tcp, evidence=running.evidence, **query)

    return question


def _vpc(namespace: Mapping[str, Any] | str | None, made: MadeNamespaces) -> str | None:
    """The VPC that answers for the namespace; None if it is public."""
    if namespace is None:
        if len(made.vpcs) != 1:
            raise TypeError(f"ask needs namespace=… or vpc=…: the test made {len(made.vpcs)} DNS namespaces")
        return next(iter(made.vpcs.values()))
    given = namespace if isinstance(namespace, str) else str(namespace.get("Id"))
    if given in made.vpcs:
        return made.vpcs[given]
    if isinstance(namespace, Mapping) and namespace.get("Type") == "DNS_PUBLIC":
        return None
    raise TypeError("ask needs vpc=… for a private namespace that make_namespace did not make")


def _zone(cloudmap: Any, namespace: Mapping[str, Any] | str | None, made: MadeNamespaces) -> str:
    """The hosted zone of a public namespace."""
    if namespace is None:
        namespace = next(iter(made.vpcs))
    found: Mapping[str, Any] = (
        member(cloudmap.get_namespace(Id=namespace), "Namespace", of="GetNamespace")
        if isinstance(namespace, str)
        else namespace
    )
    return str(member(found, "Properties", "DnsProperties", "HostedZoneId", of="the namespace"))
