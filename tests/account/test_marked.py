"""`surveyor sweep --account`: finds what runs made by their marks alone, and deletes nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from surveyor.account import marked
from surveyor.account.resources import CREATES
from surveyor.cli import main
from surveyor.evidence import Evidence
from surveyor.targets import load_target
from surveyor.targets.clients import Clients
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import Leftovers, find_leftovers, sweep_marked
from tests.account.conftest import ACCOUNT, TARGETS, EmulatorAccount

RUN, OTHER = "0123abcd", "89ef4567"
REGION = "us-east-1"


@pytest.fixture
def running() -> Iterator[RunningTarget]:
    """Run an account on an embedded target with a controlled clock: waiting costs nothing."""
    with run_target(load_target("embedded", TARGETS, TargetOptions(account=ACCOUNT)), 7) as running:
        yield running


class Run:
    """What one run makes, with its marks."""

    def __init__(self, running: RunningTarget, run: str) -> None:
        self.running, self.prefix = running, f"surveyor-{run}-"
        self.run = run

    def tags(self, kind: str) -> list[dict[str, Any]]:
        """Return the TagSpecifications of an EC2 resource."""
        return [{"ResourceType": kind, "Tags": [{"Key": "surveyor:run", "Value": self.run}]}]

    def client(self, service: str) -> Any:
        """Return a client whose calls are in no ledger, and may change everything."""
        clients = Clients(self.running.target, self.running.endpoint, Evidence())
        clients.ownership = None
        return clients.patient(service, REGION)

    def make_all(self) -> None:
        """Make a resource of each kind."""
        cloudmap, route53, ec2, ecs, elb = map(self.client, ("servicediscovery", "route53", "ec2", "ecs", "elbv2"))
        cloudmap.create_http_namespace(Name=f"{self.prefix}ns")
        self.running.clock.wait(60)
        [namespace] = [
            found for found in cloudmap.list_namespaces()["Namespaces"] if found["Name"].startswith(self.prefix)
        ]
        service = cloudmap.create_service(Name="web", NamespaceId=namespace["Id"])["Service"]["Id"]
        cloudmap.register_instance(ServiceId=service, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})
        route53.create_hosted_zone(Name=f"{self.prefix}zone.test", CallerReference=f"{self.prefix}zone")
        config = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
        route53.create_health_check(CallerReference=f"{self.prefix}check", HealthCheckConfig=config)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=self.tags("vpc"))["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway(TagSpecifications=self.tags("internet-gateway"))["InternetGateway"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", TagSpecifications=self.tags("subnet"))
        group = {"GroupName": f"{self.prefix}g", "Description": "d", "VpcId": vpc}
        ec2.create_security_group(**group, TagSpecifications=self.tags("security-group"))
        cluster, family = f"{self.prefix}cluster", f"{self.prefix}family"
        ecs.create_cluster(clusterName=cluster, serviceConnectDefaults={"namespace": f"{cluster}-default"})
        for name in (cluster, "shop"):  # services and tasks may be in a cluster of others
            ecs.create_cluster(clusterName=name)
            container = {"name": "app", "image": "any", "command": ["sleep", "600"]}
            ecs.register_task_definition(
                family=family, networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[container],
                requiresCompatibilities=["FARGATE"],
            )  # fmt: skip
            network = {"awsvpcConfiguration": {"subnets": [subnet["Subnet"]["SubnetId"]]}}
            where = {"cluster": name, "taskDefinition": family, "launchType": "FARGATE"}
            ecs.create_service(
                **where, serviceName=f"{self.prefix}service", desiredCount=1, networkConfiguration=network
            )
            ecs.run_task(**where, networkConfiguration=network)
        self._make_resolver(vpc, subnet["Subnet"]["SubnetId"])
        elb.create_target_group(Name=f"{self.prefix}tg", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
        self.client("logs").create_log_group(logGroupName=f"/aws/ecs/containerinsights/{cluster}/performance")
        alarm = {"MetricName": "m", "Namespace": "n", "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{self.prefix}alarm", Period=60, EvaluationPeriods=1, Threshold=1, **alarm
        )
        self.client("sqs").create_queue(QueueName=f"{self.prefix}queue")
        self.client("events").put_rule(Name=f"{self.prefix}rule", EventPattern='{"source": ["aws.ecs"]}')
        make_principals(self.client("iam"), self.prefix)

    def _make_resolver(self, vpc: str, subnet: str) -> None:
        """Make an endpoint with a rule in a VPC, and a rule group with a domain list there."""
        resolver, name = self.client("route53resolver"), f"{self.prefix}dns"
        named: dict[str, Any] = {"CreatorRequestId": name, "Name": name}
        endpoint = resolver.create_resolver_endpoint(
            **named, Direction="OUTBOUND", SecurityGroupIds=[f"sg-{vpc[4:]}"], IpAddresses=[{"SubnetId": subnet}] * 2
        )["ResolverEndpoint"]["Id"]
        self.running.clock.wait(10)
        target = {"ResolverEndpointId": endpoint, "TargetIps": [{"Ip": "10.9.9.9"}]}
        rule = resolver.create_resolver_rule(**named, RuleType="FORWARD", DomainName="corp.test", **target)
        resolver.associate_resolver_rule(ResolverRuleId=rule["ResolverRule"]["Id"], VPCId=vpc)
        group = resolver.create_firewall_rule_group(**named)["FirewallRuleGroup"]["Id"]
        listed = resolver.create_firewall_domain_list(**named)["FirewallDomainList"]["Id"]
        resolver.create_firewall_rule(
            **named, FirewallRuleGroupId=group, FirewallDomainListId=listed, Priority=1, Action="ALLOW"
        )
        resolver.associate_firewall_rule_group(**named, FirewallRuleGroupId=group, VpcId=vpc, Priority=200)


def make_principals(iam: Any, prefix: str) -> None:
    """Make a user with a key, a group with it, a role, and a policy of two versions, which all of them have."""
    user, group, role, name = (f"{prefix}{kind}" for kind in ("user", "group", "role", "policy"))
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}'
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    )
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    iam.create_user(UserName=user)
    iam.create_access_key(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document)
    iam.attach_user_policy(UserName=user, PolicyArn=policy)
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=policy)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)


def make_strangers(running: RunningTarget) -> None:
    """Make what belongs to no run, with names and tags that are like those of runs."""
    client = Run(running, "").client
    client("servicediscovery").create_http_namespace(Name="surveyor-dashboards")
    client("servicediscovery").create_http_namespace(Name=f"not-surveyor-{RUN}-ns")
    client("route53").create_hosted_zone(Name="team.test", CallerReference=f"x-surveyor-{RUN}-zone")
    client("ec2").create_vpc(
        CidrBlock="10.8.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "run", "Value": f"surveyor-{RUN}-"}]}],
    )
    client("ecs").create_cluster(clusterName="surveyor-metrics")
    client("ecs").create_cluster(clusterName="shop")
    client("sqs").create_queue(QueueName="surveyor-alarms")
    client("route53resolver").create_firewall_domain_list(CreatorRequestId="team", Name="surveyor-blocked")
    client("logs").create_log_group(logGroupName=f"/audit/xsurveyor-{RUN}-y")
    make_principals(client("iam"), "surveyor-")


def leftovers(running: RunningTarget) -> dict[str, Leftovers]:
    """Return what each run has."""
    found, failed = find_leftovers(running.account(""), REGION)
    assert failed == {}
    return {entry.run: entry for entry in found}


def test_each_kind_of_a_ledger_is_looked_for() -> None:
    """What a ledger records is found without it, but for what is inside of other resources or of no account."""
    searched = Path(marked.__file__).read_text("utf-8")
    kinds = {created.kind for operation, created in CREATES.items() if operation in searched}
    kinds |= {created.kind for name, created in CREATES.items() if f'"{name.partition(":")[2]}"' in searched}
    inside = {"service", "instance", "authorization", "route", "tag", "listener", "task set", "firewall rule"}
    inside |= {"rule association", "rule group association"}
    recorded = {created.kind for created in CREATES.values() if created.id_path}
    assert recorded - kinds - inside == set()


@pytest.mark.soak
def test_each_kind_is_found_and_deleted_and_nothing_else(running: RunningTarget) -> None:
    """A sweep of one run deletes each kind of its resources, and leaves those of another run and of strangers."""
    make_strangers(running)
    running.clock.wait(60)
    assert leftovers(running) == {}
    Run(running, RUN).make_all()
    Run(running, OTHER).make_all()
    running.clock.wait(60)
    found = leftovers(running)
    kinds = {re.sub(r" \S+$", "", str(marked)) for marked in found[RUN].found}
    assert kinds == {
        "namespace", "hosted zone", "health check", "VPC", "subnet", "security group", "cluster", "ECS service", "task",
        "task definition", "target group", "rule", "queue", "log group", "internet gateway", "Resolver endpoint",
        "Resolver rule", "rule group", "domain list", "alarm", "user", "group", "role", "policy",
    }  # fmt: skip
    others = {str(marked) for marked in found[OTHER].found}
    assert sweep_marked(found[RUN], running.account(RUN)) == []
    running.clock.wait(60)
    assert {run: {str(marked) for marked in found.found} for run, found in leftovers(running).items()} == {
        OTHER: others
    }
    assert sweep_marked(leftovers(running)[OTHER], running.account(OTHER)) == []
    running.clock.wait(60)
    assert leftovers(running) == {}
    make = Run(running, "").client
    assert {entry["Name"] for entry in make("servicediscovery").list_namespaces()["Namespaces"]} == {
        "surveyor-dashboards", f"not-surveyor-{RUN}-ns"
    }  # fmt: skip
    assert len(make("ec2").describe_vpcs()["Vpcs"]) == 2
    assert len(make("ecs").list_clusters()["clusterArns"]) == 2
    assert len(make("route53").list_hosted_zones()["HostedZones"]) == 1
    assert len(make("route53resolver").list_firewall_domain_lists()["FirewallDomainLists"]) == 1


@contextmanager
def run_with_namespace(emulator: EmulatorAccount, run: str) -> Iterator[Any]:
    """Make a namespace of a run; yield a Cloud Map client, and delete the namespace if it is still there."""
    cloudmap = emulator.clients().client("servicediscovery", ACCOUNT)
    cloudmap.create_http_namespace(Name=f"surveyor-{run}-ns")
    with run_target(emulator.target(), 7) as running:
        running.clock.eventually(lambda: names(cloudmap, run), within=60)
        yield cloudmap
        for namespace in cloudmap.list_namespaces()["Namespaces"]:
            if run in namespace["Name"]:
                cloudmap.delete_namespace(Id=namespace["Id"])
        running.clock.eventually(lambda: not names(cloudmap, run), within=60)


def names(cloudmap: Any, run: str) -> list[str]:
    """Return the names of the namespaces of a run."""
    return [found["Name"] for found in cloudmap.list_namespaces()["Namespaces"] if run in found["Name"]]


def sweep(emulator: EmulatorAccount, *arguments: str) -> int:
    """Run `surveyor sweep --account` in this process, and return its exit code."""
    try:
        return main(["sweep", "--account", ACCOUNT, "--endpoint", emulator.endpoint, *arguments])
    except SystemExit as exit_:
        return int(exit_.code or 0)


@pytest.mark.soak
def test_a_young_run_is_kept_unless_it_is_named(emulator: EmulatorAccount, capsys: pytest.CaptureFixture[str]) -> None:
    """A run may be active for hours: it is deleted only if named, or if it is older than the age."""
    young = "5e6f7a8b"  # other tests may have left something of theirs
    with run_with_namespace(emulator, young) as cloudmap:
        assert sweep(emulator, "--region", REGION) == 0
        out = capsys.readouterr().out
        assert f"run {young}: 1 resource, with what is in 1 namespace, the latest made" in out
        assert f"kept, the run may be active; --run {young} deletes it" in out
        assert out.endswith("nothing else is left behind\n")
        assert sweep(emulator, "--run", OTHER) == 0
        assert names(cloudmap, young)
        assert sweep(emulator, "--run", young, "--dry-run") == 4
        assert f"left behind: namespace surveyor-{young}-ns" in capsys.readouterr().err
        assert names(cloudmap, young)
        assert sweep(emulator, "--older-than", "0") == 0
        assert f"deleted: namespace surveyor-{young}-ns" in capsys.readouterr().out
        assert names(cloudmap, young) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--older-than", "soon"], "expected an age such as 90m, 12h or 2d"),
        (["reports"], "leave the folders out"),
        (["--region", "mars-1"], "expected a Region such as eu-west-1"),
    ],
)
def test_bad_arguments_are_refused(
    emulator: EmulatorAccount, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit code 2, and one line."""
    assert sweep(emulator, *arguments) == 2
    assert message in capsys.readouterr().err


def test_options_of_the_account_need_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --account there is no Region to search."""
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["sweep", "--region", REGION]))
    assert ended.value.code == 2
    assert "go with --account" in capsys.readouterr().err
