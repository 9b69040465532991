"""The least-privilege policy of a command: the permissions behind the calls that it makes, and no other."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from surveyor.account.scopes import SERVICES, Limit, Place, limits_of

__all__ = [
    "MAX_SIZE",
    "format_policy",
    "is_read",
    "make_policies",
    "policy_size",
    "quick_actions",
    "required_actions",
    "service_role_policy",
    "service_trust",
    "task_trust",
]

MAX_SIZE = 6_144
"""Characters of a managed policy, without white space (IAM User Guide, IAM and AWS STS quotas)."""

_READ = re.compile(r":(?:Describe|Get|List)")
_TASKS = "ecs-tasks.amazonaws.com"
_WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that need no permission (sts/GetCallerIdentity, sts/GetSessionToken)."""

_PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
"""Prefixes of IAM actions, where they are not botocore's names of services (Service Authorization Reference)."""

_RENAMED = {
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Actions that have another name than their operation (Service Authorization Reference, Amazon S3)."""

_BESIDE: Mapping[str, tuple[str, ...]] = {
    # ECS Developer Guide, "Grant permission to tag resources on creation"; "Using service-linked roles for Amazon ECS".
    "ecs:CreateCluster": ("ecs:TagResource", "iam:CreateServiceLinkedRole"),
    "ecs:CreateService": ("ecs:TagResource",),
    "ecs:RegisterTaskDefinition": ("ecs:TagResource",),
    # Service Authorization Reference, "Actions defined by AWS Lambda": CreateFunction depends on iam:PassRole.
    "lambda:CreateFunction": ("iam:PassRole",),
    # iam/CreateUser and CreateRole with tags; a task of the run gets a role of the run.
    "iam:CreateUser": ("iam:TagUser",),
    "iam:CreateRole": ("iam:TagRole", "iam:PassRole"),
    # EC2 User Guide, "Grant permission to tag Amazon EC2 resources during creation".
    "ec2:CreateVpc": ("ec2:CreateTags",),
    "ec2:CreateSubnet": ("ec2:CreateTags",),
    "ec2:CreateInternetGateway": ("ec2:CreateTags",),
    "ec2:CreateSecurityGroup": ("ec2:CreateTags",),
    # EC2 User Guide, "Use a Systems Manager parameter in place of an AMI ID".
    "ec2:RunInstances": ("ec2:CreateTags", "ssm:GetParameters"),
    # Service Authorization Reference, "API operations defined by AWS Cloud Map".
    "servicediscovery:CreateHttpNamespace": ("servicediscovery:TagResource",),
    "servicediscovery:CreatePrivateDnsNamespace": ("servicediscovery:TagResource",),
    "servicediscovery:CreatePublicDnsNamespace": ("servicediscovery:TagResource",),
    "servicediscovery:CreateService": ("servicediscovery:TagResource",),
    # Service Authorization Reference, "API operations defined by Amazon Route 53 Resolver".
    **{
        f"route53resolver:{operation}": ("route53resolver:TagResource",)
        for operation in (
            "AssociateFirewallRuleGroup",
            "CreateFirewallDomainList",
            "CreateFirewallRuleGroup",
            "CreateResolverEndpoint",
            "CreateResolverRule",
        )
    },
    # Cloud Map Developer Guide, "Shared AWS Cloud Map namespaces": permissions needed to share a namespace.
    "ram:CreateResourceShare": (
        "servicediscovery:DeleteResourcePolicy",
        "servicediscovery:GetResourcePolicy",
        "servicediscovery:PutResourcePolicy",
    ),
}
"""What calls need beside their own action when they carry tags or use an image's parameter, and the first of a role."""


_WITH_TAGS: Mapping[str, str] = {
    "acm-pca:CreateCertificateAuthority": "acm-pca:TagCertificateAuthority",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "ecs:CreateTaskSet": "ecs:TagResource",
    "ecs:RunTask": "ecs:TagResource",
    "elasticloadbalancing:CreateListener": "elasticloadbalancing:AddTags",
    "elasticloadbalancing:CreateLoadBalancer": "elasticloadbalancing:AddTags",
    "elasticloadbalancing:CreateTargetGroup": "elasticloadbalancing:AddTags",
    "elasticloadbalancing:CreateRule": "elasticloadbalancing:AddTags",
    "events:PutRule": "events:TagResource",
    "iam:CreatePolicy": "iam:TagPolicy",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "ram:CreateResourceShare": "ram:TagResource",
    "route53:CreateHealthCheck": "route53:ChangeTagsForResource",
    "route53:CreateHostedZone": "route53:ChangeTagsForResource",
    "sqs:CreateQueue": "sqs:TagQueue",
}
"""What creations need beside when they carry tags of the user (the services' pages on tags at creation)."""


def required_actions(
    operations: Iterable[str], dependent: Mapping[str, Iterable[str]], *, tagged: bool = False
) -> set[str]:
    """Return the actions behind operations (`service:Operation`), with the further actions that each depends on.

    `tagged`: what they create gets tags of the user, too. Requests that are no operation (`service:POST /path`) are
    left out: what they call, tests call by its name as well.
    """
    called = {_action(operation) for operation in operations if " " not in operation}
    further = {action for name in called for action in (*dependent.get(name, ()), *_BESIDE.get(name, ()))}
    further |= {_WITH_TAGS[name] for name in called & _WITH_TAGS.keys() if tagged}
    return (called | further) - _WITHOUT_PERMISSION


def quick_actions(actions: Iterable[str]) -> set[str]:
    """Return, of the actions of a whole run, those of a quick run: it changes only Cloud Map, and reads the rest."""
    return {name for name in actions if name.startswith("servicediscovery:") or is_read(name)}


def is_read(action: str) -> bool:
    """Return whether an action only reads: policies allow it wherever it can be asked for."""
    return _READ.search(action) is not None


def _action(operation: str) -> str:
    service, _, name = operation.partition(":")
    return _RENAMED.get(operation, f"{_PREFIXES.get(service, service)}:{name}")


def task_trust(place: Place) -> dict[str, Any]:
    """Return the trust policy of a role that ECS may assume for tasks of one account and Region.

    ECS Developer Guide, "Amazon ECS task IAM role": the conditions keep other accounts from using it through ECS.
    """
    statement: dict[str, Any] = {
        "Sid": "Tasks", "Effect": "Allow", "Principal": {"Service": _TASKS},
        "Action": ["sts:AssumeRole"],
    }  # fmt: skip
    if place.account != "*":
        source = f"arn:aws:ecs:{place.region}:{place.account}:*"
        limits = {"StringEquals": {"aws:SourceAccount": place.account}, "ArnLike": {"aws:SourceArn": source}}
        statement["Condition"] = limits
    return _policy([statement])


def service_trust(place: Place) -> dict[str, Any]:
    """Return the trust policy of a role that ECS, its tasks and functions may have.

    ECS Developer Guide, "Amazon ECS infrastructure IAM role", has no conditions for ECS itself.
    """
    services = [name for name in SERVICES if name != _TASKS]
    statement = {
        "Sid": "Services", "Effect": "Allow", "Principal": {"Service": services}, "Action": ["sts:AssumeRole"],
    }  # fmt: skip
    return _policy([statement, *task_trust(place)["Statement"]])


def service_role_policy(place: Place) -> dict[str, Any]:
    """Return what the role of services may do: invoke functions of runs, and shift traffic of their load balancers.

    ECS Developer Guide, "Amazon ECS infrastructure IAM role for load balancers", and "Lifecycle hooks for Amazon ECS
    service deployments". Describing has no resources.
    """
    named = ("loadbalancer", "listener", "listener-rule")
    changed = (*(f"{kind}/app/surveyor-*" for kind in named), "targetgroup/surveyor-*")
    return _policy([
        {"Sid": "Functions", "Effect": "Allow", "Action": ["lambda:InvokeFunction"],
         "Resource": list(place.arns("lambda", "function:surveyor-*"))},
        {"Sid": "Describe", "Effect": "Allow", "Action": [f"elasticloadbalancing:Describe{kind}" for kind in
         ("Listeners", "Rules", "TargetGroups", "TargetHealth")], "Resource": "*"},
        {"Sid": "Shift", "Effect": "Allow", "Action": [f"elasticloadbalancing:{name}" for name in
         ("DeregisterTargets", "ModifyListener", "ModifyRule", "RegisterTargets")],
         "Resource": list(place.arns("elasticloadbalancing", *changed))},
    ])  # fmt: skip


def make_policies(actions: Iterable[str], place: Place) -> list[dict[str, Any]]:
    """Return policies that together allow these actions where `place` says, each of the size of a managed policy."""
    by_scope: dict[str, tuple[Limit, list[str]]] = {}
    for action in sorted(set(actions)):
        for scope in limits_of(action, place):
            by_scope.setdefault(f"{scope}", (scope, []))[1].append(action)
    policies: list[dict[str, Any]] = []
    names: Counter[str] = Counter()
    for scope, allowed in sorted(by_scope.values(), key=lambda entry: entry[0].name):
        for some in _parts(scope, allowed):
            names[scope.name] += 1
            count = names[scope.name]
            statement = _statement(scope.name if count == 1 else f"{scope.name}{count}", scope, some)
            fitting = next((policy for policy in policies if _fits([*policy["Statement"], statement])), None)
            if fitting is None:
                policies.append(_policy([statement]))
            else:
                fitting["Statement"].append(statement)
    return policies


def _parts(scope: Limit, actions: Sequence[str]) -> list[Sequence[str]]:
    """Return the actions of a statement in parts that fit into a policy."""
    if _fits([_statement(scope.name, scope, actions)]):
        return [actions]
    half = len(actions) // 2
    return [*_parts(scope, actions[:half]), *_parts(scope, actions[half:])]


def _statement(sid: str, scope: Limit, actions: Sequence[str]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions)}
    statement["Resource"] = scope.resources[0] if len(scope.resources) == 1 else list(scope.resources)
    return {**statement, "Condition": scope.conditions} if scope.conditions else statement


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _fits(statements: list[dict[str, Any]]) -> bool:
    return policy_size(_policy(statements)) <= MAX_SIZE - 10  # a Sid may get a number


def policy_size(policy: Mapping[str, Any]) -> int:
    """Return the number of characters of a policy without white space."""
    return len("".join(json.dumps(policy, separators=(",", ":")).split()))


def format_policy(policy: Mapping[str, Any]) -> str:
    """Return a policy as JSON text."""
    return json.dumps(policy, indent=2)
