"""What calls make and cost, as far as suites call them: for budgets, for ledgers, for taking things away again.

List prices of the regions in the United States, in dollars, as told on the pricing pages of AWS Cloud Map, Amazon
Route 53, Amazon EC2, Elastic Load Balancing and AWS Fargate in 2026; they are for bounding a run, not for checking a
bill. What is billed by the month is taken as one whole month, though a run lasts minutes: a bound from above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CREATES", "Made", "dollars_of"]

_HOUR_OF_T3_NANO = 0.0052
_MONTH_OF_A_RESOURCE = 0.10
_MONTH_OF_A_CHECK_OUTSIDE_AWS = 0.75
_HOUR_OF_A_TASK = 0.0124  # Fargate, a quarter of a vCPU and half a GiB
_HOURS_OF_A_BALANCER = 2 * 0.03  # with a capacity unit
_SERVICE = 10 * _HOUR_OF_A_TASK  # no suite has more than four tasks at a time, and none lasts two hours


@dataclass(frozen=True)
class Made:
    """What a create call makes: in words, where its answer tells the identifier, and what it costs at most.

    `path` () means that the thing is a part of another and goes away with it.
    """

    what: str
    path: tuple[str, ...] = ()
    dollars: float = 0.0


# Zones of DNS namespaces cost nothing when they are deleted within 12 hours (Route 53 Developer Guide, "I was billed
# twice for the same hosted zone").
CREATES: Mapping[str, Made] = {
    "servicediscovery:CreateHttpNamespace": Made("namespace", ("OperationId",)),
    "servicediscovery:CreatePrivateDnsNamespace": Made("namespace", ("OperationId",)),
    "servicediscovery:CreatePublicDnsNamespace": Made("namespace", ("OperationId",)),
    "servicediscovery:CreateService": Made("service", ("Service", "Id")),
    "servicediscovery:RegisterInstance": Made("instance", dollars=_MONTH_OF_A_RESOURCE),
    "route53:CreateHostedZone": Made("hosted zone", ("HostedZone", "Id")),
    "route53:CreateHealthCheck": Made("health check", ("HealthCheck", "Id"), _MONTH_OF_A_CHECK_OUTSIDE_AWS),
    "route53:CreateVPCAssociationAuthorization": Made("authorization"),
    "ec2:CreateVpc": Made("VPC", ("Vpc", "VpcId")),
    "ec2:CreateSubnet": Made("subnet", ("Subnet", "SubnetId")),
    "ec2:CreateSecurityGroup": Made("security group", ("GroupId",)),
    "ec2:RunInstances": Made("EC2 instance", ("Instances", "InstanceId"), _HOUR_OF_T3_NANO),
    "ec2:CreateTags": Made("tag"),
    "ecs:CreateCluster": Made("cluster", ("cluster", "clusterName")),
    "ecs:RegisterTaskDefinition": Made("task definition", ("taskDefinition", "taskDefinitionArn")),
    "ecs:CreateService": Made("ECS service", ("service", "serviceArn"), _SERVICE),
    "elbv2:CreateLoadBalancer": Made("load balancer", ("LoadBalancers", "LoadBalancerArn"), _HOURS_OF_A_BALANCER),
    "elbv2:CreateTargetGroup": Made("target group", ("TargetGroups", "TargetGroupArn")),
    "elbv2:CreateListener": Made("listener"),
    "logs:CreateLogGroup": Made("log group"),
    # In the short-lived mode, a whole month of it.
    "acm-pca:CreateCertificateAuthority": Made("certificate authority", ("CertificateAuthorityArn",), 50.0),
    "events:PutRule": Made("rule", ("RuleArn",)),
    "sqs:CreateQueue": Made("queue", ("QueueUrl",)),
    "ecs:CreateTaskSet": Made("task set"),
    "ecs:RunTask": Made("task", ("tasks", "taskArn"), _HOUR_OF_A_TASK),
    # Only where the whole target is about to be stopped: elsewhere the role is given, and there is no second account.
    "iam:CreateRole": Made("role"),
    "iam:CreateUser": Made("user"),
    "iam:CreateAccessKey": Made("access key"),
    "ram:CreateResourceShare": Made("resource share"),
}

_CALLS: Mapping[str, float] = {
    "servicediscovery:DiscoverInstances": 1e-6,
    "servicediscovery:DiscoverInstancesRevision": 1e-6,
}


def dollars_of(operation: str) -> float:
    """What one call of the operation (`service:Operation`) costs at most, with what it makes."""
    made = CREATES.get(operation)
    return _CALLS.get(operation, 0.0) + (made.dollars if made else 0.0)
