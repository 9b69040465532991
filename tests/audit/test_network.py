"""`surveyor audit` on nine faults of a network and of registrars, and on a twin of it without any."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.audit import ReadOnlyClients, Scope, read_network, read_snapshot
from surveyor.cli import main
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_agents import workload

FAULTY, CLEAN = "333344440001", "333344440002"
CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
DNS = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
NXDOMAIN = {"Action": "BLOCK", "BlockResponse": "NXDOMAIN"}
CHECK = {"command": ["CMD-SHELL", "exit 0"], "interval": 60}


class Site:
    """An account with a namespace, ECS, two further VPCs of clients, rules, a firewall and instances by hand."""

    def __init__(self, running: RunningTarget, account: str, *, faulty: bool) -> None:
        self.running, self.account, self.faulty = running, account, faulty
        self.ec2, self.cloudmap, self.route53, self.resolver, self.ecs = map(
            self.client, ("ec2", "servicediscovery", "route53", "route53resolver", "ecs")
        )
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"][:2]]
        self.others = [self._vpc(number) for number in (1, 2)]
        self.namespace = self._finished(
            self.cloudmap.create_private_dns_namespace(
                Name="corp.test", Vpc=self.vpc, Properties={"DnsProperties": {"SOA": {"TTL": 15}}}
            )
        )["NAMESPACE"]
        self.registries = {name: self._registry(name) for name in ("web", "api", "db", "hosts")}
        self._associate()
        self._shadow()
        self._firewall()
        self._instances()
        self._tasks()
        running.clock.wait(100)

    def client(self, service: str) -> Any:
        """Return a client of this account."""
        return self.running.clients.client(service, self.account)

    def _vpc(self, number: int) -> str:
        vpc: str = self.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        # Fault one: DNS host names are off in the second one, as in each new VPC.
        is_on = not (self.faulty and number == 2)
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": is_on})
        return vpc

    def _finished(self, started: dict[str, Any]) -> dict[str, str]:
        self.running.clock.wait(10)
        operation = self.cloudmap.get_operation(OperationId=started["OperationId"])["Operation"]
        return dict(operation.get("Targets", {}))

    def _registry(self, name: str) -> str:
        made = self.cloudmap.create_service(Name=name, NamespaceId=self.namespace, DnsConfig=DNS, **CUSTOM)
        return str(made["Service"]["Id"])

    def _associate(self) -> None:
        found = self.cloudmap.get_namespace(Id=self.namespace)["Namespace"]
        zone = found["Properties"]["DnsProperties"]["HostedZoneId"]
        # Fault two: the first of the further VPCs is not associated with the zone.
        for vpc in self.others[1:] if self.faulty else self.others:
            self.route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC={"VPCId": vpc, "VPCRegion": "us-east-1"})

    def _shadow(self) -> None:
        # Fault three: a zone that is more specific.
        self.route53.create_hosted_zone(
            Name="web.corp.test" if self.faulty else "web.other.test", CallerReference="shadow",
            VPC={"VPCId": self.vpc, "VPCRegion": "us-east-1"},
        )  # fmt: skip
        outbound = self.resolver.create_resolver_endpoint(
            CreatorRequestId="out", SecurityGroupIds=[f"sg-{self.vpc[4:]}"], Direction="OUTBOUND",
            IpAddresses=[{"SubnetId": subnet} for subnet in self.subnets],
        )["ResolverEndpoint"]["Id"]  # fmt: skip
        self.running.clock.wait(10)
        # Faults four and five: rules for the namespace's own domain, in another VPC, and for a name in it.
        rules = [(self.others[1], "corp.test" if self.faulty else "test"), (self.vpc, "api.corp.test")]
        for number, (vpc, domain) in enumerate(rules):
            params: dict[str, Any] = {"RuleType": "SYSTEM"}
            if self.faulty or number == 0:
                params = {"RuleType": "FORWARD", "ResolverEndpointId": outbound, "TargetIps": [{"Ip": "10.9.9.9"}]}
            rule = self.resolver.create_resolver_rule(CreatorRequestId=domain, DomainName=domain, **params)
            self.resolver.associate_resolver_rule(ResolverRuleId=rule["ResolverRule"]["Id"], VPCId=vpc)

    def _firewall(self) -> None:
        group = self.resolver.create_firewall_rule_group(CreatorRequestId="1", Name="g")["FirewallRuleGroup"]["Id"]
        # Fault six: a block list with a name of the namespace; without the fault another rule allows it first.
        rules: list[tuple[str, dict[str, str]]] = [("*.corp.test", {"Action": "ALLOW"}), ("*", NXDOMAIN)]
        for number, (domain, rule) in enumerate([("db.corp.test", NXDOMAIN)] if self.faulty else rules, 1):
            made = self.resolver.create_firewall_domain_list(CreatorRequestId=f"{number}", Name=f"list-{number}")
            listed = {"FirewallDomainListId": made["FirewallDomainList"]["Id"]}
            self.resolver.update_firewall_domains(**listed, Operation="ADD", Domains=[domain])
            self.resolver.create_firewall_rule(
                CreatorRequestId=f"{number}", FirewallRuleGroupId=group, **listed, Priority=number,
                Name=f"rule-{number}", **rule,
            )  # fmt: skip
        self.resolver.associate_firewall_rule_group(
            CreatorRequestId="1", FirewallRuleGroupId=group, VpcId=self.vpc, Priority=200, Name="here"
        )

    def _tasks(self) -> None:
        self.ecs.create_cluster(clusterName="shop")
        # Fault seven: Route 53 health checks, which do not reach tasks.
        public = self._finished(self.cloudmap.create_http_namespace(Name="public"))["NAMESPACE"]
        checks: dict[str, Any] = {"HealthCheckConfig": {"Type": "TCP"}} if self.faulty else CUSTOM
        probed = self.cloudmap.create_service(Name="probed", NamespaceId=public, **checks)["Service"]
        app = {"name": "app", "image": "python", "command": workload.command("serve"), "healthCheck": CHECK}
        self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[app],
        )  # fmt: skip
        for name, registry in (("web", self.registries["web"]), ("probed", probed["Id"])):
            arn = self.cloudmap.get_service(Id=registry)["Service"]["Arn"]
            self.ecs.create_service(
                cluster="shop", serviceName=name, taskDefinition="web", desiredCount=int(name == "web"),
                launchType="FARGATE", serviceRegistries=[{"registryArn": arn}],
                networkConfiguration={"awsvpcConfiguration": {"subnets": self.subnets[:1]}},
            )  # fmt: skip

    def _instances(self) -> None:
        hosts = self.registries["hosts"]
        for number in range(4 if self.faulty else 2):  # fault eight: a heart-beat that registers again and again
            attributes = {"AWS_INSTANCE_IPV4": "192.0.2.1", "site": "on-premises", "beat": str(number)}
            self._finished(self.cloudmap.register_instance(ServiceId=hosts, InstanceId="host-1", Attributes=attributes))
        # Fault nine: an instance of an ECS service that is gone.
        left = {"AWS_INSTANCE_IPV4": "192.0.2.2", "ECS_CLUSTER_NAME": "shop"}
        left |= {"ECS_SERVICE_NAME": "old"} if self.faulty else {}
        self._finished(self.cloudmap.register_instance(ServiceId=hosts, InstanceId="host-2", Attributes=left))


@pytest.fixture(scope="module")
def sites() -> Iterator[dict[str, Site]]:
    """Create both accounts."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        yield {account: Site(running, account, faulty=account == FAULTY) for account in (FAULTY, CLEAN)}


