"""EventBridge rules and SQS queues."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent

__all__ = ["delete_queues", "delete_rules", "find_queue", "find_rule"]

_NO_QUEUE = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")


def find_rule(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the rule's name, which is in the parameters of the call."""
    return (resource.parameters.get("Name", ""),)


def find_queue(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the URL of the queue of that name."""
    if resource.ids:
        return resource.ids
    found: list[str] = []
    with ignore_absent(*_NO_QUEUE):
        sqs = account.client("sqs", resource.region)
        found.append(sqs.get_queue_url(QueueName=resource.parameters.get("QueueName", ""))["QueueUrl"])
    return tuple(found)


def delete_rules(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete rules with their targets."""
    events = account.client("events", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with ignore_absent("ResourceNotFoundException"):
                targets = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
                if targets:
                    events.remove_targets(Rule=name, Ids=targets)
                events.delete_rule(Name=name)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def delete_queues(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete queues."""
    sqs = account.client("sqs", region)
    problems: dict[str, str] = {}
    for url in ids:
        try:
            with ignore_absent(*_NO_QUEUE):
                sqs.delete_queue(QueueUrl=url)
        except ClientError as error:
            problems[url] = str(error)
    return problems
