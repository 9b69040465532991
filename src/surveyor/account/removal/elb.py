"""Load balancers with their listeners, and target groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while

__all__ = ["delete_load_balancers", "delete_target_groups", "find_by_name"]


def find_by_name(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return what the call created; without an answer, the load balancer or target group of that name."""
    if resource.ids:
        return resource.ids
    elb, name = account.client("elbv2", resource.region), resource.parameters.get("Name", "")
    found: list[str] = []
    with ignore_absent("TargetGroupNotFound", "LoadBalancerNotFound"):
        if resource.kind == "target group":
            found += [group["TargetGroupArn"] for group in elb.describe_target_groups(Names=[name])["TargetGroups"]]
        else:
            found += [entry["LoadBalancerArn"] for entry in elb.describe_load_balancers(Names=[name])["LoadBalancers"]]
    return tuple(found)


def delete_load_balancers(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete load balancers; their listeners are deleted with them."""
    elb = account.client("elbv2", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with ignore_absent("LoadBalancerNotFound"):
                elb.delete_load_balancer(LoadBalancerArn=arn)
        except ClientError as error:
            problems[arn] = str(error)
    return problems


def delete_target_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete target groups, once no listener refers to them any more."""
    elb = account.client("elbv2", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with ignore_absent("TargetGroupNotFound"):
                delete = partial(elb.delete_target_group, TargetGroupArn=arn)
                retry_while(account, delete, "ResourceInUse", within=timeouts.REMOVAL)
        except ClientError as error:
            problems[arn] = str(error)
    return problems
