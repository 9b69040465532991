"""What killed runs leave, made on purpose: a sweep asks there for actions for which runs hardly ever ask.

The owner of an account makes it and writes it into a ledger, as a run does. The answer to a call may be lost: then the
ledger has the intent alone, and what the call made is looked for. And what a ledger has may be gone.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore import xform_name

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Owner
from surveyor.account.principals import WIDE, limit_arn, limit_documents
from surveyor.account.tags import TAG, run_prefix
from surveyor.clock import Clock
from surveyor.conformance.least_privilege import ACCOUNT, PolicyAccount
from tests.account.test_marked import make_principals

__all__ = ["BY_LEDGER", "BY_SEARCH", "KINDS", "STAYS", "Maker", "kind_for"]

REGION = "us-east-1"


@dataclass
class Maker:
    """Makes what one run left, and writes its ledger in `folder`."""

    account: PolicyAccount
    clock: Clock
    run: str
    folder: Path

    def __post_init__(self) -> None:
        owner = Owner(self.run, "aws", ACCOUNT, REGION, self.account.endpoint, "control")
        self.ledger = Ledger(self.folder / "ledger-main.jsonl", owner)

    @property
    def prefix(self) -> str:
        """The prefix of all names of the run."""
        return run_prefix(self.run)

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tag of the run, as most services write it."""
        return [{"Key": TAG, "Value": self.run}]

    def tagged(self, kind: str) -> dict[str, Any]:
        """Return the tag of the run as EC2 writes it."""
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": self.tags}]}

    def make(self, kind: str) -> None:
        """Make what a kind is about, and end the run."""
        self.ledger.acquire(wait=True)
        try:
            KINDS[kind](self)
        finally:
            self.ledger.close()

    def call(self, service: str, operation: str, *, lost: bool = False, **params: Any) -> Any:
        """Call as a run does: intent, call, result. `lost`: the run does not get the answer."""
        number = self.ledger.record_intent(service, operation, params, REGION)
        answer = getattr(self.account.client(service), xform_name(operation))(**params)
        if number is not None and not lost:
            self.ledger.record_result(number, f"{service}:{operation}", answer)
        return answer

    def client(self, service: str) -> Any:
        """Return a client of the owner, whose calls are in no ledger."""
        return self.account.client(service)

    def wait_for(self, check: Callable[[], object]) -> Any:
        """Return what a check returns as soon as it is true."""
        return self.clock.eventually(check, within=timeouts.REMOVAL)

    def namespace(self, operation: str = "CreateHttpNamespace", *, lost: bool = False, **more: Any) -> str:
        """Create a namespace, and return its id."""
        name = f"{self.prefix}ns" if operation == "CreateHttpNamespace" else f"{self.prefix}ns.test"
        begun = self.call("servicediscovery", operation, lost=lost, Name=name, Tags=self.tags, **more)

        def made() -> str:
            found = self.client("servicediscovery").get_operation(OperationId=begun["OperationId"])["Operation"]
            return str(found["Targets"]["NAMESPACE"]) if found["Status"] == "SUCCESS" else ""

        return str(self.wait_for(made))

    def namespace_arn(self, namespace: str) -> str:
        """Return the ARN of a namespace."""
        return f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:namespace/{namespace}"

    def service(self, namespace: str, *, lost: bool = False, **more: Any) -> str:
        """Create a service with an instance, and return its id."""
        made = self.call("servicediscovery", "CreateService", lost=lost, Name=f"{self.prefix}web",
                         NamespaceId=namespace, Tags=self.tags, **more)  # fmt: skip
        service = str(made["Service"]["Id"])
        begun = self.client("servicediscovery").register_instance(
            ServiceId=service,
            InstanceId="one",
            Attributes={"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80"},
        )
        self.wait_for(lambda: self._has_ended(begun["OperationId"]))
        return service

    def _has_ended(self, operation: str) -> bool:
        found = self.client("servicediscovery").get_operation(OperationId=operation)["Operation"]
        return found["Status"] in ("SUCCESS", "FAIL")

    def vpc(self, *, lost: bool = False) -> str:
        """Create a VPC, and return its id."""
        return str(
            self.call("ec2", "CreateVpc", lost=lost, CidrBlock="10.9.0.0/16", **self.tagged("vpc"))["Vpc"]["VpcId"]
        )

    def default_subnets(self) -> list[str]:
        """Return the subnets of the default VPC."""
        filters = [{"Name": "default-for-az", "Values": ["true"]}]
        return [entry["SubnetId"] for entry in self.client("ec2").describe_subnets(Filters=filters)["Subnets"]]


