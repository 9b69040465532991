"""A real caching resolver (unbound) in front of the embedded target, in real time: it caches for one TTL."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "surveyor.test."
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
        query_server("surveyor.test", "SOA", resolver, timeout=1)
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
