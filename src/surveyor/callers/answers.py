"""The questions by which clients find tasks, and their answers: DNS, DiscoverInstances, or addresses that are fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.dns import DnsAddress, query_server
from surveyor.errors import NoAnswer
from surveyor.history import Outcome, Recorder, ViewMember

__all__ = [
    "NO_ANSWER",
    "Address",
    "Ask",
    "Discover",
    "ViewContents",
    "discover_instances",
    "fixed",
    "recorded",
    "resolve_name",
    "resolve_services",
]

Address = tuple[str, int]

NO_ANSWER = (ClientError, BotoCoreError, NoAnswer, dns.exception.DNSException, OSError)
"""What is raised for a question that was refused, or not answered."""

MAX_DISCOVERED = 1_000
"""Maximum number of instances in a response of DiscoverInstances (servicediscovery/DiscoverMaxResults)."""


@dataclass(frozen=True)
class ViewContents:
    """`members`: instances by id, or addresses by themselves; `ports` of those members that have one of their own.

    `ttl`: of the records; `negative_ttl`: for how long an empty answer may be kept; both in service seconds. `event`:
    number of the question in a history, 0 if it is not recorded.
    """

    members: Mapping[str, ViewMember]
    revision: int = 0
    ttl: float = 0.0
    negative_ttl: float = 0.0
    ports: Mapping[str, int] = field(default_factory=dict)
    event: int = 0

    def addresses(self, port: int) -> tuple[Address, ...]:
        """Return the addresses that can be called, in order; `port`: of members that have no port of their own."""
        found = {(member.address, self.ports.get(name, port)) for name, member in self.members.items()}
        return tuple(sorted(address for address in found if address[0]))


Ask = Callable[[], ViewContents]
"""Asks once. Raises one of NO_ANSWER."""

Discover = Any
"""A client of boto3 for servicediscovery, or anything that has its methods for the discovery of instances."""


def resolve_name(server: DnsAddress, name: str, timeout: float) -> ViewContents:
    """Return the addresses that a DNS server gives for a name.

    Raises NoAnswer, also for a response code other than NOERROR and NXDOMAIN.
    """
    response = _ask(server, name, "A", timeout)
    rrsets = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.A]
    members = {record.to_text(): ViewMember(record.to_text()) for rrset in rrsets for record in rrset}
    ttl = float(min((rrset.ttl for rrset in rrsets), default=0))
    return ViewContents(members, ttl=ttl, negative_ttl=0.0 if members else _negative_ttl(response))


def resolve_services(server: DnsAddress, name: str, timeout: float) -> ViewContents:
    """Return the addresses and ports to which the SRV records of a name lead; the TTL is the least of all records.

    Raises NoAnswer as `resolve_name`.
    """
    response = _ask(server, name, "SRV", timeout)
    rrsets = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.SRV]
    if not rrsets:
        return ViewContents({}, negative_ttl=_negative_ttl(response))
    members: dict[str, ViewMember] = {}
    ports: dict[str, int] = {}
    ttls = [float(rrset.ttl) for rrset in rrsets]
    for record in (record for rrset in rrsets for record in rrset):
        found = resolve_name(server, record.target.to_text(), timeout)
        ttls += [found.ttl] if found.members else []
        for address in found.members:
            members[f"{address}:{record.port}"] = ViewMember(address)
            ports[f"{address}:{record.port}"] = record.port
    return ViewContents(members, ttl=min(ttls), ports=ports)


def _ask(server: DnsAddress, name: str, kind: str, timeout: float) -> dns.message.Message:
    response = query_server(name, kind, server, timeout=timeout)
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        code = dns.rcode.to_text(response.rcode())
        raise NoAnswer(f"the resolver answered {code}", actual=f"dns: {code}")
    return response


def _negative_ttl(response: dns.message.Message) -> float:
    """Return how long an empty answer may be kept (RFC 2308, section 5)."""
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return float(min(rrset.ttl, rrset[0].minimum))
    return 0.0


def discover_instances(
    cloudmap: Discover, namespace: str, service: str, health: str = "ALL", owner: str = ""
) -> ViewContents:
    """Return the response of DiscoverInstances with that HealthStatus; `owner`: account of a shared namespace."""
    shared = {"OwnerAccount": owner} if owner else {}
    response = cloudmap.discover_instances(
        NamespaceName=namespace, ServiceName=service, HealthStatus=health, MaxResults=MAX_DISCOVERED, **shared
    )
    members, ports = {}, {}
    for instance in response["Instances"]:
        name, attributes = str(instance["InstanceId"]), instance.get("Attributes") or {}
        members[name] = ViewMember(str(attributes.get("AWS_INSTANCE_IPV4") or ""), instance.get("HealthStatus") or "")
        port = str(attributes.get("AWS_INSTANCE_PORT") or "")
        if port.isascii() and port.isdigit():
            ports[name] = int(port)
    return ViewContents(members, int(response.get("InstancesRevision") or 0), ports=ports)


def fixed(*addresses: Address) -> ViewContents:
    """Return an answer that consists of these addresses: a proxy of the client."""
    members = {f"{host}:{port}": ViewMember(host) for host, port in addresses}
    return ViewContents(members, ports={f"{host}:{port}": port for host, port in addresses})


def recorded(ask: Ask, recorder: Recorder, view: str, actor: str = "client") -> Ask:
    """Return what asks the same question, and records it in a history as a look at a view."""

    def ask_and_record() -> ViewContents:
        began = recorder.invoke(actor, "look", view=view)
        try:
            answer = ask()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            recorder.end(began, Outcome.FAIL, error=code or type(error).__name__)
            raise
        except NO_ANSWER as error:
            recorder.end(began, Outcome.INFO, error=type(error).__name__)
            raise
        recorder.record_view(began, answer.members, revision=answer.revision, ttl=answer.ttl)
        return replace(answer, event=began)

    return ask_and_record
