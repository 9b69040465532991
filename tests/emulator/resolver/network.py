"""A target with two VPCs and a name server outside of it, for tests of Route 53 Resolver."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

from surveyor.targets.control import Control
from surveyor.targets.process import StartedProcess
from tests.emulator.test_ram import client

__all__ = ["ACCOUNT", "Network", "OutsideServer", "outside_server"]

ACCOUNT = "222233334444"
_WAIT = 8.0


@dataclass
class OutsideServer:
    """A name server on this machine: its port, the records by name, and the questions by transport.

    A name without records does not exist. `redirects`: names that are CNAMEs. `is_silent`: it answers nothing.
    `garbage`: what it answers instead.
    """

    port: int
    records: dict[str, list[str]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_silent: bool = False
    garbage: bytes = b""

    def answer(self, data: bytes, transport: str) -> bytes | None:
        """Return the answer to a message; over UDP one that is longer than 512 bytes is truncated."""
        query = dns.message.from_wire(data)
        [question] = query.question
        name = question.name.to_text()
        self.asked.append((transport, name))
        if self.is_silent:
            return None
        if self.garbage:
            return self.garbage
        reply = dns.message.make_response(query, recursion_available=True)
        if name in self.redirects:
            reply.answer.append(dns.rrset.from_text(name, 30, "IN", "CNAME", self.redirects[name]))
        elif name in self.records:
            reply.answer.append(dns.rrset.from_text(name, 30, "IN", "A", *self.records[name]))
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if transport == "udp" and len(reply.to_wire()) > 512:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        return reply.to_wire()


@contextmanager
def outside_server() -> Iterator[OutsideServer]:
    """Run a name server at 127.0.0.1 over UDP and TCP."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        tcp.listen()
        server = OutsideServer(tcp.getsockname()[1])
        threads = [threading.Thread(target=serve, args=(place, server)) for serve, place in ((_udp, udp), (_tcp, tcp))]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", udp.getsockname())
            socket.create_connection(tcp.getsockname()).close()
            for thread in threads:
                thread.join()


def _udp(place: socket.socket, server: OutsideServer) -> None:
    while True:
        data, peer = place.recvfrom(4_096)
        if not data:
            return
        reply = server.answer(data, "udp")
        if reply is not None:
            place.sendto(reply, peer)


def _tcp(place: socket.socket, server: OutsideServer) -> None:
    while True:
        connection, _ = place.accept()
        with connection, connection.makefile("rb") as stream:
            head = stream.read(2)
            if not head:
                return
            reply = server.answer(stream.read(int.from_bytes(head, "big")), "tcp")
            if reply is not None:
                connection.sendall(len(reply).to_bytes(2, "big") + reply)


