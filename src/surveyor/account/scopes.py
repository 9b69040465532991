"""To which resources and under which conditions a policy limits an action, so that only what runs made is changed.

Source: Service Authorization Reference, Actions, resources, and condition keys for each service. Where it has nothing
narrower the resource is `*`: reads (runs look for what is left in the whole account), tags of Cloud Map, hosted zones
and health checks, which have no condition keys, and routes of main route tables, which have no tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from surveyor.account.naming import NO_ID
from surveyor.account.principals import LIMITS, OF_RUNS, limit_arn
from surveyor.account.tags import TAG

__all__ = ["SERVICES", "SERVICE_ROLE", "Limit", "Place", "limits_of"]

Conditions = Mapping[str, Mapping[str, object]]

SERVICES = ("ecs.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com")
"""The services that may be given the role of `--service-role`."""

SERVICE_ROLE = "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
"""The role with which ECS registers tasks."""

_GETS_TAG: Conditions = {"Null": {f"aws:RequestTag/{TAG}": "false"}}
_HAS_TAG: Conditions = {"Null": {f"aws:ResourceTag/{TAG}": "false"}}
_MADE_BY_ECS: Conditions = {"StringEquals": {"aws:ResourceTag/AmazonECSManaged": "true"}}
_OWN_RECORDS: Conditions = {
    "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": "*surveyor-*"}
}
_UNKNOWN = "a" * 16
"""The end of an id of Cloud Map that suites use where nothing may have it."""

_RESOLVER_TYPES = (
    "resolver-endpoint/*", "resolver-rule/*", "firewall-domain-list/*", "firewall-rule-group/*",
    "firewall-rule-group-association/*",
)  # fmt: skip
_READS = ("Describe", "Discover", "Get", "List", "Test")
_NEW = {  # what EC2's create actions create, and what they create it in
    "CreateVpc": ("vpc", ""),
    "CreateSubnet": ("subnet", "vpc"),
    "CreateInternetGateway": ("internet-gateway", ""),
    "CreateSecurityGroup": ("security-group", ""),
    "RunInstances": ("instance", ""),
}


@dataclass(frozen=True)
class Place:
    """Where a policy is for: account and Region, `*` for any. `role`: the ARN of a role that the command assumes.

    `service`: a service of the user's, as CLUSTER/SERVICE; `cluster` and `vpc`: the user's, in which runs make things.
    `service_role`: that of a role for services. `shared_by`: the account that shares its namespaces with this one.
    `principals`: tasks get roles that runs make.
    """

    account: str = "*"
    region: str = "*"
    role: str = ""
    service: str = ""
    cluster: str = ""
    vpc: str = ""
    shared_by: str = ""
    service_role: str = ""
    principals: bool = False

    def arns(self, service: str, *resources: str) -> tuple[str, ...]:
        """Return ARNs of this account and Region."""
        return tuple(f"arn:aws:{service}:{self.region}:{self.account}:{resource}" for resource in resources)


@dataclass(frozen=True)
class Limit:
    """What a statement has besides its actions. `name`: its Sid, to which a number is added if it is not the first."""

    name: str
    resources: tuple[str, ...] = ("*",)
    conditions: Conditions | None = None


def limits_of(action: str, place: Place) -> Iterator[Limit]:
    """Yield the statements in which a policy must have an action: one for each kind of resource that it is about."""
    service, _, name = action.partition(":")
    limited = _LIMITS.get(service)
    found = list(limited(name, place)) if limited else []
    yield from found or [Limit("Read" if name.startswith(_READS) else "Other")]


def _ecs(name: str, place: Place) -> Iterator[Limit]:
    if name.endswith("ServiceDeployment") or name in ("DescribeServiceDeployments", "ListServiceDeployments"):
        in_cluster = [f"{place.cluster}/surveyor-*"] if place.cluster else []
        chosen = [place.service] if place.service else ["surveyor-*/*", *in_cluster]
        paths = (path for name in chosen for path in (f"service/{name}", f"service-deployment/{name}/*"))
        yield Limit("EcsDeployments", place.arns("ecs", *paths))
    elif not name.startswith(_READS) and name != "DeregisterTaskDefinition":
        if place.service:
            cluster = place.service.partition("/")[0]
            yield Limit("EcsService", place.arns("ecs", f"service/{place.service}", f"task/{cluster}/*"))
        else:
            inside = (f"task/{place.cluster}/*",) if place.cluster else ()
            yield Limit("EcsNamed", place.arns("ecs", "*/surveyor-*", *inside))


def _in_region(place: Place, conditions: Conditions) -> Conditions:
    """Return conditions for what has no ARN before it exists: what is made elsewhere could not be deleted there."""
    return conditions if place.region == "*" else {**conditions, "StringEquals": {"aws:RequestedRegion": place.region}}


def _cloudmap(name: str, place: Place) -> Iterator[Limit]:
    services, namespaces = place.arns("servicediscovery", "service/*", "namespace/*")
    if name.startswith("Create") and name != "CreateService":
        yield Limit("CloudMapNew", conditions=_in_region(place, _GETS_TAG))
    elif name.endswith("ResourcePolicy"):  # RAM asks for these, of what it shares; no document gives a condition key
        yield Limit("CloudMapSharing", (namespaces,))
    elif name.startswith(_READS) or name in ("TagResource", "UntagResource"):
        return
    elif place.service:
        yield Limit("CloudMapRegistry", (services,))
    else:
        nothing = place.arns("servicediscovery", *(f"*/*-{identity}" for identity in (NO_ID, _UNKNOWN)))
        if name == "CreateService":
            # In a namespace of another account it cannot have tags; that namespace must be allowed, too.
            yield Limit("CloudMapNewService", (services,), None if place.shared_by else _GETS_TAG)
        yield Limit("CloudMapTagged", (namespaces,) if name == "CreateService" else (namespaces, services), _HAS_TAG)
        yield Limit("CloudMapNothing", nothing)
        if name in ("DeleteNamespace", "DeleteService", "DeregisterInstance"):
            yield Limit("CloudMapOfEcs", (namespaces, services), _MADE_BY_ECS)
        if place.shared_by and "Namespace" not in name:
            yield Limit("CloudMapShared", replace(place, account=place.shared_by).arns("servicediscovery", "*/*"))


def _route53(name: str, place: Place) -> Iterator[Limit]:
    if name == "ChangeResourceRecordSets":
        yield Limit("Records", ("arn:aws:route53:::hostedzone/*",), _OWN_RECORDS)


def _ec2(name: str, place: Place) -> Iterator[Limit]:
    everything, nothing = place.arns("ec2", "*/*", f"*/*-{'0' * 17}")
    if name in _NEW:
        _, parent = _NEW[name]
        yield Limit("Ec2New", place.arns("ec2", *(f"{made}/*" for made, _ in _NEW.values())), _GETS_TAG)
        if parent:
            yield Limit("Ec2Tagged", (everything,), _HAS_TAG)
            yield Limit("Ec2Nothing", (nothing,))
            if place.vpc:
                yield Limit("Ec2InVpc", place.arns("ec2", f"vpc/{place.vpc}"))
        if name == "CreateSecurityGroup":
            yield Limit("Ec2GroupInVpc", place.arns("ec2", "vpc/*"))
        if name == "RunInstances":
            parts = place.arns("ec2", "network-interface/*", "volume/*", "subnet/*", "security-group/*")
            yield Limit("Ec2Parts", (*parts, f"arn:aws:ec2:{place.region}::image/*"))
    elif name == "CreateTags":
        yield Limit("Ec2Tags", (everything,), {"StringEquals": {"ec2:CreateAction": sorted(_NEW)}})
    elif name == "CreateRoute":
        yield Limit("Ec2Routes", place.arns("ec2", "route-table/*"))
    elif not name.startswith(_READS):
        yield Limit("Ec2Tagged", (everything,), _HAS_TAG)
        yield Limit("Ec2Nothing", (nothing,))


def _elb(name: str, place: Place) -> Iterator[Limit]:
    if name == "CreateRule":
        yield Limit("BalancerRules", place.arns("elasticloadbalancing", "listener/app/surveyor-*/*"))
    elif not name.startswith(_READS):
        named = place.arns("elasticloadbalancing", "loadbalancer/app/surveyor-*/*", "targetgroup/surveyor-*/*")
        yield Limit("BalancersNamed", named)
        if name == "AddTags":
            parts = place.arns("elasticloadbalancing", "listener/app/surveyor-*/*", "listener-rule/app/surveyor-*/*")
            yield Limit("BalancerParts", parts)


def _events(name: str, place: Place) -> Iterator[Limit]:
    if name != "ListRules":
        yield Limit("Rules", place.arns("events", "rule/surveyor-*"))


def _ram(name: str, place: Place) -> Iterator[Limit]:
    own: Conditions = {"StringLike": {"ram:ResourceShareName": "surveyor-*"}}
    namespaces = place.arns("servicediscovery", "namespace/*")
    only_namespaces: Conditions = {"ForAllValues:StringLike": {"ram:ResourceArn": list(namespaces)}}
    if name == "CreateResourceShare":
        yield Limit("SharesNew", conditions=_in_region(place, only_namespaces))
    elif name == "AssociateResourceShare":
        yield Limit("SharesFilled", place.arns("ram", "resource-share/*"), {**own, **only_namespaces})
    elif name == "TagResource":
        yield Limit("SharesTagged", place.arns("ram", "resource-share/*"))
    elif name.endswith("Invitation"):
        anywhere = replace(place, account=place.shared_by or "*").arns("ram", "resource-share-invitation/*")
        yield Limit("SharesAnswered", anywhere, own)
    elif not name.startswith(_READS):
        yield Limit("Shares", place.arns("ram", "resource-share/*"), own)


def _cloudwatch(name: str, place: Place) -> Iterator[Limit]:
    if not name.startswith(_READS):
        yield Limit("Alarms", place.arns("cloudwatch", "alarm:surveyor-*"))


def _sqs(name: str, place: Place) -> Iterator[Limit]:
    if name != "ListQueues":
        yield Limit("Queues", place.arns("sqs", "surveyor-*"))


def _s3(name: str, place: Place) -> Iterator[Limit]:
    if name.endswith("Object"):
        yield Limit("MailboxObjects", ("arn:aws:s3:::surveyor-*/*",))
    elif name != "ListAllMyBuckets":
        yield Limit("Mailboxes", ("arn:aws:s3:::surveyor-*",))


def _lambda(name: str, place: Place) -> Iterator[Limit]:
    if not name.startswith(_READS):
        yield Limit("Functions", place.arns("lambda", "function:surveyor-*"))


def _logs(name: str, place: Place) -> Iterator[Limit]:
    if name != "DescribeLogGroups":
        groups = ("log-group:surveyor-*", "log-group:/aws/ecs/containerinsights/surveyor-*")
        yield Limit("LogGroups", place.arns("logs", *groups))


def _pca(name: str, place: Place) -> Iterator[Limit]:
    if name == "CreateCertificateAuthority":
        yield Limit("AuthorityNew", conditions=_in_region(place, _GETS_TAG))
    elif name == "TagCertificateAuthority":
        yield Limit("AuthorityTags", place.arns("acm-pca", "certificate-authority/*"), _GETS_TAG)
        yield Limit("AuthorityTagged", place.arns("acm-pca", "certificate-authority/*"), _HAS_TAG)
    elif name not in ("ListCertificateAuthorities", "ListTags", "DescribeCertificateAuthority"):
        yield Limit("AuthorityTagged", place.arns("acm-pca", "certificate-authority/*"), _HAS_TAG)


_GIVES_RIGHTS = frozenset({
    "AttachRolePolicy", "AttachUserPolicy", "CreateRole", "CreateUser", "PutRolePolicy", "PutUserPermissionsBoundary",
    "PutUserPolicy",
})  # fmt: skip
"""Actions on users and roles, which must have a limit as their permissions boundary."""


def _iam(name: str, place: Place) -> Iterator[Limit]:
    role = f"arn:aws:iam::{place.account}:role/{SERVICE_ROLE}"
    if name == "CreateServiceLinkedRole":
        yield Limit("ServiceRole", (role,), {"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}})
    elif name == "PassRole":
        yield from _passed_roles(place)
    elif name == "GetRole":
        yield Limit("GetServiceRole", (role,))
    elif name in ("GetPolicy", "GetPolicyVersion"):
        yield Limit("ManagedPolicies", ("arn:aws:iam::aws:policy/*", *_limits(place)))
    elif not name.startswith(_READS):
        yield from _principals(name, place)


def _limits(place: Place) -> list[str]:
    return [limit_arn(place.account, name) for name in LIMITS]


def _principals(name: str, place: Place) -> Iterator[Limit]:
    """Limit to what has a name of runs; what gives rights to users, roles and groups, to those with a limit."""
    user, role, group, policy = (
        f"arn:aws:iam::{place.account}:{kind}/{OF_RUNS}" for kind in ("user", "role", "group", "policy")
    )
    if name in _GIVES_RIGHTS:
        yield Limit("PrincipalsLimited", (user, role), {"StringLike": {"iam:PermissionsBoundary": _limits(place)}})
    elif name in ("AttachGroupPolicy", "DetachGroupPolicy"):
        yield Limit("GroupsLimited", (group,), {"ArnLike": {"iam:PolicyARN": _limits(place)}})
    elif name.endswith("Group"):
        yield Limit("Groups", (group,))
    elif name.endswith(("PolicyVersion", "Policy")) and "User" not in name and "Role" not in name:
        yield Limit("Policies", (policy,))
    else:
        yield Limit("Principals", (user, role))


def _passed_roles(place: Place) -> Iterator[Limit]:
    to_tasks: Conditions = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    if place.service_role:
        services: Conditions = {"StringEquals": {"iam:PassedToService": list(SERVICES)}}
        yield Limit("ServicesRole", (place.service_role,), services)
    if place.principals:
        yield Limit("RolesOfRuns", (f"arn:aws:iam::{place.account}:role/{OF_RUNS}",), to_tasks)
    elif not place.service_role:
        yield Limit("TaskRole", (place.role or f"arn:aws:iam::{place.account}:role/surveyor-*",), to_tasks)


def _sts(name: str, place: Place) -> Iterator[Limit]:
    yield Limit("Role", (place.role or f"arn:aws:iam::{place.account}:role/surveyor*",))


def _ssm(name: str, place: Place) -> Iterator[Limit]:
    yield Limit("PublicParameters", (f"arn:aws:ssm:{place.region}::parameter/aws/service/*",))


def _resolver(name: str, place: Place) -> Iterator[Limit]:
    """Limit to what has the run's tag; which VPC an association is for, no condition key says."""
    made = place.arns("route53resolver", *_RESOLVER_TYPES)
    is_new = name.startswith("Create") and name != "CreateFirewallRule"
    if is_new or name == "AssociateFirewallRuleGroup":
        yield Limit("ResolverNew", made, _GETS_TAG)
    elif name == "TagResource":
        yield Limit("ResolverTags", made, _GETS_TAG)
    elif not name.startswith(_READS):
        yield Limit("ResolverTagged", made, _HAS_TAG)


_LIMITS = {
    "acm-pca": _pca, "cloudwatch": _cloudwatch, "ec2": _ec2, "ecs": _ecs, "elasticloadbalancing": _elb,
    "events": _events, "iam": _iam, "lambda": _lambda, "logs": _logs, "ram": _ram, "route53": _route53,
    "route53resolver": _resolver, "s3": _s3, "servicediscovery": _cloudmap, "sqs": _sqs, "ssm": _ssm, "sts": _sts,
}  # fmt: skip
