"""Find what runs made in an account by its marks alone, without any ledger: the run's tag, or its prefix in a name.

A zone and a health check have no name or tag of the run from the start; their caller references have the prefix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.ledger import Resource
from surveyor.account.resources import CREATES
from surveyor.account.run_ids import COMMAND
from surveyor.account.tags import TAG, run_prefix

__all__ = ["SEARCHED", "Marked", "MarkedResources", "find_marked"]

_RUN = re.compile(r"(?:^|[^\w-])surveyor-([0-9a-f]{8})-")
_MAILBOX = re.compile(r"surveyor-([0-9a-f]{8})-mailbox-[0-9a-f]{8}")
_NAMESPACE = "servicediscovery:CreateHttpNamespace"
"""Stands for all types of namespaces, which are deleted alike."""
_EC2_TAG = [{"Name": "tag-key", "Values": [TAG]}]


@dataclass(frozen=True)
class Marked:
    """A resource with the mark of a run; `created` is None where the API does not say when.

    `is_command`: it is the task of a command inside a VPC, which makes more until it is stopped.
    """

    run: str
    operation: str
    id: str
    region: str
    name: str = ""
    created: datetime | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    is_command: bool = False

    @property
    def is_namespace(self) -> bool:
        """Return whether it is a namespace, with which its services and their instances are deleted."""
        return self.operation == _NAMESPACE

    def resource(self) -> Resource:
        """Return it as ledgers hold it: those that are deleted by name have their details, the others the id."""
        return Resource(0, self.operation, self.region, self.details, () if self.details else (self.id,))

    def __str__(self) -> str:
        return f"{CREATES[self.operation].kind} {self.name or self.id}"


@dataclass(frozen=True)
class MarkedResources:
    """What a search found, and in which services it failed: service -> why."""

    found: tuple[Marked, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def find_marked(client: Callable[[str, str], Any], region: str, *, without: Collection[str] = ()) -> MarkedResources:
    """Search a Region of an account, and the services without Regions, for what has the mark of any run.

    `client(service, region)` returns a boto3 client that retries. `without`: services that are not searched.
    """
    found: list[Marked] = []
    failed: dict[str, str] = {}
    for service, find in _FINDERS.items():
        if service in without:
            continue
        try:
            found += find(lambda service: client(service, region), region)
        except ClientError as error:
            failed[service] = describe_failed_call(f"{service}: {error.operation_name}", error.response)
        except BotoCoreError as error:
            failed[service] = f"{service}: {' '.join(str(error).split())}"
    return MarkedResources(tuple(found), failed)


_Client = Callable[[str], Any]


def _run_in(*names: str | None) -> str | None:
    """Return the run whose prefix is in one of the names."""
    return next((found[1] for name in names if name and (found := _RUN.search(name))), None)


def _pages(client: Any, operation: str, member: str, **params: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**params):
        yield from page.get(member) or ()


def _namespaces(client: _Client, region: str) -> Iterator[Marked]:
    """Yield namespaces, also those that ECS made for a cluster of a run: they are named after it."""
    for entry in _pages(client("servicediscovery"), "list_namespaces", "Namespaces"):
        if run := _run_in(entry["Name"]):
            name, created = entry["Name"], entry.get("CreateDate")
            yield Marked(run, _NAMESPACE, entry["Id"], region, name, created, {"Name": name})


def _route53(client: _Client, region: str) -> Iterator[Marked]:
    route53 = client("route53")
    for zone in _pages(route53, "list_hosted_zones", "HostedZones"):
        linked = zone.get("LinkedService", {}).get("ServicePrincipal", "")
        # Zones of namespaces are deleted with them.
        if (run := _run_in(zone["CallerReference"], zone["Name"])) and "servicediscovery" not in linked:
            yield Marked(run, "route53:CreateHostedZone", zone["Id"].rpartition("/")[2], region, zone["Name"])
    for check in _pages(route53, "list_health_checks", "HealthChecks"):
        if (run := _run_in(check["CallerReference"])) and not check.get("LinkedService"):
            yield Marked(run, "route53:CreateHealthCheck", check["Id"], region, check["CallerReference"])


def _ec2(client: _Client, region: str) -> Iterator[Marked]:
    ec2 = client("ec2")
    kinds = (
        ("ec2:CreateVpc", "describe_vpcs", "Vpcs", "VpcId"),
        ("ec2:CreateSubnet", "describe_subnets", "Subnets", "SubnetId"),
        ("ec2:CreateSecurityGroup", "describe_security_groups", "SecurityGroups", "GroupId"),
        ("ec2:CreateInternetGateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    )
    for operation, call, member, key in kinds:
        for entry in _pages(ec2, call, member, Filters=_EC2_TAG):
            if run := _tag(entry):
                yield Marked(run, operation, entry[key], region)
    for reservation in _pages(ec2, "describe_instances", "Reservations", Filters=_EC2_TAG):
        for entry in reservation["Instances"]:
            if (run := _tag(entry)) and entry["State"]["Name"] != "terminated":
                yield Marked(run, "ec2:RunInstances", entry["InstanceId"], region, created=entry["LaunchTime"])


def _tag(entry: Mapping[str, Any]) -> str | None:
    """Return the run in the tags of an EC2 resource."""
    return next((tag["Value"] for tag in entry.get("Tags", ()) if tag["Key"] == TAG), None)


def _ecs(client: _Client, region: str) -> Iterator[Marked]:
    """Yield clusters of runs, and in all clusters services and tasks of runs; then task definitions."""
    ecs = client("ecs")
    for arn in _pages(ecs, "list_clusters", "clusterArns"):
        cluster = arn.rpartition("/")[2]
        try:
            yield from [*_services_in(ecs, cluster, region), *_tasks_in(ecs, cluster, region)]
        except ecs.exceptions.ClusterNotFoundException:  # deleted meanwhile, with all that was in it
            continue
        if run := _run_in(cluster):
            yield Marked(run, "ecs:CreateCluster", cluster, region)
    # Of a family whose revisions are all deregistered nothing is left to delete, and accounts keep many.
    families = {"familyPrefix": "surveyor-", "status": "ACTIVE"}
    for family in _pages(ecs, "list_task_definition_families", "families", **families):
        if run := _run_in(family):
            for arn in _pages(ecs, "list_task_definitions", "taskDefinitionArns", familyPrefix=family):
                if _family_of(arn) == family:
                    yield Marked(run, "ecs:RegisterTaskDefinition", arn, region)


def _services_in(ecs: Any, cluster: str, region: str) -> Iterator[Marked]:
    for service in _pages(ecs, "list_services", "serviceArns", cluster=cluster):
        if run := _run_in(service.rpartition("/")[2]):
            yield Marked(run, "ecs:CreateService", service, region)


def _tasks_in(ecs: Any, cluster: str, region: str) -> Iterator[Marked]:
    """Yield the tasks in a cluster whose task definition is of a run: a page of the list is described in one call.

    A task that has ended meanwhile may be among the failures of the answer.
    """
    for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster):
        if listed := page.get("taskArns"):
            for task in ecs.describe_tasks(cluster=cluster, tasks=listed)["tasks"]:
                family = _family_of(task["taskDefinitionArn"])
                if run := _run_in(family):
                    is_command = family.startswith(f"{run_prefix(run)}{COMMAND}-")
                    yield Marked(run, "ecs:RunTask", task["taskArn"], region, is_command=is_command)


def _family_of(definition: str) -> str:
    """Return the family in the ARN of a task definition: `…:task-definition/FAMILY:REVISION`."""
    return definition.rpartition("/")[2].rpartition(":")[0]


def _load_balancing(client: _Client, region: str) -> Iterator[Marked]:
    elb = client("elbv2")
    for entry in _pages(elb, "describe_load_balancers", "LoadBalancers"):
        if run := _run_in(entry["LoadBalancerName"]):
            name, created = entry["LoadBalancerName"], entry.get("CreatedTime")
            yield Marked(run, "elbv2:CreateLoadBalancer", entry["LoadBalancerArn"], region, name, created)
    for entry in _pages(elb, "describe_target_groups", "TargetGroups"):
        if run := _run_in(entry["TargetGroupName"]):
            yield Marked(run, "elbv2:CreateTargetGroup", entry["TargetGroupArn"], region, entry["TargetGroupName"])


def _rules(client: _Client, region: str) -> Iterator[Marked]:
    for rule in _pages(client("events"), "list_rules", "Rules", NamePrefix="surveyor-"):
        if run := _run_in(rule["Name"]):
            yield Marked(run, "events:PutRule", rule["Name"], region, details={"Name": rule["Name"]})


def _queues(client: _Client, region: str) -> Iterator[Marked]:
    for url in _pages(client("sqs"), "list_queues", "QueueUrls", QueueNamePrefix="surveyor-"):
        if run := _run_in(url.rpartition("/")[2]):
            yield Marked(run, "sqs:CreateQueue", url, region)


def _buckets(client: _Client, region: str) -> Iterator[Marked]:
    for bucket in _pages(client("s3"), "list_buckets", "Buckets", Prefix="surveyor-", BucketRegion=region):
        name, created = bucket["Name"], bucket.get("CreationDate")
        # A bucket is deleted with its objects: its whole name must be that of a run.
        if found := _MAILBOX.fullmatch(name):
            yield Marked(found[1], "s3:CreateBucket", name, region, created=created, details={"Bucket": name})


def _alarms(client: _Client, region: str) -> Iterator[Marked]:
    for alarm in _pages(client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmNamePrefix="surveyor-"):
        if run := _run_in(alarm["AlarmName"]):
            name, changed = alarm["AlarmName"], alarm.get("AlarmConfigurationUpdatedTimestamp")
            yield Marked(run, "cloudwatch:PutMetricAlarm", name, region, created=changed, details={"AlarmName": name})


def _functions(client: _Client, region: str) -> Iterator[Marked]:
    for function in _pages(client("lambda"), "list_functions", "Functions"):
        if run := _run_in(function["FunctionName"]):
            changed = datetime.strptime(function["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")
            yield Marked(run, "lambda:CreateFunction", function["FunctionName"], region, created=changed)


def _log_groups(client: _Client, region: str) -> Iterator[Marked]:
    """Yield log groups of runs, also those that Container Insights made for a cluster of a run."""
    for group in _pages(client("logs"), "describe_log_groups", "logGroups"):
        if run := _run_in(group["logGroupName"]):
            created = datetime.fromtimestamp(group["creationTime"] / 1_000).astimezone()
            name = group["logGroupName"]
            yield Marked(run, "logs:CreateLogGroup", name, region, created=created, details={"logGroupName": name})


def _resolver(client: _Client, region: str) -> Iterator[Marked]:
    """Yield what runs made of Route 53 Resolver, by its name; associations are deleted with rules and groups."""
    resolver = client("route53resolver")
    kinds = (
        ("CreateResolverEndpoint", "list_resolver_endpoints", "ResolverEndpoints"),
        ("CreateResolverRule", "list_resolver_rules", "ResolverRules"),
        ("CreateFirewallRuleGroup", "list_firewall_rule_groups", "FirewallRuleGroups"),
        ("CreateFirewallDomainList", "list_firewall_domain_lists", "FirewallDomainLists"),
    )
    for operation, call, member in kinds:
        for entry in _pages(resolver, call, member):
            if run := _run_in(entry.get("Name"), entry.get("DomainName"), entry.get("CreatorRequestId")):
                name = entry.get("Name") or entry.get("DomainName", "")
                yield Marked(run, f"route53resolver:{operation}", entry["Id"], region, name)


def _authorities(client: _Client, region: str) -> Iterator[Marked]:
    pca = client("acm-pca")
    for entry in _pages(pca, "list_certificate_authorities", "CertificateAuthorities"):
        if entry["Status"] != "DELETED":
            try:
                tags = pca.list_tags(CertificateAuthorityArn=entry["Arn"])["Tags"]
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":  # deleted meanwhile
                    continue
                raise
            if run := _tag({"Tags": tags}):
                created = entry.get("CreatedAt")
                yield Marked(run, "acm-pca:CreateCertificateAuthority", entry["Arn"], region, created=created)


def _shares(client: _Client, region: str) -> Iterator[Marked]:
    for share in _pages(client("ram"), "get_resource_shares", "resourceShares", resourceOwner="SELF"):
        if (run := _run_in(share["name"])) and share["status"] not in ("DELETING", "DELETED"):
            arn, created = share["resourceShareArn"], share.get("creationTime")
            yield Marked(run, "ram:CreateResourceShare", arn, region, share["name"], created)


def _principals(client: _Client, region: str) -> Iterator[Marked]:
    iam = client("iam")
    kinds: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
        ("iam:CreateUser", "list_users", "Users", "User", {}),
        ("iam:CreateGroup", "list_groups", "Groups", "Group", {}),
        ("iam:CreateRole", "list_roles", "Roles", "Role", {}),
        ("iam:CreatePolicy", "list_policies", "Policies", "Policy", {"Scope": "Local"}),
    )
    for operation, call, member, kind, params in kinds:
        for entry in _pages(iam, call, member, **params):
            name = entry[f"{kind}Name"]
            if run := _run_in(name):
                identifier = entry["Arn"] if kind == "Policy" else name
                yield Marked(run, operation, identifier, region, name, entry.get("CreateDate"))


_FINDERS: Mapping[str, Callable[[_Client, str], Iterable[Marked]]] = {
    "servicediscovery": _namespaces,
    "route53": _route53,
    "ec2": _ec2,
    "ecs": _ecs,
    "route53resolver": _resolver,
    "elbv2": _load_balancing,
    "events": _rules,
    "sqs": _queues,
    "s3": _buckets,
    "logs": _log_groups,
    "cloudwatch": _alarms,
    "lambda": _functions,
    "acm-pca": _authorities,
    "ram": _shares,
    "iam": _principals,
}

SEARCHED = frozenset(_FINDERS)
"""The services that are searched, by botocore's names."""