def _namespace(maker: Maker) -> None:
    maker.service(maker.namespace())


def _lost_namespace(maker: Maker) -> None:
    maker.namespace(lost=True)


def _lost_service(maker: Maker) -> None:
    maker.service(maker.namespace(), lost=True)


def _gone_service(maker: Maker) -> None:
    cloudmap, service = maker.client("servicediscovery"), maker.service(maker.namespace())
    begun = cloudmap.deregister_instance(ServiceId=service, InstanceId="one")
    maker.wait_for(lambda: maker._has_ended(begun["OperationId"]))
    cloudmap.delete_service(Id=service)


def _untagged_namespace(maker: Maker) -> None:
    """Create one that a role may not delete which needs the tag of a run: it looks whether the namespace is gone."""
    maker.client("servicediscovery").untag_resource(ResourceARN=maker.namespace_arn(maker.namespace()), TagKeys=[TAG])


def _checked_instance(maker: Maker) -> None:
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
    check = {"Type": "TCP", "FailureThreshold": 1}
    maker.service(maker.namespace("CreatePublicDnsNamespace"), DnsConfig=records, HealthCheckConfig=check)


def _zone(maker: Maker, *, lost: bool = False) -> None:
    name = f"{maker.prefix}zone.test"
    made = maker.call("route53", "CreateHostedZone", lost=lost, Name=name, CallerReference=f"{maker.prefix}zone")
    record = {"Name": f"{maker.prefix}a.{name}", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    maker.client("route53").change_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"], ChangeBatch=batch)


def _check(maker: Maker, *, lost: bool = False) -> None:
    config = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
    reference = f"{maker.prefix}check"
    maker.call("route53", "CreateHealthCheck", lost=lost, CallerReference=reference, HealthCheckConfig=config)


def _vpc(maker: Maker, *, lost: bool = False) -> None:
    vpc = maker.vpc(lost=lost)
    maker.call("ec2", "CreateSubnet", lost=lost, VpcId=vpc, CidrBlock="10.9.0.0/24", **maker.tagged("subnet"))
    made = maker.call("ec2", "CreateInternetGateway", lost=lost, **maker.tagged("internet-gateway"))
    gateway = made["InternetGateway"]["InternetGatewayId"]
    maker.client("ec2").attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = {"GroupName": f"{maker.prefix}g", "Description": "left", "VpcId": vpc}
    maker.call("ec2", "CreateSecurityGroup", lost=lost, **group, **maker.tagged("security-group"))


def _instance(maker: Maker, *, lost: bool = False) -> None:
    where = {"ImageId": "ami-12345678", "InstanceType": "t3.nano", "SubnetId": maker.default_subnets()[0]}
    maker.call("ec2", "RunInstances", lost=lost, **where, MinCount=1, MaxCount=1, **maker.tagged("instance"))


def _ecs(maker: Maker, *, lost: bool = False) -> None:
    cluster, family = f"{maker.prefix}cluster", f"{maker.prefix}family"
    maker.call("ecs", "CreateCluster", clusterName=cluster)
    container = {"name": "app", "image": "any", "command": ["sleep", "600"]}
    maker.call("ecs", "RegisterTaskDefinition", lost=lost, family=family, networkMode="awsvpc", cpu="256",
               memory="512", containerDefinitions=[container], requiresCompatibilities=["FARGATE"])  # fmt: skip
    network = {"awsvpcConfiguration": {"subnets": maker.default_subnets()[:1], "assignPublicIp": "ENABLED"}}
    where = {"cluster": cluster, "taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": network}
    maker.call("ecs", "CreateService", lost=lost, **where, serviceName=f"{maker.prefix}service", desiredCount=1)
    maker.call("ecs", "RunTask", lost=lost, **where, startedBy=maker.prefix)


def _balancer(maker: Maker, *, lost: bool = False) -> None:
    name = maker.prefix
    maker.call("elbv2", "CreateLoadBalancer", lost=lost, Name=f"{name}lb", Subnets=maker.default_subnets()[:2])
    filters = [{"Name": "is-default", "Values": ["true"]}]
    vpc = maker.client("ec2").describe_vpcs(Filters=filters)["Vpcs"][0]["VpcId"]
    group = {"Name": f"{name}tg", "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"}
    maker.call("elbv2", "CreateTargetGroup", lost=lost, **group)


def _queue(maker: Maker, *, lost: bool = False) -> None:
    maker.call("sqs", "CreateQueue", lost=lost, QueueName=f"{maker.prefix}queue")


def _rule(maker: Maker) -> None:
    name = f"{maker.prefix}rule"
    maker.call("events", "PutRule", Name=name, EventPattern='{"source": ["aws.ecs"]}')
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{maker.prefix}queue"
    maker.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue}])


