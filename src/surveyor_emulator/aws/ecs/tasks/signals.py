"""Signals to a task's processes, or to its proxy, from outside: experiments kill and pause them this way."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from surveyor_emulator.aws.ecs.state import EcsState
from surveyor_emulator.core.world import World
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["SIGNALS", "send_signal"]

SIGNALS: Mapping[str, int] = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT}


async def send_signal(world: World, arn: str, number: int, *, to_proxy: bool) -> bool:
    """Send a signal to all processes of the task of this ARN, or to its proxy; return whether any was running."""
    _, _, _, region, account, *_ = (*arn.split(":"), "", "", "", "", "")
    task = world.peek(EcsState, account, region).tasks.get(arn)
    if task is None:
        return False
    if to_proxy:
        processes = [task.sidecar.envoy.process] if task.sidecar is not None else []
    else:
        processes = [container.process for container in task.containers if container.process is not None]
    running = [process for process in processes if not process.ended.done()]
    for process in running:
        await runtime(world).supervisor.signal(process, number)
    return bool(running)
