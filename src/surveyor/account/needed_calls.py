"""The operations that each command calls in an account, for its policy and for the checks before its first change.

Those of suites and experiments were recorded in runs of all of them; `surveyor policy --check` compares. Operations are
written as `service:Operation`, with botocore's names of services.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "COMMANDS",
    "CONSUMER",
    "PUBLIC_TASKS",
    "SERVICE_COMMANDS",
    "made_services",
    "needed_operations",
    "searching_operations",
]

COMMANDS = (
    "conform", "recordings", "model", "chaos", "load", "audit", "watch", "gate", "advise", "sweep", "in-vpc",
)  # fmt: skip
"""The commands that have a policy; `recordings` is `recordings check`."""

CONSUMER = "consumer"
"""What a run with `--consumer-profile` does in the second account, as if it were a command."""

PUBLIC_TASKS = "public-tasks"
"""Stands among the features for `public = true` in the section [ecs] of a target file."""

SERVICE_COMMANDS = ("chaos", "watch", "gate")
"""Those that may be about a service of the user's."""

Calls = Mapping[str, str]
"""The names of operations, as words, by service."""

_SWEEP: Calls = {
    "servicediscovery": "DeleteNamespace DeleteService DeregisterInstance GetNamespace GetOperation GetService "
    "ListInstances ListNamespaces ListOperations ListServices ListTagsForResource",
    "route53": "ChangeResourceRecordSets DeleteHealthCheck DeleteHostedZone ListHealthChecks ListHostedZones "
    "ListResourceRecordSets",
    "ec2": "DeleteInternetGateway DeleteSecurityGroup DeleteSubnet DeleteVpc DescribeInstances "
    "DescribeInternetGateways DescribeSecurityGroups DescribeSubnets DescribeVpcs DetachInternetGateway "
    "TerminateInstances",
    "ecs": "DeleteCluster DeleteService DeleteTaskDefinitions DeregisterTaskDefinition DescribeServices DescribeTasks "
    "ListClusters ListServices ListTaskDefinitionFamilies ListTaskDefinitions ListTasks StopTask",
    "elbv2": "DeleteLoadBalancer DeleteTargetGroup DescribeLoadBalancers DescribeTargetGroups",
    "events": "DeleteRule ListRules ListTargetsByRule RemoveTargets",
    "sqs": "DeleteQueue GetQueueUrl ListQueues",
    "cloudwatch": "DeleteAlarms DescribeAlarms",
    "lambda": "DeleteFunction ListFunctions",
    "logs": "DeleteLogGroup DescribeLogGroups",
    "s3": "DeleteBucket DeleteObjects ListBuckets ListObjectsV2",
    "ram": "DeleteResourceShare GetResourceShares",
    "acm-pca": "DeleteCertificateAuthority DescribeCertificateAuthority ListCertificateAuthorities ListTags "
    "UpdateCertificateAuthority",
}
"""What finds and deletes what runs made: also at the end of each run that makes something."""

_RESOLVER_SWEEP = (
    "DeleteFirewallDomainList DeleteFirewallRule DeleteFirewallRuleGroup DeleteResolverEndpoint DeleteResolverRule "
    "DisassociateFirewallRuleGroup DisassociateResolverRule GetFirewallRuleGroupAssociation GetResolverEndpoint "
    "GetResolverRuleAssociation ListFirewallDomainLists ListFirewallRuleGroupAssociations ListFirewallRuleGroups "
    "ListFirewallRules ListResolverEndpoints ListResolverRuleAssociations ListResolverRules"
)
"""The same for Route 53 Resolver, of which only claims with the feature `resolver` make something."""

_PRINCIPALS_SWEEP = (
    "DeleteAccessKey DeleteGroup DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePolicy DeleteUser "
    "DeleteUserPolicy DetachGroupPolicy DetachRolePolicy DetachUserPolicy GetGroup ListAccessKeys "
    "ListAttachedGroupPolicies ListAttachedRolePolicies ListAttachedUserPolicies ListGroups ListGroupsForUser "
    "ListPolicies ListPolicyVersions ListRolePolicies ListRoles ListUserPolicies ListUsers RemoveUserFromGroup"
)
"""The same for users, groups, roles and policies, which only claims with the feature `principals` make."""

