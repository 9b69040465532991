"""A real caching resolver (unbound) in front of the embedded target, in real time.

It caches for one TTL, and it reads the name server's answers as the suites do. Its settings are strict: random upper
and lower case in queries, and one label at a time (RFC 9156), so that a name above others must not be NXDOMAIN.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest

from surveyor.clock import WallClock
from surveyor.dns import DnsAddress, query_server, record_values
from surveyor.errors import NoAnswer
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.process import free_port
from surveyor.targets.running import RunningTarget, run_target

TTL = 3
ACCOUNT = "111122223333"
SETTINGS = """
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  do-not-query-localhost: no
  module-config: "iterator"
  use-caps-for-id: yes
  qname-minimisation-strict: yes
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "unbound.surveyor.test."
  stub-addr: {address}@{at}
"""


@dataclass(frozen=True)
class CachedService:
    """A service in a public namespace, its name servers, and a caching resolver."""

    running: RunningTarget
    authority: DnsAddress
    resolver: DnsAddress
    service: str
    name: str
    clock: WallClock

    def addresses(self, server: DnsAddress) -> list[str]:
        """Return the addresses that a server answers."""
        return record_values(query_server(self.name, "A", server), self.name, "A")

    def call(self, operation: str, **params: Any) -> Any:
        """Call Cloud Map."""
        return getattr(self.running.clients.client("servicediscovery", ACCOUNT), operation)(**params)

    def make(self, name: str, rdtype: str, instances: dict[str, dict[str, str]]) -> str:
        """Create a service with instances, wait until the name servers have them, and return its name."""
        policy = "WEIGHTED" if rdtype == "CNAME" else "MULTIVALUE"
        records = {"RoutingPolicy": policy, "DnsRecords": [{"Type": rdtype, "TTL": TTL}]}
        parent = self.call("get_service", Id=self.service)["Service"]["NamespaceId"]
        service = self.call("create_service", Name=name, NamespaceId=parent, DnsConfig=records)["Service"]["Id"]
        for identity, attributes in instances.items():
            self.call("register_instance", ServiceId=service, InstanceId=identity, Attributes=attributes)
        full = f"{name}.{self.name.partition('.')[2]}"
        self.clock.eventually(
            lambda: len(record_values(query_server(full, rdtype, self.authority), full, rdtype)) == len(instances),
            within=30,
        )
        return full

    def register(self, last: int) -> None:
        """Register 192.0.2.`last` and wait until the name servers have it."""
        self.call("register_instance", ServiceId=self.service, InstanceId=f"i-{last}",
                  Attributes={"AWS_INSTANCE_IPV4": f"192.0.2.{last}"})  # fmt: skip
        self.clock.eventually(lambda: self.addresses(self.authority) == [f"192.0.2.{last}"], within=30)


@pytest.fixture
def cached_service(tmp_path: Path) -> Iterator[CachedService]:
    """Provide the service and its servers in real time, with TTLs of three seconds."""
    program = shutil.which("unbound", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
    if program is None:
        pytest.skip("unbound is not installed")
    embedded = load_target("embedded", find_layout().targets)
    assert embedded.start is not None
    argv = tuple("flow" if word == "advance" else word for word in embedded.start.argv)
    features = (embedded.features or frozenset()) - {"clock-control"}
    flowing = replace(embedded, start=replace(embedded.start, argv=argv), features=features)
    with run_target(flowing, seed=7) as running:
        authority = running.name_servers(ACCOUNT, str)
        resolver = DnsAddress("127.0.0.1", free_port())
        settings = tmp_path / "unbound.conf"
        settings.write_text(
            SETTINGS.format(port=resolver.port, folder=tmp_path, address=authority.address, at=authority.port)
        )
        process = subprocess.Popen([program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            clock = WallClock()
            clock.eventually(lambda: _answers(resolver), within=10)
            yield _create_service(running, authority, resolver, clock)
        finally:
            process.terminate()
            process.wait(10)


def _answers(resolver: DnsAddress) -> bool:
    try:
        query_server("unbound.surveyor.test", "SOA", resolver, timeout=1)
    except NoAnswer:
        return False
    return True


def _create_service(
    running: RunningTarget, authority: DnsAddress, resolver: DnsAddress, clock: WallClock
) -> CachedService:
    cloudmap = running.clients.client("servicediscovery", ACCOUNT)
    soa = {"DnsProperties": {"SOA": {"TTL": TTL}}}
    operation = cloudmap.create_public_dns_namespace(Name="unbound.surveyor.test", Properties=soa)["OperationId"]

    def namespace() -> str | None:
        state = cloudmap.get_operation(OperationId=operation)["Operation"]
        return str(state["Targets"]["NAMESPACE"]) if state["Status"] == "SUCCESS" else None

    records = {"DnsRecords": [{"Type": "A", "TTL": TTL}]}
    parent = clock.eventually(namespace, within=30)
    service = cloudmap.create_service(Name="web", NamespaceId=parent, DnsConfig=records)["Service"]["Id"]
    return CachedService(running, authority, resolver, service, "web.unbound.surveyor.test", clock)


@pytest.mark.soak
def test_resolver_follows_addresses_and_their_absence(cached_service: CachedService) -> None:
    """The resolver may answer with stale data for one TTL and then follows, for an address and for its absence."""
    cached_service.register(1)
    cached_service.clock.eventually(
        lambda: cached_service.addresses(cached_service.resolver) == ["192.0.2.1"], within=30
    )
    [answer] = query_server(cached_service.name, "A", cached_service.resolver).answer
    assert answer.ttl <= TTL
    cached_service.call("deregister_instance", ServiceId=cached_service.service, InstanceId="i-1")
    cached_service.clock.eventually(lambda: cached_service.addresses(cached_service.authority) == [], within=30)
    cached_service.clock.eventually(lambda: cached_service.addresses(cached_service.resolver) == [], within=30)
    [soa] = query_server(cached_service.name, "A", cached_service.resolver).authority
    assert soa.ttl <= TTL
    cached_service.register(2)
    cached_service.clock.eventually(
        lambda: cached_service.addresses(cached_service.resolver) == ["192.0.2.2"], within=30
    )


def _values(answer: dns.message.Message) -> dict[tuple[str, str], tuple[int, frozenset[str]]]:
    """Return by owner and type the TTL and the values of the answer section, all in lower case."""
    return {
        (rrset.name.to_text().lower(), rrset.rdtype.name): (
            rrset.ttl,
            frozenset(record.to_text().lower() for record in rrset),
        )
        for rrset in answer.answer
    }


@pytest.mark.soak
def test_resolver_agrees_with_the_name_servers(cached_service: CachedService) -> None:
    """The resolver answers each question as the name servers do: rcode and records, and TTLs that are not greater."""
    cached_service.register(1)
    web, parent = cached_service.name, cached_service.name.partition(".")[2]
    long = {
        f"instance-with-a-rather-long-identifier-{n}": {"AWS_INSTANCE_IPV4": f"192.0.2.{n}", "AWS_INSTANCE_PORT": "80"}
        for n in range(8)
    }
    srv = cached_service.make("srv", "SRV", long)
    above = cached_service.make("c.b.a", "A", {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.9"}})
    alias = cached_service.make("alias", "CNAME", {"i-1": {"AWS_INSTANCE_CNAME": web}})
    questions = [(name, rdtype) for name in (web, srv, alias, f"{next(iter(long))}.{srv}") for rdtype in ("A", "SRV")]
    questions += [(above, "A"), (f"b.a.{parent}", "A"), (f"a.{parent}", "TXT"), (f"x.{web}", "A"), (parent, "NS")]
    questions += [(f"absent.{parent}", rdtype) for rdtype in ("A", "AAAA", "SRV", "TYPE65280")]
    for name, rdtype in questions:
        expected = query_server(name, rdtype, cached_service.authority, tcp=True)
        for spelling in (name, name.upper()):
            actual = query_server(spelling, rdtype, cached_service.resolver, tcp=True, timeout=10)
            found, records = _values(actual), _values(expected)
            assert (dns.rcode.to_text(actual.rcode()), found.keys()) == (
                dns.rcode.to_text(expected.rcode()),
                records.keys(),
            ), (name, rdtype)
            for key, (ttl, values) in found.items():
                assert values == records[key][1]
                assert ttl <= records[key][0]
            if not found:
                [soa], [authority] = actual.authority, expected.authority
                assert soa.name == authority.name
                assert soa.ttl <= authority.ttl == TTL
