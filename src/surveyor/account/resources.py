"""What the calls of suites create and cost: for budgets, ledgers and deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveyor.account.prices import (
    ALARM,
    CALL_PRICES,
    CERTIFICATE_AUTHORITY,
    FARGATE_TASK,
    HEALTH_CHECK,
    HOSTED_ZONE,
    INSTANCE,
    LOAD_BALANCER,
    RESOLVER_ENDPOINT,
    T3_NANO,
    Price,
    expected_dollars,
)

__all__ = ["CREATES", "CreatedResource", "budgeted_cost", "created_kind", "created_resources", "maximum_cost"]


@dataclass(frozen=True)
class CreatedResource:
    """What a create call creates: the kind in words, the path to the identifier in the answer, the price.

    `id_path` () means that it is a part of another resource and is deleted with it. ECS services cost nothing: their
    tasks are counted as they are started.
    """

    kind: str
    id_path: tuple[str, ...] = ()
    price: Price | None = None


CREATES: Mapping[str, CreatedResource] = {
    "servicediscovery:CreateHttpNamespace": CreatedResource("namespace", ("OperationId",)),
    # Each has a hosted zone.
    "servicediscovery:CreatePrivateDnsNamespace": CreatedResource("namespace", ("OperationId",), HOSTED_ZONE),
    "servicediscovery:CreatePublicDnsNamespace": CreatedResource("namespace", ("OperationId",), HOSTED_ZONE),
    "servicediscovery:CreateService": CreatedResource("service", ("Service", "Id")),
    "servicediscovery:RegisterInstance": CreatedResource("instance", price=INSTANCE),
    "route53:CreateHostedZone": CreatedResource("hosted zone", ("HostedZone", "Id"), HOSTED_ZONE),
    "route53:CreateHealthCheck": CreatedResource("health check", ("HealthCheck", "Id"), HEALTH_CHECK),
    "route53:CreateVPCAssociationAuthorization": CreatedResource("authorization"),
    "ec2:CreateVpc": CreatedResource("VPC", ("Vpc", "VpcId")),
    "ec2:CreateSubnet": CreatedResource("subnet", ("Subnet", "SubnetId")),
    "ec2:CreateInternetGateway": CreatedResource("internet gateway", ("InternetGateway", "InternetGatewayId")),
    "ec2:CreateRoute": CreatedResource("route"),
    "ec2:CreateSecurityGroup": CreatedResource("security group", ("GroupId",)),
    "ec2:RunInstances": CreatedResource("EC2 instance", ("Instances", "InstanceId"), T3_NANO),
    "ec2:CreateTags": CreatedResource("tag"),
    "ecs:CreateCluster": CreatedResource("cluster", ("cluster", "clusterName")),
    "ecs:RegisterTaskDefinition": CreatedResource("task definition", ("taskDefinition", "taskDefinitionArn")),
    "ecs:CreateService": CreatedResource("ECS service", ("service", "serviceArn")),
    "route53resolver:CreateResolverEndpoint": CreatedResource(
        "Resolver endpoint", ("ResolverEndpoint", "Id"), RESOLVER_ENDPOINT
    ),
    "route53resolver:CreateResolverRule": CreatedResource("Resolver rule", ("ResolverRule", "Id")),
    "route53resolver:AssociateResolverRule": CreatedResource("rule association", ("ResolverRuleAssociation", "Id")),
    "route53resolver:CreateFirewallDomainList": CreatedResource("domain list", ("FirewallDomainList", "Id")),
    "route53resolver:CreateFirewallRuleGroup": CreatedResource("rule group", ("FirewallRuleGroup", "Id")),
    "route53resolver:CreateFirewallRule": CreatedResource("firewall rule"),
    "route53resolver:AssociateFirewallRuleGroup": CreatedResource(
        "rule group association", ("FirewallRuleGroupAssociation", "Id")
    ),
    "elbv2:CreateLoadBalancer": CreatedResource("load balancer", ("LoadBalancers", "LoadBalancerArn"), LOAD_BALANCER),
    "elbv2:CreateTargetGroup": CreatedResource("target group", ("TargetGroups", "TargetGroupArn")),
    "elbv2:CreateListener": CreatedResource("listener"),
    "elbv2:CreateRule": CreatedResource("listener rule"),
    "lambda:CreateFunction": CreatedResource("function", ("FunctionName",)),
    "logs:CreateLogGroup": CreatedResource("log group"),
    "cloudwatch:PutMetricAlarm": CreatedResource("alarm", price=ALARM),
    "acm-pca:CreateCertificateAuthority": CreatedResource(
        "certificate authority", ("CertificateAuthorityArn",), CERTIFICATE_AUTHORITY
    ),
    "events:PutRule": CreatedResource("rule", ("RuleArn",)),
    "sqs:CreateQueue": CreatedResource("queue", ("QueueUrl",)),
    "s3:CreateBucket": CreatedResource("bucket", ("Location",)),
    "ecs:CreateTaskSet": CreatedResource("task set"),
    "ecs:RunTask": CreatedResource("task", ("tasks", "taskArn")),
    "iam:CreateRole": CreatedResource("role", ("Role", "RoleName")),
    "iam:CreateUser": CreatedResource("user", ("User", "UserName")),
    "iam:CreateAccessKey": CreatedResource("access key"),
    "iam:CreateGroup": CreatedResource("group", ("Group", "GroupName")),
    "iam:CreatePolicy": CreatedResource("policy", ("Policy", "Arn")),
    "iam:CreatePolicyVersion": CreatedResource("policy version"),
    "ram:CreateResourceShare": CreatedResource("resource share", ("resourceShare", "resourceShareArn")),
}

_BUDGETED_SECONDS = 3_600.0
"""How long each resource stands for the budget of a run: its tests take minutes, and delete what they made."""


def budgeted_cost(operation: str, tasks: int = 0) -> float:
    """Return what a call of `service:Operation` costs by the budget: an hour of what it creates, and of its tasks."""
    created = CREATES.get(operation)
    prices = [created.price] if created and created.price else []
    dollars = sum(expected_dollars(price, _BUDGETED_SECONDS) for price in [*prices, *[FARGATE_TASK] * tasks])
    return CALL_PRICES.get(operation, 0.0) + dollars


def created_kind(operation: str) -> str:
    """Return the kind of what a call of `service:Operation` creates; "" for none, and for tasks, counted apart."""
    return CREATES[operation].kind if operation in CREATES and operation != "ecs:RunTask" else ""


def created_resources(operation: str, tasks: int = 0) -> int:
    """Return how many resources a call of `service:Operation` creates, with the tasks on Fargate that it starts."""
    return bool(created_kind(operation)) + tasks


def maximum_cost(operation: str) -> float:
    """Return the cost of one call and of a month of what it creates, tasks aside, in dollars."""
    created = CREATES.get(operation)
    month = created.price.month if created and created.price else 0.0
    return CALL_PRICES.get(operation, 0.0) + month