Audit = Callable[..., tuple[int, list[dict[str, str]]]]


@pytest.fixture
def audit(sites: dict[str, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Return a function that runs the command in an account."""
    monkeypatch.setattr(timeouts, "READ_AGAIN", 0.01)

    def run(account: str, *arguments: str) -> tuple[int, list[dict[str, str]]]:
        path, site = tmp_path / "findings.json", sites[account]
        scope = [*("--cluster", "shop", "--namespace", "corp.test"), *arguments]
        further = [word for vpc in site.others for word in ("--client-vpc", vpc)]
        monkeypatch.setattr("surveyor.cli.audit.PLAIN_ACCOUNT", account)
        endpoint = site.running.endpoint
        try:
            code = main(["audit", "--target", endpoint, "--json", str(path), *scope, *further])
        except SystemExit as end:
            code = int(end.code or 0)
        entries = json.loads(path.read_text()) if path.exists() else []
        return code, [entry for entry in entries if entry["level"] != "note"]

    return run


@pytest.mark.soak
def test_nine_faults_are_nine_findings(audit: Audit, sites: dict[str, Site]) -> None:
    """Each fault is found once, with what it is about, and nothing else is."""
    first, second = sites[FAULTY].others
    code, found = audit(FAULTY)
    assert code == 1
    assert sorted((finding["rule"], finding["about"]) for finding in found) == [
        ("blocked-by-dns-firewall", "db.corp.test"),
        ("dns-attributes-off", second),
        ("forwarder-for-the-namespace", "corp.test"),
        ("health-checks-on-private-addresses", "probed.public"),
        ("left-by-another-registrar", "hosts.corp.test"),
        ("registration-flaps", "hosts.corp.test"),
        ("shadowed-by-a-rule", "api.corp.test"),
        ("shadowed-by-a-zone", "web.corp.test"),
        ("zone-not-in-vpc", "corp.test"),
    ]
    [missing] = [finding for finding in found if finding["rule"] == "zone-not-in-vpc"]
    assert first in missing["found"]


@pytest.mark.soak
def test_the_twin_without_faults_has_no_finding(audit: Audit) -> None:
    """Rules, zones, a firewall, instances by hand and VPCs of clients are no faults in themselves."""
    assert audit(CLEAN) == (0, [])


@pytest.mark.soak
def test_a_vpc_that_does_not_exist_is_bad_input(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    """It is one line, and exit code 2."""
    for vpc in ("vpc-0", "\x1b[31m"):
        assert audit(CLEAN, "--client-vpc", vpc)[0] == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert "there is no VPC" in last
        assert "\x1b" not in last


@pytest.mark.soak
def test_what_may_not_be_read_is_not_judged(sites: dict[str, Site]) -> None:
    """A denied read is named, and neither it nor what it would show is a finding."""
    site = sites[FAULTY]

    def create_client(service: str) -> Any:
        client = site.client(service)
        if service == "route53":
            operation = client.list_hosted_zones_by_vpc
            refusal = client.exceptions.ClientError(
                {"Error": {"Code": "AccessDenied", "Message": "no"}}, operation.__name__
            )

            def refuse(**_: object) -> None:
                raise refusal

            client.meta.events.register("before-call.route53.ListHostedZonesByVPC", refuse, unique_id="refuse")
        return client

    clients = ReadOnlyClients(create_client, has_iam=False)
    snapshot = read_snapshot(Scope(("shop",), ("corp.test",)), clients)
    try:
        network = read_network(snapshot, clients, site.others, 0.0)
    finally:
        site.client("route53").meta.events.unregister("before-call.route53.ListHostedZonesByVPC", unique_id="refuse")
    assert list(network.unread) == ["route53:ListHostedZonesByVPC"]
    assert clients.refused == {}