def _alarm(maker: Maker) -> None:
    alarm: dict[str, Any] = {
        "MetricName": "m", "Namespace": "n", "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
    }  # fmt: skip
    maker.call("cloudwatch", "PutMetricAlarm", AlarmName=f"{maker.prefix}alarm", **alarm)


def _logs(maker: Maker) -> None:
    maker.call("logs", "CreateLogGroup", logGroupName=f"{maker.prefix}group")


def _function(maker: Maker) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("program.py", "def handle(event, context): return 1")
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = maker.client("iam").create_role(RoleName=f"functions-{maker.run}", AssumeRolePolicyDocument=trust)
    maker.call("lambda", "CreateFunction", FunctionName=f"{maker.prefix}function", Runtime="python3.12",
               Role=role["Role"]["Arn"], Handler="program.handle", Code={"ZipFile": code.getvalue()})  # fmt: skip


def _share(maker: Maker) -> None:
    maker.call("ram", "CreateResourceShare", name=f"{maker.prefix}share")


def _bucket(maker: Maker) -> None:
    bucket = f"{maker.prefix}mailbox-0123456f"
    maker.call("s3", "CreateBucket", Bucket=bucket)
    maker.client("s3").put_object(Bucket=bucket, Key="1/answer/1", Body=b"left")


