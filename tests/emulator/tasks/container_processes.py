"""Containers in a supervisor of a test, as this machine's process list shows them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from surveyor_emulator.runtime.tasks import leftovers, processes
from surveyor_emulator.runtime.tasks.supervisor import Exit, Process, Supervisor

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}
TIMEOUT = 20.0  # wall seconds

Body = Callable[[Supervisor], Coroutine[Any, Any, None]]
Run = Callable[[Body], None]


def run_supervised(body: Body, *, use_namespace: bool) -> None:
    """Run a test in an event loop with a new supervisor, and check that nothing is left of it afterwards."""

    async def within() -> None:
        supervisor = Supervisor(use_namespace=use_namespace)
        try:
            await asyncio.wait_for(body(supervisor), TIMEOUT)
        finally:
            mark = supervisor._mark
            supervisor.close()
        assert marked(mark) == set()
        assert not supervisor.folder.exists() or supervisor.folder == Path()

    asyncio.run(within())


async def ended(supervisor: Supervisor, *command: str, memory: int = 0) -> Exit:
    """Run a command; return how it ended."""
    process = await supervisor.start(command, ENVIRONMENT, memory=memory)
    return await process.ended


async def start_python(supervisor: Supervisor, program: str, memory: int = 0) -> Process:
    """Start a Python program in a container."""
    return await supervisor.start([sys.executable, "-c", program], ENVIRONMENT, memory=memory)


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    while not condition():  # noqa: ASYNC110 (the end of a process sends no event here)
        await asyncio.sleep(0.01)


async def until_printed(supervisor: Supervisor, process: Process, text: str) -> str:
    """Return the output of a process once it has this text."""
    while text not in (output := await supervisor.output(process)):  # noqa: ASYNC110 (output sends no event)
        await asyncio.sleep(0.01)
    return output


def marked(mark: int) -> set[int]:
    """Return the processes with a target's mark, apart from those that have ended."""
    return {pid for pid in processes.all_pids() if leftovers.has_mark(pid, mark) and not processes.has_ended(pid)}


def running(supervisor: Supervisor) -> set[int]:
    """Return all processes of a supervisor's containers with their keepers, as seen from outside."""
    assert supervisor._parent is not None
    server = {supervisor._parent.pid, server_of(supervisor)}
    return marked(supervisor._mark) - server


def server_of(supervisor: Supervisor) -> int:
    """Return the process id of the fork server: the process that was started, or its child in a PID namespace."""
    assert supervisor._parent is not None
    pid = supervisor._parent.pid
    inside = [child for child in processes.children_of(pid) if ids_of(child)[1:] == [1]]
    return inside[0] if inside else pid


def seen_from_outside(supervisor: Supervisor, process: Process) -> int:
    """Return the process id that a container's first process has outside of its PID namespace."""
    found = [pid for pid in running(supervisor) if ids_of(pid)[-1:] == [process.pid]]
    return found[0]


def ids_of(pid: int) -> list[int]:
    """Return the ids of a process, from this namespace inwards; none if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    return [int(word) for line in lines if line.startswith("NSpid:") for word in line.split()[1:]]
