"""Load balancers with their listeners, and target groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from botocore.exceptions import ClientError

from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone, persist

__all__ = ["find_by_name", "remove_balancers", "remove_target_groups"]


def find_by_name(account: Account, thing: Thing) -> tuple[str, ...]:
    """The thing that the call made, or, where no answer came, what has the name that it was given."""
    if thing.ids:
        return thing.ids
    elb, name = account.client("elbv2", thing.region), thing.asked.get("Name", "")
    try:
        if thing.what == "target group":
            return tuple(one["TargetGroupArn"] for one in elb.describe_target_groups(Names=[name])["TargetGroups"])
        return tuple(one["LoadBalancerArn"] for one in elb.describe_load_balancers(Names=[name])["LoadBalancers"])
    except ClientError:  # there is none of that name
        return ()


def remove_balancers(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete load balancers; their listeners go with them."""
    elb = account.client("elbv2", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone("LoadBalancerNotFound"):
                elb.delete_load_balancer(LoadBalancerArn=arn)
        except ClientError as error:
            problems[arn] = str(error)
    return problems


def remove_target_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete target groups, once no listener refers to them any more."""
    elb = account.client("elbv2", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone("TargetGroupNotFound"):
                persist(account, partial(elb.delete_target_group, TargetGroupArn=arn), "ResourceInUse")
        except ClientError as error:
            problems[arn] = str(error)
    return problems
