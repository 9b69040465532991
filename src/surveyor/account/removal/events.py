"""Rules of EventBridge and queues."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone

__all__ = ["find_queue", "find_rule", "remove_queues", "remove_rules"]

_NO_QUEUE = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")


def find_rule(account: Account, thing: Thing) -> tuple[str, ...]:
    """The rule's name, which it was given."""
    return (thing.asked.get("Name", ""),)


def find_queue(account: Account, thing: Thing) -> tuple[str, ...]:
    """The URL of the queue of that name."""
    if thing.ids:
        return thing.ids
    found: list[str] = []
    with gone(*_NO_QUEUE):
        sqs = account.client("sqs", thing.region)
        found.append(sqs.get_queue_url(QueueName=thing.asked.get("QueueName", ""))["QueueUrl"])
    return tuple(found)


def remove_rules(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete rules with their targets."""
    events = account.client("events", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with gone("ResourceNotFoundException"):
                targets = [one["Id"] for one in events.list_targets_by_rule(Rule=name)["Targets"]]
                if targets:
                    events.remove_targets(Rule=name, Ids=targets)
                events.delete_rule(Name=name)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def remove_queues(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete queues."""
    sqs = account.client("sqs", region)
    problems: dict[str, str] = {}
    for url in ids:
        try:
            with gone(*_NO_QUEUE):
                sqs.delete_queue(QueueUrl=url)
        except ClientError as error:
            problems[url] = str(error)
    return problems
