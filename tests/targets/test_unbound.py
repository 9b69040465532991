"""A real caching resolver before the embedded target, in real time: what it keeps, and that it lets go."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from surveyor.clock import WallClock
from surveyor.dns import DnsAddress, ask, record_values
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
class Place:
    """A service in a public namespace, its name servers, and a resolver that caches."""

    running: RunningTarget
    authority: DnsAddress
    resolver: DnsAddress
    service: str
    name: str
    clock: WallClock

    def seen(self, server: DnsAddress) -> list[str]:
        """The addresses that a server answers."""
        return record_values(ask(self.name, "A", server), self.name, "A")

    def call(self, operation: str, **params: Any) -> Any:
        """One call of Cloud Map."""
        return getattr(self.running.clients.client("servicediscovery", ACCOUNT), operation)(**params)

    def register(self, last: int) -> None:
        """Register 192.0.2.`last` and wait until the name servers have it."""
        self.call("register_instance", ServiceId=self.service, InstanceId=f"i-{last}",
                  Attributes={"AWS_INSTANCE_IPV4": f"192.0.2.{last}"})  # fmt: skip
        self.clock.eventually(lambda: self.seen(self.authority) == [f"192.0.2.{last}"], within=30)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """All of it in real time, with TTLs of three seconds."""
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
        told = tmp_path / "unbound.conf"
        told.write_text(
            SETTINGS.format(port=resolver.port, folder=tmp_path, address=authority.address, at=authority.port)
        )
        process = subprocess.Popen([program, "-c", str(told)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            clock = WallClock()
            clock.eventually(lambda: _answers(resolver), within=10)
            yield _place(running, authority, resolver, clock)
        finally:
            process.terminate()
            process.wait(10)


def _answers(resolver: DnsAddress) -> bool:
    try:
        ask("surveyor.test", "SOA", resolver, timeout=1)
    except NoAnswer:
        return False
    return True


def _place(running: RunningTarget, authority: DnsAddress, resolver: DnsAddress, clock: WallClock) -> Place:
    cloudmap = running.clients.client("servicediscovery", ACCOUNT)
    soa = {"DnsProperties": {"SOA": {"TTL": TTL}}}
    made = cloudmap.create_public_dns_namespace(Name="unbound.surveyor.test", Properties=soa)["OperationId"]

    def namespace() -> str | None:
        found = cloudmap.get_operation(OperationId=made)["Operation"]
        return str(found["Targets"]["NAMESPACE"]) if found["Status"] == "SUCCESS" else None

    records = {"DnsRecords": [{"Type": "A", "TTL": TTL}]}
    parent = clock.eventually(namespace, within=30)
    service = cloudmap.create_service(Name="web", NamespaceId=parent, DnsConfig=records)["Service"]["Id"]
    return Place(running, authority, resolver, service, "web.unbound.surveyor.test", clock)


def test_resolver_follows_addresses_and_their_absence(place: Place) -> None:
    """What the name servers no longer say the resolver may still say for a TTL, and then it follows: both ways."""
    place.register(1)
    place.clock.eventually(lambda: place.seen(place.resolver) == ["192.0.2.1"], within=30)
    [answer] = ask(place.name, "A", place.resolver).answer
    assert answer.ttl <= TTL
    place.call("deregister_instance", ServiceId=place.service, InstanceId="i-1")
    place.clock.eventually(lambda: place.seen(place.authority) == [], within=30)
    place.clock.eventually(lambda: place.seen(place.resolver) == [], within=30)
    [soa] = ask(place.name, "A", place.resolver).authority
    assert soa.ttl <= TTL
    place.register(2)
    place.clock.eventually(lambda: place.seen(place.resolver) == ["192.0.2.2"], within=30)
