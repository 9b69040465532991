"""The permissions that requests to Elastic Load Balancing need (Service Authorization Reference, ELB V2)."""

from __future__ import annotations

from surveyor_emulator.aws.iam.action_resources import ActionTable, arns, named

__all__ = ["permission_requests"]

# A new resource has no id yet: its ARN ends with ``*``.
_LOAD_BALANCER = "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/*"
_TARGET_GROUP = "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/*"

permission_requests = ActionTable(
    types=[
        (named(_LOAD_BALANCER, "Name"), "CreateLoadBalancer"),
        (arns("LoadBalancerArn"), "CreateListener DeleteLoadBalancer"),
        (arns("ListenerArn"), "CreateRule DeleteListener"),
        (arns("RuleArn"), "DeleteRule"),
        (named(_TARGET_GROUP, "Name"), "CreateTargetGroup"),
        (arns("TargetGroupArn"), "DeleteTargetGroup DeregisterTargets ModifyTargetGroupAttributes RegisterTargets"),
    ],
    without="DescribeListeners DescribeLoadBalancers DescribeRules DescribeTargetGroupAttributes DescribeTargetGroups "
    "DescribeTargetHealth",
).permission_requests
