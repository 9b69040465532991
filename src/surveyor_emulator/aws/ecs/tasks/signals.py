"""Signals to a task's processes, or to its proxy, from outside: how chaos kills and pauses what answers to nobody."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from surveyor_emulator.aws.ecs.state import EcsState
from surveyor_emulator.core.world import World
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["SIGNALS", "send"]

SIGNALS: Mapping[str, int] = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT}


async def send(world: World, arn: str, number: int, *, to_proxy: bool) -> bool:
    """Send a signal to all processes of the task of this ARN, or to its proxy; whether there was one."""
    _, _, _, region, account, *_ = (*arn.split(":"), "", "", "", "", "")
    task = world.regional(EcsState, account, region).tasks.get(arn)
    if task is None:
        return False
    if to_proxy:
        found = [task.sidecar.envoy.process] if task.sidecar is not None else []
    else:
        found = [one.process for one in task.containers if one.process is not None]
    going = [process for process in found if not process.ended.done()]
    for process in going:
        await runtime(world).supervisor.signal(process, number)
    return bool(going)