_SEARCHES: Calls = {
    "route53resolver": "ListFirewallDomainLists ListFirewallRuleGroups ListResolverEndpoints ListResolverRules",
    "iam": "ListGroups ListPolicies ListRoles ListUsers",
}
"""What a sweep reads beside `_SWEEP` to find out whether runs with those features have left something."""

_CONFORM: Calls = {
    "servicediscovery": "CreateHttpNamespace CreatePrivateDnsNamespace CreatePublicDnsNamespace CreateService "
    "DeleteServiceAttributes DiscoverInstances DiscoverInstancesRevision GetInstance GetInstancesHealthStatus "
    "GetNamespace GetService GetServiceAttributes ListOperations RegisterInstance TagResource UntagResource "
    "UpdateHttpNamespace UpdateInstanceCustomHealthStatus UpdatePrivateDnsNamespace UpdatePublicDnsNamespace "
    "UpdateService UpdateServiceAttributes",
    "route53": "AssociateVPCWithHostedZone ChangeTagsForResource CreateHealthCheck CreateHostedZone "
    "DisassociateVPCFromHostedZone GetAccountLimit GetChange GetHostedZone GetHealthCheck GetHealthCheckCount "
    "GetHealthCheckLastFailureReason GetHealthCheckStatus GetHostedZoneCount GetHostedZoneLimit "
    "ListHostedZonesByName ListHostedZonesByVPC ListTagsForResource ListTagsForResources TestDNSAnswer "
    "UpdateHealthCheck UpdateHostedZoneComment",
    "ec2": "AttachInternetGateway CreateInternetGateway CreateRoute CreateSecurityGroup CreateSubnet CreateVpc "
    "DescribeAvailabilityZones DescribeRouteTables ModifySubnetAttribute ModifyVpcAttribute RunInstances",
    "ecs": "ContinueServiceDeployment CreateCluster CreateService CreateTaskSet DeleteTaskSet "
    "DeregisterContainerInstance DescribeCapacityProviders DescribeClusters DescribeContainerInstances "
    "DescribeServiceDeployments DescribeServiceRevisions DescribeTaskDefinition DescribeTaskSets "
    "ListContainerInstances ListServiceDeployments ListServicesByNamespace ListTagsForResource "
    "PutClusterCapacityProviders RegisterTaskDefinition RunTask StopServiceDeployment TagResource UntagResource "
    "UpdateCluster UpdateService UpdateServicePrimaryTaskSet UpdateTaskSet",
    "elbv2": "CreateListener CreateLoadBalancer CreateTargetGroup DescribeTargetHealth ModifyTargetGroupAttributes",
    "events": "PutRule PutTargets",
    "sqs": "CreateQueue DeleteMessage GetQueueAttributes ReceiveMessage SetQueueAttributes",
    "cloudwatch": "PutMetricAlarm SetAlarmState",
    "service-quotas": "GetServiceQuota",
}

_CONFORM_FEATURES: Mapping[str, Calls] = {
    "from-vpc": {
        "ec2": "AuthorizeSecurityGroupIngress DescribeManagedPrefixLists DescribeNetworkInterfaces "
        "DescribeVpcAttribute",
        "s3": "CreateBucket GetObject PutObject",
    },
    "iam": {"sts": "AssumeRole", "iam": "GetPolicy GetPolicyVersion"},
    "principals": {
        "iam": "AddUserToGroup AttachGroupPolicy AttachRolePolicy AttachUserPolicy CreateAccessKey CreateGroup "
        "CreatePolicy CreatePolicyVersion CreateRole CreateUser GetPolicy GetPolicyVersion PutRolePolicy "
        "PutUserPermissionsBoundary PutUserPolicy SetDefaultPolicyVersion TagUser UpdateAssumeRolePolicy "
        + _PRINCIPALS_SWEEP,
    },
    "service-roles": {
        "elbv2": "CreateRule DescribeListeners DescribeRules",
        "lambda": "CreateFunction",
    },
    "sharing": {
        "ram": "AssociateResourceShare CreateResourceShare DisassociateResourceShare",
        "route53": "CreateVPCAssociationAuthorization DeleteVPCAssociationAuthorization "
        "ListVPCAssociationAuthorizations",
    },
    "ecs-processes": {
        "logs": "CreateLogGroup FilterLogEvents",
        "cloudwatch": "GetMetricData",
    },
    "resolver": {
        "route53resolver": "AssociateFirewallRuleGroup AssociateResolverRule CreateFirewallDomainList "
        "CreateFirewallRule CreateFirewallRuleGroup CreateResolverEndpoint CreateResolverRule "
        "GetFirewallDomainList ListResolverEndpointIpAddresses UpdateFirewallDomains "
        "UpdateFirewallRuleGroupAssociation " + _RESOLVER_SWEEP,
        "ec2": "AuthorizeSecurityGroupIngress",
    },
    "private-ca": {
        "acm-pca": "CreateCertificateAuthority GetCertificate GetCertificateAuthorityCertificate "
        "GetCertificateAuthorityCsr ImportCertificateAuthorityCertificate IssueCertificate TagCertificateAuthority "
        "UntagCertificateAuthority"
    },
}
"""Those of claims that need a feature which is not tested without an option."""

