"""Which values of a request name the resource that it changes, and which members of an answer identify one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["ENTRIES", "NO_ID", "RANDOM", "Named", "cluster_in", "is_random", "last_part", "named_resources", "strings"]

NO_ID = "surveyor-preflight"
"""Part of ids of Cloud Map that nothing has: those that Cloud Map chooses have no second hyphen."""

Kind = Literal["id", "name", "place"]


@dataclass(frozen=True)
class Named:
    """A value of a request that names a resource.

    `id`: AWS chose it, with a random part; `name`: the client that created the resource chose it; `place`: the call
    creates something in it, a cluster or a VPC. `cluster`: the one that the resource is in.
    """

    member: str
    value: str
    kind: Kind
    cluster: str = ""


RANDOM = re.compile(
    r"\b(?:(?:ns|srv)-[a-z0-9]{6,}|rslvr-[a-z]{2,12}-[0-9a-f]{16,17}|[a-z]{1,12}-(?:[0-9a-f]{17}|[0-9a-f]{8})|Z[A-Z0-9]{9,}"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\b"
)
"""An id that AWS chose: of Cloud Map, EC2, a hosted zone, a UUID, a task or a container instance."""

_RANDOM_TYPES = frozenset(
    {
        "namespace",
        "task",
        "task-set",
        "container-instance",
        "hostedzone",
        "healthcheck",
        "resource-share",
        "resource-share-invitation",
        "certificate-authority",
        "resolver-endpoint",
        "resolver-rule",
        "firewall-domain-list",
        "firewall-rule-group",
        "firewall-rule-group-association",
    }
)
"""Types of resources in ARNs that end with a random id. That of a Cloud Map service begins with srv-."""

ENTRIES: Mapping[str, Mapping[str, str]] = {
    "servicediscovery": {"Namespace": "Id", "Namespaces": "Id", "Service": "Id", "Services": "Id"},
    "route53": {"HostedZone": "Id", "HostedZones": "Id", "HealthCheck": "Id", "HealthChecks": "Id"},
    "ec2": {
        "Vpcs": "VpcId",
        "Subnets": "SubnetId",
        "SecurityGroups": "GroupId",
        "RouteTables": "RouteTableId",
        "NetworkAcls": "NetworkAclId",
        "InternetGateways": "InternetGatewayId",
        "Instances": "InstanceId",
        "NetworkInterfaces": "NetworkInterfaceId",
        "Addresses": "AllocationId",
    },
    "ecs": {
        "service": "serviceArn",
        "services": "serviceArn",
        "task": "taskArn",
        "tasks": "taskArn",
        "containerInstance": "containerInstanceArn",
        "containerInstances": "containerInstanceArn",
    },
    "route53resolver": {
        "ResolverEndpoint": "Id",
        "ResolverEndpoints": "Id",
        "ResolverRule": "Id",
        "ResolverRules": "Id",
        "ResolverRuleAssociation": "Id",
        "ResolverRuleAssociations": "Id",
        "FirewallDomainList": "Id",
        "FirewallDomainLists": "Id",
        "FirewallRuleGroup": "Id",
        "FirewallRuleGroups": "Id",
        "FirewallRuleGroupAssociation": "Id",
        "FirewallRuleGroupAssociations": "Id",
    },
    "ram": {
        "resourceShare": "resourceShareArn",
        "resourceShares": "resourceShareArn",
        "resourceShareInvitation": "resourceShareInvitationArn",
        "resourceShareInvitations": "resourceShareInvitationArn",
    },
}
"""By service: the members of answers that hold descriptions of resources, and the member of each that identifies it."""

_MEMBERS: Mapping[str, Mapping[str, Kind]] = {
    "servicediscovery": {"Id": "id", "NamespaceId": "id", "ServiceId": "id", "ResourceARN": "id"},
    "route53": {"Id": "id", "HostedZoneId": "id", "HealthCheckId": "id", "ResourceId": "id", "DelegationSetId": "id"},
    "elbv2": {
        "Name": "name",
        "LoadBalancerArn": "name",
        "TargetGroupArn": "name",
        "ListenerArn": "name",
        "RuleArn": "name",
        "ResourceArns": "name",
    },
    "lambda": {"FunctionName": "name"},
    "logs": {"logGroupName": "name", "logGroupIdentifier": "name", "resourceArn": "name"},
    "cloudwatch": {"AlarmName": "name", "AlarmNames": "name"},
    "events": {"Name": "name", "Rule": "name", "ResourceARN": "name"},
    "s3": {"Bucket": "name"},
    "sqs": {"QueueName": "name", "QueueUrl": "name"},
    "iam": {"UserName": "name", "RoleName": "name", "GroupName": "name", "InstanceProfileName": "name"},
    "ram": {"resourceShareArn": "id", "resourceShareInvitationArn": "id", "resourceArns": "id"},
    "acm-pca": {"CertificateAuthorityArn": "id"},
    # A rule changes how a VPC resolves the rule's own domain, which is the run's; a rule group may change any name.
    "route53resolver": {
        "ResolverEndpointId": "id",
        "ResolverRuleId": "id",
        "VPCId": "place",
        "VpcId": "id",
        "ResourceId": "id",
        "FirewallDomainListId": "id",
        "FirewallRuleGroupId": "id",
        "FirewallRuleGroupAssociationId": "id",
        "ResourceArn": "id",
    },
    "sts": {"RoleArn": "name"},
}
"""By service: the members of requests that name what a call changes, or the resource that it adds something to."""

_GENERAL = re.compile(r"(?:Id|Ids|Arn|Arns|ARN|ARNs|Name|Names|Url|Identifier)$", re.IGNORECASE)
_EC2 = re.compile(r"Ids?$|^Resources$")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.")
_USED_BY_EC2 = frozenset({"ImageId", "KernelId", "RamdiskId"})
_IN_CLUSTER: Mapping[str, Kind] = {
    "service": "name",
    "serviceName": "name",
    "task": "id",
    "taskSet": "id",
    "primaryTaskSet": "id",
    "containerInstance": "id",
    "containerInstances": "id",
}
_INTO_CLUSTER = frozenset({"CreateService", "RunTask", "StartTask", "RegisterContainerInstance"})
_POLICY_IS_USED = frozenset({f"{verb}{of}Policy" for verb in ("Attach", "Detach") for of in ("User", "Role", "Group")})


def named_resources(
    service: str, operation: str, params: Mapping[str, Any], members: Collection[str]
) -> tuple[Named, ...] | None:
    """Return what names the resources that a call changes; None if the operation has no member that names one.

    `members`: those of the operation's input.
    """
    if service == "ecs":
        return tuple(_of_ecs(operation, params)) or (None if not _ecs_members(operation) & set(members) else ())
    known = _known_members(service, operation, members)
    named = [
        Named(member, value, kind)
        for member, kind in known.items()
        for value in strings(params.get(member))
        if member in params and (service != "sts" or _ROLE.match(value))
    ]
    if service == "events":  # a rule sends its events there
        targets = [entry.get("Arn") for entry in params.get("Targets") or () if isinstance(entry, Mapping)]
        named += [Named("Targets.Arn", value, "name") for value in strings(targets)]
    return tuple(named) if known else None


def _known_members(service: str, operation: str, members: Collection[str]) -> dict[str, Kind]:
    if service == "ec2":
        if operation in ("RunInstances", "CreateSecurityGroup"):  # what these name is used, and does not change
            return {}
        if operation == "DetachInternetGateway":  # a gateway of the run, wherever it is attached
            return {"InternetGatewayId": "id"}
        kind: Kind = "place" if operation == "CreateSubnet" else "id"
        return {member: kind for member in members if _EC2.search(member) and member not in _USED_BY_EC2}
    known = _MEMBERS.get(service)
    if known is None:
        return {member: "name" for member in members if _GENERAL.search(member)}
    found: dict[str, Kind] = {member: kind for member, kind in known.items() if member in members}
    if service == "iam" and "PolicyArn" in members and operation not in _POLICY_IS_USED:
        found["PolicyArn"] = "name"
    if (service, operation) == ("iam", "CreatePolicy"):  # elsewhere that is an inline policy of what is named
        found["PolicyName"] = "name"
    return found


def _ecs_members(operation: str) -> set[str]:
    definitions = {"taskDefinition", "taskDefinitions"} if operation.endswith(("Definition", "Definitions")) else set()
    return {*_IN_CLUSTER, "cluster", "clusterName", "resourceArn", "serviceDeploymentArn", "family", *definitions}


def _of_ecs(operation: str, params: Mapping[str, Any]) -> Iterator[Named]:
    """Yield what a call of ECS names: a resource in a cluster if there is one, else the cluster itself."""
    chosen = params.get("cluster") or params.get("clusterName") or "default"
    is_arn = isinstance(chosen, str) and chosen.startswith("arn:")
    cluster = last_part(chosen) if is_arn else chosen if isinstance(chosen, str) else ""
    inside = [
        Named(member, value, kind, cluster)
        for member, kind in _IN_CLUSTER.items()
        for value in strings(params.get(member))
    ]
    if operation in ("PutAttributes", "DeleteAttributes"):
        attributes = params.get("attributes")
        targets = [entry.get("targetId") for entry in attributes or () if isinstance(entry, Mapping)]
        inside += [Named("targetId", value, "id", cluster) for value in strings(targets)]
    yield from inside
    if operation in _INTO_CLUSTER:
        yield Named("cluster", cluster, "place")
    elif not inside and (params.get("cluster") or operation == "CreateCluster"):
        yield Named("cluster", cluster, "name")
    for member in ("resourceArn", "serviceDeploymentArn", "serviceArn", "family"):
        named = (Named(member, value, "name") for value in strings(params.get(member)))
        # ECS changes nothing that an ARN of another service names.
        yield from (found for found in named if not re.match(r"arn:[\w-]*:(?!ecs:)", found.value))
    if operation in ("DeregisterTaskDefinition", "DeleteTaskDefinitions"):
        for member in ("taskDefinition", "taskDefinitions"):
            yield from (Named(member, value, "name") for value in strings(params.get(member)))
    yield from _joined(params)
    if operation.endswith("CapacityProvider"):
        for member in ("name", "capacityProvider"):
            yield from (Named(member, value, "name") for value in strings(params.get(member)))


def _joined(params: Mapping[str, Any]) -> Iterator[Named]:
    """Yield where a service registers its tasks: registries, target groups and a namespace."""
    kinds: tuple[tuple[str, str, Kind], ...] = (
        ("serviceRegistries", "registryArn", "id"),
        ("loadBalancers", "targetGroupArn", "name"),
        ("serviceConnectConfiguration", "namespace", "name"),
        ("serviceConnectDefaults", "namespace", "name"),
    )
    for member, key, kind in kinds:
        entries = params.get(member)
        for entry in entries if isinstance(entries, list | tuple) else [entries]:
            if isinstance(entry, Mapping):
                yield from (Named(f"{member}.{key}", value, kind) for value in strings(entry.get(key)))


def strings(value: Any) -> Iterator[str]:
    """Yield every text in a value of a request or an answer; keys of maps are not among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from strings(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from strings(entry)


def last_part(value: str) -> str:
    """Return the last part of an ARN, a URL or a path."""
    part = value.rpartition("/")[2]
    return part.rpartition(":")[2] if part.startswith("arn:") else part


def is_random(value: str) -> bool:
    """Return whether an ARN ends with an id that AWS chose."""
    resource = value.split(":", 5)[-1]
    kind = resource.partition("/")[0]
    return kind in _RANDOM_TYPES or last_part(value).startswith("srv-")


def cluster_in(value: str) -> str:
    """Return the cluster in the ARN of something in it: `…:ecs:…:service/CLUSTER/NAME`; "" for any other text."""
    parts = value.split(":", 5)
    path = parts[-1].split("/")
    return path[1] if len(parts) == 6 and parts[2] == "ecs" and len(path) > 2 else ""
