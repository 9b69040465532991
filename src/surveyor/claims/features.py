"""The features that a target can offer and a claim can need, each with a one-line description."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FEATURES"]

FEATURES: Mapping[str, str] = {
    "cloudmap": "the AWS Cloud Map API",
    "dns": "names can be queried at an authoritative server or a resolver",
    "route53": "the Route 53 API",
    "ec2": "the VPC calls of the EC2 API",
    "public-dns": "name servers answer for public namespaces",
    "health": "Route 53 health checks really probe endpoints",
    "custom-health": "custom health checks can be set",
    "quotas": "quotas can be reached without harm",
    "throttling": "calls beyond the documented rate are refused",
    "second-region": "calls in a second region are answered; nothing is created there",
    "regions": "resources can be created in a second region",
    "accounts": "there is a second account",
    "sharing": "namespaces can be shared with another account",
    "clock-control": "service time can be advanced",
    "iam": "policies are enforced",
    "principals": "users and roles may be created",
    "other-principals": "users may be created in the second account",
    "owner": "calls are made by the owner of the account",
    "service-roles": "there is a role that services of AWS may be given",
    "signatures": "the signatures of requests are verified",
    "ecs": "the ECS API runs tasks",
    "ecs-processes": "tasks run real processes that can be called",
    "task-signals": "the processes of tasks can be killed and paused from outside",
    "network-faults": "the network of tasks can be impaired by fault injection; "
    "an ordinary user needs `--sandbox` on some kernels",
    "ipv6": "VPCs and subnets can have IPv6",
    "ecs-instances": "EC2 instances can join a cluster",
    "events": "EventBridge delivers to SQS queues",
    "service-connect": "ECS Service Connect runs proxies",
    "logs": "CloudWatch Logs keeps what log drivers deliver",
    "metrics": "CloudWatch has the metrics of ECS",
    "health-sources": "Route 53 checks private endpoints from sources in a VPC, which AWS charges for",
    "advanced-zones": "hosted zones may have the tier ADVANCED, which AWS charges for",
    "resolver": "Route 53 Resolver has endpoints, rules and DNS Firewall",
    "functions": "ECS invokes functions of AWS Lambda",
    "private-ca": "AWS Private CA issues certificates",
}