_RECORDINGS: Calls = {
    "servicediscovery": "CreateHttpNamespace CreatePrivateDnsNamespace CreatePublicDnsNamespace CreateService "
    "DiscoverInstances GetInstance ListOperations RegisterInstance UpdateService",
    "route53": "CreateHealthCheck CreateHostedZone GetHostedZone ListHostedZonesByVPC",
    "ec2": "CreateSubnet CreateVpc DescribeRouteTables ModifyVpcAttribute RunInstances",
    "ecs": "CreateCluster CreateService DescribeClusters ListServicesByNamespace RegisterTaskDefinition RunTask "
    "UpdateService",
    "events": "PutRule PutTargets",
    "sqs": "CreateQueue DeleteMessage GetQueueAttributes ReceiveMessage SetQueueAttributes",
}
"""Those of recordings, in the default VPC or in the subnets of the target file."""

_RECORDINGS_FEATURES: Mapping[str, Calls] = {
    "iam": {"sts": "AssumeRole", "iam": "GetPolicy GetPolicyVersion GetRole"},
    "sharing": _CONFORM_FEATURES["sharing"],
}
"""Those of recordings that need a feature which is not tested without an option."""

_MODEL: Calls = {
    "servicediscovery": "CreateHttpNamespace CreatePrivateDnsNamespace CreatePublicDnsNamespace CreateService "
    "DiscoverInstances GetInstance GetInstancesHealthStatus RegisterInstance UpdateInstanceCustomHealthStatus",
    "ec2": "CreateVpc ModifyVpcAttribute",
}

_CONSUMER: Calls = {
    "servicediscovery": "CreateHttpNamespace CreateService DeleteServiceAttributes DiscoverInstances "
    "DiscoverInstancesRevision GetInstance GetInstancesHealthStatus GetServiceAttributes ListOperations "
    "RegisterInstance TagResource UntagResource UpdateHttpNamespace UpdateInstanceCustomHealthStatus "
    "UpdatePrivateDnsNamespace UpdatePublicDnsNamespace UpdateService UpdateServiceAttributes",
    "route53": "AssociateVPCWithHostedZone DisassociateVPCFromHostedZone ListHostedZonesByVPC",
    "ec2": "CreateVpc DescribeRouteTables ModifyVpcAttribute",
    "ecs": "CreateCluster CreateService RegisterTaskDefinition",
    "ram": "AcceptResourceShareInvitation AssociateResourceShare CreateResourceShare GetResourceShareInvitations "
    "RejectResourceShareInvitation",
}

_EXPERIMENT: Calls = {
    "servicediscovery": "CreateHttpNamespace CreatePrivateDnsNamespace CreateService DiscoverInstances GetInstance "
    "GetNamespace GetService RegisterInstance UpdateService",
    "ec2": "DescribeRouteTables DescribeSubnets",
    "ecs": "CreateCluster CreateService DescribeTaskDefinition ListServiceDeployments ListTagsForResource "
    "RegisterTaskDefinition RunTask StopServiceDeployment TagResource UntagResource UpdateService",
}
"""Those of experiments on a service that Surveyor creates, in the default VPC or in the subnets of the target file."""

