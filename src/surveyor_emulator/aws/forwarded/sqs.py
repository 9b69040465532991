"""The permissions that requests to SQS need (Service Authorization Reference, Amazon SQS)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource, fill
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def _queue(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find the queue of a name or URL, whose last part is the name; queues of other accounts are not reached."""
    from moto.sqs.models import sqs_backends

    name = str(params.get("QueueName") or params.get("QueueUrl") or "").rpartition("/")[2]
    queue = sqs_backends[call.account][call.region].queues.get(name)
    yield NamedResource(fill("arn:aws:sqs:{region}:{account}:{name}", call, name), tags=queue.tags if queue else {})


permission_requests = ActionTable(
    types=[
        (
            _queue,
            (
                "AddPermission CancelMessageMoveTask ChangeMessageVisibility ChangeMessageVisibilityBatch "
                "CreateQueue DeleteMessage DeleteMessageBatch DeleteQueue GetQueueAttributes GetQueueUrl "
                "ListDeadLetterSourceQueues ListMessageMoveTasks ListQueueTags PurgeQueue ReceiveMessage "
                "RemovePermission SendMessage SendMessageBatch SetQueueAttributes StartMessageMoveTask TagQueue "
                "UntagQueue"
            ),
        )
    ],
    without="ListQueues",
    actions={f"{name}Batch": f"sqs:{name}" for name in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")},
).permission_requests
