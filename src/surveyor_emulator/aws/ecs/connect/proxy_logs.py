"""Access logs of proxies, delivered by the log driver awslogs to CloudWatch Logs (moto's, in the same process).

ECS Developer Guide, Send Amazon ECS logs to CloudWatch: the stream is `prefix/container/task`.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.state import ConnectConfiguration, LogTarget, Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

__all__ = ["CONTAINER", "deliver_log_lines", "ensure_log_group"]

CONTAINER = "ecs-service-connect"


def ensure_log_group(call: Call, connect: ConnectConfiguration) -> None:
    """Create the log group if it is missing and the configuration allows it. Raises CannotStart if it does not."""
    target = connect.log_target
    if target is None:
        return
    from moto.logs.models import logs_backends  # loaded only if logs are used

    backend = logs_backends[call.account][target.region]
    if target.group not in backend.groups:
        if not target.creates_group:
            raise CannotStart(
                f"ResourceInitializationError: failed to validate logger args: there is no log group {target.group}"
            )
        backend.create_log_group(target.group, {})


def deliver_log_lines(call: Call, task: Task, connect: ConnectConfiguration, lines: list[str]) -> None:
    """Put lines of a task's proxy into its log stream, at this service second."""
    target = connect.log_target
    if target is None:
        return
    from moto.logs.models import logs_backends  # loaded only if logs are used

    stream = _stream_name(target, task)
    group = logs_backends[call.account][target.region].groups.get(target.group)
    if group is None:  # deleted meanwhile; the driver loses what it cannot deliver
        return
    if stream not in group.streams:
        group.create_log_stream(stream)
    group.put_log_events(stream, [{"timestamp": int(call.now * 1_000), "message": line} for line in lines])


def _stream_name(target: LogTarget, task: Task) -> str:
    return f"{target.prefix}/{CONTAINER}/{task.id}" if target.prefix else f"{CONTAINER}-{task.id}"