_CHAOS: Calls = {"ecs": "DescribeServiceDeployments DescribeServiceRevisions"}
"""Those of experiments beside those of load scenarios, which do not wait for a share of the traffic to be shifted."""

_EXISTING: Calls = {
    "servicediscovery": "DeregisterInstance DiscoverInstances GetInstance GetNamespace GetService ListInstances "
    "RegisterInstance UpdateService",
    "ec2": "DescribeSubnets",
    "ecs": "DescribeClusters DescribeServices DescribeTaskDefinition DescribeTasks ListServiceDeployments "
    "ListTagsForResource ListTasks StopServiceDeployment StopTask TagResource UntagResource UpdateService",
    "elbv2": "DescribeListeners DescribeLoadBalancers DescribeTargetGroupAttributes DescribeTargetGroups",
    "application-autoscaling": "DescribeScalableTargets",
    "cloudwatch": "DescribeAlarms",
}
"""Those of experiments on a service of the user's."""

_LOAD: Calls = {
    "servicediscovery": "DiscoverInstancesRevision",
    "elbv2": "CreateListener CreateLoadBalancer CreateTargetGroup ModifyTargetGroupAttributes",
}
"""Those of load scenarios beside those of experiments."""

_AUDIT: Calls = {
    "servicediscovery": "GetOperation GetService ListInstances ListNamespaces ListOperations ListServices",
    "route53": "ListHostedZonesByVPC ListResourceRecordSets",
    "route53resolver": "GetResolverEndpoint GetResolverRule ListFirewallDomains ListFirewallRuleGroupAssociations "
    "ListFirewallRules ListResolverRuleAssociations",
    "ec2": "DescribeSubnets DescribeVpcAttribute DescribeVpcs",
    "ecs": "DescribeClusters DescribeServices DescribeTaskDefinition DescribeTasks ListServices ListTasks",
    "iam": "GetRole",
}

_WATCH: Calls = {
    "servicediscovery": "DiscoverInstances DiscoverInstancesRevision GetNamespace GetService ListInstances",
    "ec2": "DescribeSubnets",
    "ecs": "DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTaskDefinition DescribeTasks "
    "ListServiceDeployments ListTasks",
    "elbv2": "DescribeListeners DescribeLoadBalancers DescribeTargetGroupAttributes DescribeTargetGroups "
    "DescribeTargetHealth",
}

_DEPLOY: Calls = {"ecs": "UpdateService"}
"""What `watch --deploy` calls besides."""

_GATE: Calls = {
    "ecs": "ContinueServiceDeployment DescribeServiceDeployments ListServiceDeployments StopServiceDeployment",
}

_CLOUDWATCH: Calls = {"cloudwatch": "DescribeAlarmHistory DescribeAlarms GetMetricData"}
"""What thresholds on alarms and metrics need."""

_ADVISE: Calls = {
    "servicediscovery": "CreateHttpNamespace CreatePrivateDnsNamespace CreateService DiscoverInstances GetNamespace",
    "ec2": "DescribeRouteTables DescribeSubnets",
    "ecs": "CreateCluster CreateService RegisterTaskDefinition RunTask UpdateService",
}

_IN_VPC: Calls = {
    "ec2": "AuthorizeSecurityGroupIngress CreateSecurityGroup DescribeRouteTables DescribeSecurityGroups "
    "DescribeSubnets DescribeVpcAttribute",
    "ecs": "CreateCluster DescribeTasks RegisterTaskDefinition RunTask",
    "s3": "CreateBucket GetObject PutObject",
}
"""What starts the task of a command; `iam:PassRole` for its role is no operation."""

_MADE: Mapping[str, Collection[str]] = {
    "recordings": ("servicediscovery", "route53", "ec2", "ecs", "events", "sqs"),
    "chaos": ("servicediscovery", "ecs"),
    "load": ("servicediscovery", "ecs", "elbv2"),
    "advise": ("servicediscovery", "ecs"),
    "model": ("servicediscovery", "ec2"),
    "in-vpc": ("ec2", "ecs", "s3"),
    CONSUMER: ("servicediscovery", "ec2", "ecs", "ram"),
}
"""The services in which a command may leave something: the search at its end asks no other.

`in-vpc` deletes what the command in its task has left as well, by the ledgers of that.
"""

