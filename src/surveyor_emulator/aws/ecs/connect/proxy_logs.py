"""Access logs of proxies, delivered by the log driver awslogs to CloudWatch Logs, which is moto's in the same process.

ECS Developer Guide, Send Amazon ECS logs to CloudWatch: the stream is `prefix/container/task`.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.state import ConnectConfiguration, LogTarget, Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

__all__ = ["CONTAINER", "deliver_log_lines", "ensure_log_group"]

CONTAINER = "ecs-service-connect"


def ensure_log_group(call: Call, of: ConnectConfiguration) -> None:
    """CannotStart where the log group is not there and is not to be made."""
    if of.log_target is None:
        return
    from moto.logs.models import logs_backends  # loaded only for those who log

    groups = logs_backends[call.account][of.log_target.region].groups
    if of.log_target.group not in groups:
        if not of.log_target.creates_group:
            raise CannotStart(
                f"ResourceInitializationError: failed to validate logger args: there is no log group {of.log_target.group}"
            )
        logs_backends[call.account][of.log_target.region].create_log_group(of.log_target.group, {})


def deliver_log_lines(call: Call, task: Task, of: ConnectConfiguration, lines: list[str]) -> None:
    """Put lines of a task's proxy into its stream, at this service second."""
    if of.log_target is None:
        return
    from moto.logs.models import logs_backends

    stream = _stream(of.log_target, task)
    group = logs_backends[call.account][of.log_target.region].groups.get(of.log_target.group)
    if group is None:  # somebody has deleted it; the driver loses what it cannot deliver
        return
    if stream not in group.streams:
        group.create_log_stream(stream)
    group.put_log_events(stream, [{"timestamp": int(call.now * 1_000), "message": line} for line in lines])


def _stream(log: LogTarget, task: Task) -> str:
    return f"{log.prefix}/{CONTAINER}/{task.id}" if log.prefix else f"{CONTAINER}-{task.id}"
