"""What the calls of suites create and cost: for budgets, ledgers and deletion.

List prices of the regions in the United States, in dollars, from the pricing pages of AWS Cloud Map, Amazon
Route 53, Amazon EC2, Elastic Load Balancing and AWS Fargate in 2026; they limit a run and do not check a bill. What is
billed by the month counts as a whole month, although a run lasts minutes: an upper bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CREATES", "CreatedResource", "maximum_cost"]

_T3_NANO_HOUR = 0.0052
_RESOURCE_MONTH = 0.10
_EXTERNAL_CHECK_MONTH = 0.75
_TASK_HOUR = 0.0124  # Fargate, a quarter of a vCPU and half a GiB
_LOAD_BALANCER = 2 * 0.03  # two hours with a capacity unit
_ECS_SERVICE = 10 * _TASK_HOUR  # no suite has more than four tasks at a time, and none lasts two hours


@dataclass(frozen=True)
class CreatedResource:
    """What a create call creates: the kind in words, the path to the identifier in the answer, the maximum cost.

    `id_path` () means that it is a part of another resource and is deleted with it.
    """

    kind: str
    id_path: tuple[str, ...] = ()
    dollars: float = 0.0


# Zones of DNS namespaces cost nothing when they are deleted within 12 hours (Route 53 Developer Guide, "I was billed
# twice for the same hosted zone").
CREATES: Mapping[str, CreatedResource] = {
    "servicediscovery:CreateHttpNamespace": CreatedResource("namespace", ("OperationId",)),
    "servicediscovery:CreatePrivateDnsNamespace": CreatedResource("namespace", ("OperationId",)),
    "servicediscovery:CreatePublicDnsNamespace": CreatedResource("namespace", ("OperationId",)),
    "servicediscovery:CreateService": CreatedResource("service", ("Service", "Id")),
    "servicediscovery:RegisterInstance": CreatedResource("instance", dollars=_RESOURCE_MONTH),
    "route53:CreateHostedZone": CreatedResource("hosted zone", ("HostedZone", "Id")),
    "route53:CreateHealthCheck": CreatedResource("health check", ("HealthCheck", "Id"), _EXTERNAL_CHECK_MONTH),
    "route53:CreateVPCAssociationAuthorization": CreatedResource("authorization"),
    "ec2:CreateVpc": CreatedResource("VPC", ("Vpc", "VpcId")),
    "ec2:CreateSubnet": CreatedResource("subnet", ("Subnet", "SubnetId")),
    "ec2:CreateInternetGateway": CreatedResource("internet gateway", ("InternetGateway", "InternetGatewayId")),
    "ec2:CreateRoute": CreatedResource("route"),
    "ec2:CreateSecurityGroup": CreatedResource("security group", ("GroupId",)),
    "ec2:RunInstances": CreatedResource("EC2 instance", ("Instances", "InstanceId"), _T3_NANO_HOUR),
    "ec2:CreateTags": CreatedResource("tag"),
    "ecs:CreateCluster": CreatedResource("cluster", ("cluster", "clusterName")),
    "ecs:RegisterTaskDefinition": CreatedResource("task definition", ("taskDefinition", "taskDefinitionArn")),
    "ecs:CreateService": CreatedResource("ECS service", ("service", "serviceArn"), _ECS_SERVICE),
    "elbv2:CreateLoadBalancer": CreatedResource("load balancer", ("LoadBalancers", "LoadBalancerArn"), _LOAD_BALANCER),
    "elbv2:CreateTargetGroup": CreatedResource("target group", ("TargetGroups", "TargetGroupArn")),
    "elbv2:CreateListener": CreatedResource("listener"),
    "logs:CreateLogGroup": CreatedResource("log group"),
    # In the short-lived mode, a whole month of it.
    "acm-pca:CreateCertificateAuthority": CreatedResource("certificate authority", ("CertificateAuthorityArn",), 50.0),
    "events:PutRule": CreatedResource("rule", ("RuleArn",)),
    "sqs:CreateQueue": CreatedResource("queue", ("QueueUrl",)),
    "ecs:CreateTaskSet": CreatedResource("task set"),
    "ecs:RunTask": CreatedResource("task", ("tasks", "taskArn"), _TASK_HOUR),
    # Only on targets that are stopped as a whole: elsewhere the role is configured, and there is no second account.
    "iam:CreateRole": CreatedResource("role"),
    "iam:CreateUser": CreatedResource("user"),
    "iam:CreateAccessKey": CreatedResource("access key"),
    "iam:CreateGroup": CreatedResource("group"),
    "iam:CreatePolicy": CreatedResource("policy"),
    "iam:CreatePolicyVersion": CreatedResource("policy version"),
    "ram:CreateResourceShare": CreatedResource("resource share"),
}

_CALL_DOLLARS: Mapping[str, float] = {
    "servicediscovery:DiscoverInstances": 1e-6,
    "servicediscovery:DiscoverInstancesRevision": 1e-6,
}


def maximum_cost(operation: str) -> float:
    """Return the maximum cost of one call of the operation (`service:Operation`) and of what it creates, in dollars."""
    created = CREATES.get(operation)
    return _CALL_DOLLARS.get(operation, 0.0) + (created.dollars if created else 0.0)
