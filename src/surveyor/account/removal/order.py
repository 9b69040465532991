"""In which order things are taken away: what is inside before what is around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Found, Problems
from surveyor.account.removal.cloudmap import find_namespace, find_service, remove_namespaces, remove_services
from surveyor.account.removal.ec2 import find_ec2, remove_groups, remove_instances, remove_subnets, remove_vpcs
from surveyor.account.removal.ecs import (
    find_cluster,
    find_ecs_service,
    find_task,
    find_task_definition,
    remove_clusters,
    remove_ecs_services,
    remove_task_definitions,
    remove_tasks,
)
from surveyor.account.removal.elb import find_by_name, remove_balancers, remove_target_groups
from surveyor.account.removal.events import find_queue, find_rule, remove_queues, remove_rules
from surveyor.account.removal.route53 import find_check, find_zone, remove_checks, remove_zones
from surveyor.account.removal.telemetry import find_authority, find_log_group, remove_authorities, remove_log_groups
from surveyor.errors import SurveyorError

__all__ = ["Outcome", "delete_resources"]


@dataclass(frozen=True)
class _Way:
    """How things of one kind are found and removed."""

    what: str
    find: Found
    remove: Callable[[Account, str, Sequence[str]], Problems]


_ORDER = (
    _Way("ECS service", find_ecs_service, remove_ecs_services),
    _Way("task", find_task, remove_tasks),
    _Way("load balancer", find_by_name, remove_balancers),
    _Way("target group", find_by_name, remove_target_groups),
    _Way("task definition", find_task_definition, remove_task_definitions),
    _Way("cluster", find_cluster, remove_clusters),
    _Way("log group", find_log_group, remove_log_groups),
    _Way("certificate authority", find_authority, remove_authorities),
    _Way("rule", find_rule, remove_rules),
    _Way("queue", find_queue, remove_queues),
    _Way("EC2 instance", find_ec2, remove_instances),
    _Way("security group", find_ec2, remove_groups),
    _Way("subnet", find_ec2, remove_subnets),
    _Way("service", lambda account, thing: thing.ids or find_service(account, thing), remove_services),
    _Way("namespace", find_namespace, remove_namespaces),
    _Way("hosted zone", find_zone, remove_zones),
    _Way("health check", find_check, remove_checks),
    _Way("VPC", find_ec2, remove_vpcs),
)


@dataclass(frozen=True)
class Outcome:
    """What became of things: those that are gone, and why others are not."""

    gone: list[Thing] = field(default_factory=list)
    left: dict[Thing, str] = field(default_factory=dict)


def delete_resources(things: Sequence[Thing], account: Account) -> Outcome:
    """Take away what these things are, in all regions; whatever goes wrong with one, the others are tried."""
    outcome = Outcome()
    for way in _ORDER:
        chosen = [thing for thing in things if thing.what == way.what]
        for region in dict.fromkeys(thing.region for thing in chosen):
            _take([thing for thing in chosen if thing.region == region], region, way, account, outcome)
    return outcome


def _take(things: Sequence[Thing], region: str, way: _Way, account: Account, outcome: Outcome) -> None:
    found: dict[Thing, tuple[str, ...]] = {}
    for thing in things:
        try:
            found[thing] = way.find(account, thing)
        except (ClientError, BotoCoreError, SurveyorError, AssertionError) as error:
            outcome.left[thing] = _line(error)
    ids = list(dict.fromkeys(one for several in found.values() for one in several))
    try:
        problems = way.remove(account, region, ids) if ids else {}
    except (ClientError, BotoCoreError, SurveyorError, AssertionError) as error:
        problems = dict.fromkeys(ids, _line(error))
    for thing in things:
        if thing not in found:
            continue
        left = [problems[one] for one in found[thing] if one in problems]
        if left:
            outcome.left[thing] = left[0]
        else:
            outcome.gone.append(thing)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