def _authority(maker: Maker) -> None:
    """Create a certificate authority that is active: it is disabled before it is deleted."""
    pca = maker.client("acm-pca")
    subject = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA", "Subject": {"CommonName": "left"}}
    made = maker.call("acm-pca", "CreateCertificateAuthority", CertificateAuthorityConfiguration=subject,
                      CertificateAuthorityType="ROOT", Tags=maker.tags)  # fmt: skip
    of = {"CertificateAuthorityArn": made["CertificateAuthorityArn"]}

    def answered(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except pca.exceptions.RequestInProgressException:
            return None

    request = maker.wait_for(lambda: answered(lambda: pca.get_certificate_authority_csr(**of)["Csr"]))
    issued = pca.issue_certificate(
        **of, Csr=request.encode(), SigningAlgorithm="SHA256WITHRSA", Validity={"Value": 1, "Type": "YEARS"},
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
    )["CertificateArn"]  # fmt: skip
    root = maker.wait_for(lambda: answered(lambda: pca.get_certificate(**of, CertificateArn=issued)["Certificate"]))
    pca.import_certificate_authority_certificate(**of, Certificate=root.encode())


def _resolver(maker: Maker) -> None:
    """Create an endpoint with a rule in a VPC, and a rule group with a domain list there."""
    name: dict[str, Any] = {"CreatorRequestId": f"{maker.prefix}dns", "Name": f"{maker.prefix}dns"}
    own, vpc, resolver = {**name, "Tags": maker.tags}, maker.vpc(), "route53resolver"
    made = maker.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.9.0.0/24", **maker.tagged("subnet"))
    subnet, reads = made["Subnet"]["SubnetId"], maker.client(resolver)
    groups = maker.client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    group = groups["SecurityGroups"][0]["GroupId"]
    made = maker.call(resolver, "CreateResolverEndpoint", **own, Direction="OUTBOUND", SecurityGroupIds=[group],
                      IpAddresses=[{"SubnetId": subnet}] * 2)  # fmt: skip
    endpoint = made["ResolverEndpoint"]["Id"]

    def status() -> str:
        return str(reads.get_resolver_endpoint(ResolverEndpointId=endpoint)["ResolverEndpoint"]["Status"])

    maker.wait_for(lambda: status() == "OPERATIONAL")
    target = {"ResolverEndpointId": endpoint, "TargetIps": [{"Ip": "10.9.9.9"}]}
    made = maker.call(resolver, "CreateResolverRule", **own, RuleType="FORWARD", DomainName="left.test", **target)
    maker.call(resolver, "AssociateResolverRule", ResolverRuleId=made["ResolverRule"]["Id"], VPCId=vpc)
    made = maker.call(resolver, "CreateFirewallRuleGroup", **own)
    rules = made["FirewallRuleGroup"]["Id"]
    domains = maker.call(resolver, "CreateFirewallDomainList", **own)["FirewallDomainList"]["Id"]
    maker.call(resolver, "CreateFirewallRule", **name, FirewallRuleGroupId=rules, FirewallDomainListId=domains,
               Priority=1, Action="ALLOW")  # fmt: skip
    maker.call(resolver, "AssociateFirewallRuleGroup", **own, FirewallRuleGroupId=rules, VpcId=vpc, Priority=200)


def _principals(maker: Maker) -> None:
    """Create users, groups, roles and policies; a group of a run has a limit as its policy, and no other."""
    iam = maker.client("iam")
    for name, document in limit_documents(ACCOUNT).items():
        try:
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
        except iam.exceptions.EntityAlreadyExistsException:
            continue
    make_principals(iam, maker.prefix)
    group = f"{maker.prefix}group"
    iam.detach_group_policy(GroupName=group, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{maker.prefix}policy")
    iam.attach_group_policy(GroupName=group, PolicyArn=limit_arn(ACCOUNT, WIDE))


KINDS: Mapping[str, Callable[[Maker], None]] = {
    "namespace": _namespace, "lost namespace": _lost_namespace, "lost service": _lost_service,
    "gone service": _gone_service, "untagged namespace": _untagged_namespace, "checked instance": _checked_instance,
    "zone": _zone, "lost zone": lambda maker: _zone(maker, lost=True),
    "check": _check, "lost check": lambda maker: _check(maker, lost=True),
    "VPC": _vpc, "lost VPC": lambda maker: _vpc(maker, lost=True),
    "instance": _instance, "lost instance": lambda maker: _instance(maker, lost=True),
    "ECS": _ecs, "lost ECS": lambda maker: _ecs(maker, lost=True),
    "balancer": _balancer, "lost balancer": lambda maker: _balancer(maker, lost=True),
    "queue": _queue, "lost queue": lambda maker: _queue(maker, lost=True),
    "rule": _rule, "alarm": _alarm, "logs": _logs, "function": _function, "share": _share, "bucket": _bucket,
    "authority": _authority, "resolver": _resolver, "principals": _principals,
}  # fmt: skip


def _of(service: str, names: str) -> frozenset[str]:
    return frozenset(f"{service}:{name}" for name in names.split())


STAYS = "untagged namespace"
"""What no role deletes that needs the tag of a run."""

_CLOUD_MAP, _RESOLVER = "servicediscovery", "route53resolver"

BY_LEDGER: Mapping[str, frozenset[str]] = {
    "namespace": _of(_CLOUD_MAP, "DeleteNamespace DeleteService DeregisterInstance GetOperation ListInstances"),
    "lost namespace": _of(_CLOUD_MAP, "ListNamespaces ListOperations ListTagsForResource"),
    "lost service": _of(_CLOUD_MAP, "ListServices"),
    "gone service": _of(_CLOUD_MAP, "GetService"),
    "untagged namespace": _of(_CLOUD_MAP, "GetNamespace"),
    "checked instance": _of("route53", "DeleteHealthCheck GetHealthCheck UpdateHealthCheck"),
    "zone": _of("route53", "ChangeResourceRecordSets DeleteHostedZone ListResourceRecordSets"),
    "lost zone": _of("route53", "ListHostedZones"),
    "lost check": _of("route53", "ListHealthChecks"),
    "VPC": _of("ec2", "DeleteInternetGateway DeleteSecurityGroup DeleteSubnet DeleteVpc DetachInternetGateway"),
    "lost VPC": _of("ec2", "DescribeInternetGateways DescribeSecurityGroups DescribeSubnets DescribeVpcs"),
    "instance": _of("ec2", "DescribeInstances TerminateInstances"),
    "ECS": _of("ecs", "DeleteCluster DeleteService DeleteTaskDefinitions DeregisterTaskDefinition StopTask"),
    "lost ECS": _of("ecs", "DescribeServices ListTaskDefinitions ListTasks"),
    "balancer": _of("elasticloadbalancing", "DeleteLoadBalancer DeleteTargetGroup"),
    "lost balancer": _of("elasticloadbalancing", "DescribeLoadBalancers DescribeTargetGroups"),
    "queue": _of("sqs", "DeleteQueue"),
    "lost queue": _of("sqs", "GetQueueUrl"),
    "rule": _of("events", "DeleteRule ListTargetsByRule RemoveTargets"),
    "alarm": _of("cloudwatch", "DeleteAlarms"),
    "logs": _of("logs", "DeleteLogGroup"),
    "function": _of("lambda", "DeleteFunction"),
    "share": _of("ram", "DeleteResourceShare"),
    "bucket": _of("s3", "DeleteBucket DeleteObject ListBucket"),
    "authority": _of("acm-pca", "DeleteCertificateAuthority DescribeCertificateAuthority UpdateCertificateAuthority"),
    "resolver": _of(
        _RESOLVER,
        "DeleteFirewallDomainList DeleteFirewallRule DeleteFirewallRuleGroup DeleteResolverEndpoint "
        "DeleteResolverRule DisassociateFirewallRuleGroup DisassociateResolverRule GetFirewallRuleGroupAssociation "
        "GetResolverEndpoint GetResolverRuleAssociation ListFirewallRuleGroupAssociations ListFirewallRules "
        "ListResolverRuleAssociations",
    ),
}  # fmt: skip
"""The actions for which a sweep by a ledger asks, by what is in it."""

BY_SEARCH: Mapping[str, frozenset[str]] = {
    "ECS": _of("ecs", "DescribeTasks ListTaskDefinitions"),
    "authority": _of("acm-pca", "ListTags"),
    "principals": _of(
        "iam",
        "DeleteAccessKey DeleteGroup DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePolicy DeleteUser "
        "DeleteUserPolicy DetachGroupPolicy DetachRolePolicy DetachUserPolicy GetGroup ListAccessKeys "
        "ListAttachedGroupPolicies ListAttachedRolePolicies ListAttachedUserPolicies ListGroupsForUser "
        "ListPolicyVersions ListRolePolicies ListUserPolicies RemoveUserFromGroup",
    ),
}  # fmt: skip
"""Those for which a sweep of an account asks once it has found something."""


def kind_for(action: str, among: Mapping[str, frozenset[str]]) -> str:
    """Return what must be left so that a sweep asks for an action; "" if nothing is known."""
    return next((kind for kind, actions in among.items() if action in actions), "")