_EC2_READS = "DescribeInstances DescribeInternetGateways DescribeSecurityGroups DescribeSubnets DescribeVpcs"

_EC2_CLEAN_UP: Mapping[str, str] = {
    "recordings": f"DeleteSubnet DeleteVpc TerminateInstances {_EC2_READS}",
    "model": "DeleteVpc DescribeVpcs",  # which deletes by its ledger alone
    CONSUMER: f"DeleteVpc {_EC2_READS}",
}
"""What finds and deletes what these make of EC2; for the tasks of others there are subnets."""


def made_services(command: str, features: Collection[str] = ()) -> Collection[str] | None:
    """Return the services, by botocore's names, in which a command may leave something; None if it may be any.

    `features`: those of the target that are used.
    """
    made = _MADE.get(command)
    return (*made, "ram") if command == "recordings" and made and "sharing" in features else made


def needed_operations(command: str, features: Collection[str] = (), *, service: bool = False) -> frozenset[str]:
    """Return the operations that a command calls; with `service`, for one of the user's services alone.

    `features`: those of the target that are used, PUBLIC_TASKS for tasks that are called by public addresses, `deploy`
    for `watch --deploy`, and `watch` for `gate --watch`.
    """
    return frozenset(_operations(command, features, service=service))


def searching_operations(command: str) -> frozenset[str]:
    """Return what the role of a command needs beside its own calls for `surveyor sweep --account`, which searches all.

    Runs do not ask for it. Only the role of `conform` is meant for both.
    """
    calls = _SEARCHES.items() if command == "conform" else ()
    return frozenset(f"{name}:{operation}" for name, words in calls for operation in words.split())


def _operations(command: str, features: Collection[str], *, service: bool) -> Iterator[str]:
    for calls in _parts(command, features, service=service):
        for name, words in calls.items():
            yield from (f"{name}:{operation}" for operation in words.split())


def _parts(command: str, features: Collection[str], *, service: bool) -> tuple[Calls, ...]:
    fixed: Mapping[str, tuple[Calls, ...]] = {
        "audit": (_AUDIT,),
        "sweep": (_SWEEP, {"route53resolver": _RESOLVER_SWEEP, "iam": _PRINCIPALS_SWEEP}),
        "in-vpc": (_IN_VPC, _SWEEP),
    }
    if command in fixed:
        return fixed[command]
    if command == "gate":
        return (_GATE, *([_WATCH, _CLOUDWATCH] if "watch" in features else []))
    if command == "watch":
        return (_WATCH, *([_DEPLOY] if "deploy" in features else []))
    role = {"sts": "AssumeRole"} if command == "chaos" and "iam" in features else {}
    if service:
        return (_EXISTING, role)
    if command == "conform":
        return (_CONFORM, _SWEEP, *_of_features(_CONFORM_FEATURES, features))
    own: Mapping[str, tuple[Calls, ...]] = {
        "recordings": (_RECORDINGS, *_of_features(_RECORDINGS_FEATURES, features)),
        "chaos": (_EXPERIMENT, _CHAOS, *_of_addresses(features)),
        "load": (_EXPERIMENT, _LOAD, *_of_addresses(features)),
        "advise": (_ADVISE, *_of_addresses(features)),
        "model": (_MODEL,),
        CONSUMER: (_CONSUMER,),
    }
    calls = {**_SWEEP, "ec2": _EC2_CLEAN_UP.get(command, "")}
    return (*own[command], {name: calls[name] for name in made_services(command, features) or ()}, role)


def _of_features(known: Mapping[str, Calls], features: Collection[str]) -> tuple[Calls, ...]:
    return (*(calls for feature, calls in known.items() if feature in features), *_of_addresses(features))


def _of_addresses(features: Collection[str]) -> tuple[Calls, ...]:
    return ({"ec2": "DescribeNetworkInterfaces"},) if PUBLIC_TASKS in features else ()