class Network:
    """Two VPCs of an account, with what Route 53 Resolver has in them."""

    def __init__(self, process: StartedProcess, account: str) -> None:
        self.control = Control(process.endpoint, process.token)
        self._process = process
        self.account = account
        self.client: Callable[[str], Any] = lambda service: client(process.endpoint, service, account)
        self.resolver, self.ec2, self.route53 = (self.client(name) for name in ("route53resolver", "ec2", "route53"))
        self.vpcs = [self._vpc(number) for number in (1, 2)]
        self._count = 0

    def _vpc(self, number: int) -> str:
        vpc: str = self.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    def subnets(self, vpc: str) -> list[str]:
        """Return two subnets of a VPC."""
        filters = [{"Name": "vpc-id", "Values": [vpc]}]
        found = self.ec2.describe_subnets(Filters=filters)["Subnets"]
        if not found:
            number = self.vpcs.index(vpc) + 1
            blocks = [f"10.{number}.{third}.0/24" for third in (1, 2)]
            found = [self.ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"] for block in blocks]
        return [subnet["SubnetId"] for subnet in found]

    def request_id(self) -> str:
        """Return an id of a request that no other has."""
        self._count += 1
        return f"request-{self._count}"

    def endpoint(self, direction: str, vpc: str) -> str:
        """Create an endpoint with two addresses, and return its id when it is OPERATIONAL."""
        made = self.resolver.create_resolver_endpoint(
            CreatorRequestId=self.request_id(), SecurityGroupIds=[f"sg-{vpc.partition('-')[2]}"], Direction=direction,
            IpAddresses=[{"SubnetId": subnet} for subnet in self.subnets(vpc)],
        )["ResolverEndpoint"]  # fmt: skip
        self.control.advance(5)
        return str(made["Id"])

    def addresses(self, endpoint: str) -> list[str]:
        """Return the addresses of an endpoint."""
        listed = self.resolver.list_resolver_endpoint_ip_addresses(ResolverEndpointId=endpoint)["IpAddresses"]
        return [entry["Ip"] for entry in listed]

    def forward(self, domain: str, vpc: str, outbound: str, targets: list[dict[str, Any]]) -> str:
        """Have a VPC forward a domain, and return the rule."""
        rule = self.rule("FORWARD", domain, ResolverEndpointId=outbound, TargetIps=targets)
        self.associate(rule, vpc)
        return rule

    def rule(self, kind: str, domain: str, **params: Any) -> str:
        """Create a rule, and return its id."""
        made = self.resolver.create_resolver_rule(
            CreatorRequestId=self.request_id(), RuleType=kind, DomainName=domain, **params
        )
        return str(made["ResolverRule"]["Id"])

    def associate(self, rule: str, vpc: str) -> None:
        """Associate a rule with a VPC, and wait until it is followed."""
        self.resolver.associate_resolver_rule(ResolverRuleId=rule, VPCId=vpc)
        self.control.advance(3)

    def zone(self, name: str, vpc: str, records: Mapping[str, Any]) -> str:
        """Create a private zone with records (name -> its addresses, or the target of a CNAME), and return its id."""
        made = self.route53.create_hosted_zone(
            Name=name, CallerReference=self.request_id(), VPC={"VPCId": vpc, "VPCRegion": "us-east-1"}
        )
        zone: str = made["HostedZone"]["Id"]
        changes = []
        for owner, value in records.items():
            kind = "CNAME" if isinstance(value, str) else "A"
            values = [{"Value": each} for each in ([value] if isinstance(value, str) else value)]
            record = {"Name": owner, "Type": kind, "TTL": 60, "ResourceRecords": values}
            changes.append({"Action": "CREATE", "ResourceRecordSet": record})
        if changes:
            self.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        self.control.advance(60)
        return zone

    def block(self, vpc: str, domains: list[str], rule: Mapping[str, Any], priority: int = 200) -> tuple[str, str, str]:
        """Have the firewall of a VPC apply one rule to domains; return the group, the list and the association."""
        identity = self.request_id()
        group = self.resolver.create_firewall_rule_group(CreatorRequestId=identity, Name="group")["FirewallRuleGroup"]
        listed = self.resolver.create_firewall_domain_list(CreatorRequestId=identity, Name="list")["FirewallDomainList"]
        self.resolver.update_firewall_domains(FirewallDomainListId=listed["Id"], Operation="ADD", Domains=domains)
        self.resolver.create_firewall_rule(
            CreatorRequestId=identity, FirewallRuleGroupId=group["Id"], FirewallDomainListId=listed["Id"], Priority=1,
            Name="rule", **rule,
        )  # fmt: skip
        made = self.resolver.associate_firewall_rule_group(
            CreatorRequestId=identity, FirewallRuleGroupId=group["Id"], VpcId=vpc, Priority=priority, Name="here"
        )
        self.control.advance(3)
        return group["Id"], listed["Id"], made["FirewallRuleGroupAssociation"]["Id"]

    def set(self, *changes: str) -> None:
        """Make these changes to the settings of the target; none restores them."""
        request = urllib.request.Request(
            f"{self._process.endpoint}/_surveyor/settings",
            json.dumps({"set": changes}).encode(),
            {"Authorization": f"Bearer {self._process.token}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()

    def events(self) -> list[dict[str, Any]]:
        """Return the events of this account."""
        headers = {"Authorization": f"Bearer {self._process.token}"}
        request = urllib.request.Request(f"{self._process.endpoint}/_surveyor/events", headers=headers)
        with urllib.request.urlopen(request) as answer:
            events: list[dict[str, Any]] = json.load(answer)["events"]
        return [event for event in events if event["account"] == self.account]

    def ask(self, name: str, vpc: str, kind: str = "A", *, tcp: bool = False) -> tuple[str, list[str]]:
        """Return the response code of a VPC's resolver, and the values that it answers."""
        server = self.control.resolver(self.account, "us-east-1", vpc)
        return self._ask(name, (server.address, server.port), kind, tcp=tcp)

    def ask_inbound(self, name: str, ip: str, kind: str = "A") -> tuple[str, list[str]]:
        """Return the same of an address of an inbound endpoint."""
        server = self.control.inbound_address(self.account, "us-east-1", ip)
        return self._ask(name, (server.address, server.port), kind)

    def answered(self, name: str, vpc: str, count: int) -> int:
        """Return how many of this number of packets, sent at once, a VPC's resolver answers."""
        server = self.control.resolver(self.account, "us-east-1", vpc)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
            place.settimeout(1.0)
            for _ in range(count):
                place.sendto(dns.message.make_query(name, "A").to_wire(), (server.address, server.port))
            number = 0
            try:
                while True:
                    place.recv(4_096)
                    number += 1
            except TimeoutError:
                return number

    def _ask(self, name: str, server: tuple[str, int], kind: str, *, tcp: bool = False) -> tuple[str, list[str]]:
        question = dns.message.make_query(name, kind)
        exchange = dns.query.tcp if tcp else dns.query.udp
        answer = exchange(question, server[0], port=server[1], timeout=_WAIT)
        values = sorted(str(item) for rrset in answer.answer for item in rrset)
        return dns.rcode.to_text(answer.rcode()), values
