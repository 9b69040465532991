"""The order in which resources are deleted: contents before containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.ownership import NotOwned
from surveyor.account.removal.account import Account, FindIds, Problems
from surveyor.account.removal.cloudmap import delete_namespaces, delete_services, find_namespace, find_service
from surveyor.account.removal.ec2 import (
    delete_instances,
    delete_internet_gateways,
    delete_security_groups,
    delete_subnets,
    delete_vpcs,
    find_ec2,
)
from surveyor.account.removal.ecs import (
    delete_clusters,
    delete_ecs_services,
    delete_task_definitions,
    find_cluster,
    find_ecs_service,
    find_task,
    find_task_definition,
    stop_tasks,
)
from surveyor.account.removal.elb import delete_load_balancers, delete_target_groups, find_by_name
from surveyor.account.removal.events import delete_queues, find_queue, find_rule
from surveyor.account.removal.events import delete_rules as delete_event_rules
from surveyor.account.removal.functions import delete_functions, find_function
from surveyor.account.removal.principals import (
    delete_groups,
    delete_policies,
    delete_roles,
    delete_users,
    find_policy,
    find_principal,
)
from surveyor.account.removal.resolver import (
    delete_domain_lists,
    delete_endpoints,
    delete_rule_group_associations,
    delete_rule_groups,
    delete_rules,
    disassociate_rules,
    find_resolver,
)
from surveyor.account.removal.route53 import (
    delete_health_checks,
    delete_hosted_zones,
    find_health_check,
    find_hosted_zone,
)
from surveyor.account.removal.s3 import delete_buckets, find_bucket
from surveyor.account.removal.shares import delete_shares, find_share
from surveyor.account.removal.telemetry import (
    delete_alarms,
    delete_certificate_authorities,
    delete_log_groups,
    find_alarm,
    find_certificate_authority,
    find_log_group,
)
from surveyor.errors import SurveyorError

__all__ = ["DeletionResult", "delete_resources"]


@dataclass(frozen=True)
class _DeletionRule:
    """How resources of one kind are found and deleted."""

    kind: str
    find: FindIds
    delete: Callable[[Account, str, Sequence[str]], Problems]


_FAILURES = (ClientError, BotoCoreError, SurveyorError, NotOwned, AssertionError)

_RULES = (
    _DeletionRule("ECS service", find_ecs_service, delete_ecs_services),
    _DeletionRule("task", find_task, stop_tasks),
    _DeletionRule("load balancer", find_by_name, delete_load_balancers),
    _DeletionRule("target group", find_by_name, delete_target_groups),
    _DeletionRule("task definition", find_task_definition, delete_task_definitions),
    _DeletionRule("cluster", find_cluster, delete_clusters),
    _DeletionRule("function", find_function, delete_functions),
    _DeletionRule("alarm", find_alarm, delete_alarms),
    _DeletionRule("log group", find_log_group, delete_log_groups),
    _DeletionRule("certificate authority", find_certificate_authority, delete_certificate_authorities),
    _DeletionRule("rule", find_rule, delete_event_rules),
    _DeletionRule("queue", find_queue, delete_queues),
    _DeletionRule("bucket", find_bucket, delete_buckets),
    _DeletionRule("rule association", find_resolver, disassociate_rules),
    _DeletionRule("Resolver rule", find_resolver, delete_rules),
    _DeletionRule("Resolver endpoint", find_resolver, delete_endpoints),
    _DeletionRule("rule group association", find_resolver, delete_rule_group_associations),
    _DeletionRule("rule group", find_resolver, delete_rule_groups),
    _DeletionRule("domain list", find_resolver, delete_domain_lists),
    _DeletionRule("EC2 instance", find_ec2, delete_instances),
    _DeletionRule("security group", find_ec2, delete_security_groups),
    _DeletionRule("subnet", find_ec2, delete_subnets),
    _DeletionRule("service", find_service, delete_services),
    _DeletionRule("resource share", find_share, delete_shares),
    _DeletionRule("namespace", find_namespace, delete_namespaces),
    _DeletionRule("hosted zone", find_hosted_zone, delete_hosted_zones),
    _DeletionRule("health check", find_health_check, delete_health_checks),
    _DeletionRule("internet gateway", find_ec2, delete_internet_gateways),
    _DeletionRule("VPC", find_ec2, delete_vpcs),
    _DeletionRule("user", find_principal, delete_users),
    _DeletionRule("group", find_principal, delete_groups),
    _DeletionRule("role", find_principal, delete_roles),
    _DeletionRule("policy", find_policy, delete_policies),
)


@dataclass(frozen=True)
class DeletionResult:
    """The resources that were deleted, and those that remain with the reason for each."""

    deleted: list[Resource] = field(default_factory=list)
    remaining: dict[Resource, str] = field(default_factory=dict)


def delete_resources(resources: Sequence[Resource], account: Account) -> DeletionResult:
    """Delete resources in all Regions; a failure with one does not stop the others."""
    result = DeletionResult()
    if account.ownership:
        account.ownership.own(identifier for resource in resources for identifier in resource.ids)
    for rule in _RULES:
        chosen = [resource for resource in resources if resource.kind == rule.kind]
        for region in dict.fromkeys(resource.region for resource in chosen):
            _apply(rule, [resource for resource in chosen if resource.region == region], region, account, result)
    return result


def _apply(
    rule: _DeletionRule, resources: Sequence[Resource], region: str, account: Account, result: DeletionResult
) -> None:
    found: dict[Resource, tuple[str, ...]] = {}
    for resource in resources:
        try:
            found[resource] = rule.find(account, resource)
            if not found[resource] and account.clock.polling:  # a read right after the call may not show what it made
                account.clock.wait(timeouts.READ_AGAIN)
                found[resource] = rule.find(account, resource)
        except _FAILURES as error:
            result.remaining[resource] = _one_line(error)
    all_ids = list(dict.fromkeys(identifier for ids in found.values() for identifier in ids))
    if account.ownership:  # of a namespace the ledger has the operation alone, and an answer may have shown its id
        account.ownership.own(all_ids)
    try:
        problems = rule.delete(account, region, all_ids) if all_ids else {}
    except _FAILURES as error:
        problems = dict.fromkeys(all_ids, _one_line(error))
    for resource in resources:
        if resource not in found:
            continue
        reasons = [problems[identifier] for identifier in found[resource] if identifier in problems]
        if reasons:
            result.remaining[resource] = reasons[0]
        else:
            result.deleted.append(resource)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
