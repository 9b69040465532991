"""Access logs of proxies, delivered by the log driver awslogs to CloudWatch Logs, which is moto's in the same process.

ECS Developer Guide, Send Amazon ECS logs to CloudWatch: the stream is `prefix/container/task`.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.state import Connect, LogTarget, Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

__all__ = ["CONTAINER", "deliver", "refuse_without_group"]

CONTAINER = "ecs-service-connect"


def refuse_without_group(call: Call, of: Connect) -> None:
    """CannotStart where the log group is not there and is not to be made."""
    if of.log is None:
        return
    from moto.logs.models import logs_backends  # loaded only for those who log

    groups = logs_backends[call.account][of.log.region].groups
    if of.log.group not in groups:
        if not of.log.creates:
            raise CannotStart(
                f"ResourceInitializationError: failed to validate logger args: there is no log group {of.log.group}"
            )
        logs_backends[call.account][of.log.region].create_log_group(of.log.group, {})


def deliver(call: Call, task: Task, of: Connect, lines: list[str]) -> None:
    """Put lines of a task's proxy into its stream, at this service second."""
    if of.log is None:
        return
    from moto.logs.models import logs_backends

    stream = _stream(of.log, task)
    group = logs_backends[call.account][of.log.region].groups.get(of.log.group)
    if group is None:  # somebody has deleted it; the driver loses what it cannot deliver
        return
    if stream not in group.streams:
        group.create_log_stream(stream)
    group.put_log_events(stream, [{"timestamp": int(call.now * 1_000), "message": line} for line in lines])


def _stream(log: LogTarget, task: Task) -> str:
    return f"{log.prefix}/{CONTAINER}/{task.id}" if log.prefix else f"{CONTAINER}-{task.id}"
