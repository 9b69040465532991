"""Hearing events: a rule on the account's default bus, and a queue that it delivers to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.answers import member
from surveyor.plugin.account import ClientFactory, Unique

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

__all__ = ["Listen"]


class Listen(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, pattern: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        """`heard = listen(pattern)`: `heard()` gives all events that have matched since, in the order they came."""


@pytest.fixture
def listen(client: ClientFactory, unique: Unique) -> Iterator[Listen]:
    """Makes rules and queues, and takes them away in the end."""
    events: EventBridgeClient = client("events")
    sqs: SQSClient = client("sqs")
    made: list[tuple[str, str]] = []

    def make(pattern: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        name = unique("events")
        queue = str(member(sqs.create_queue(QueueName=name), "QueueUrl", of="CreateQueue"))
        told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn = str(member(told, "Attributes", "QueueArn", of="GetQueueAttributes"))
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        made.append((name, queue))
        seen: list[dict[str, Any]] = []

        def heard() -> list[dict[str, Any]]:
            while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
                for one in messages:
                    seen.append(json.loads(one["Body"]))
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
            return seen

        return heard

    yield make
    for name, queue in made:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)
        sqs.delete_queue(QueueUrl=queue)
