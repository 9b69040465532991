"""One Envoy beside a task, from its start until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..tasks.supervisor import CannotStart, Exit, Process, Supervisor
from . import admin, envoy
from .bootstrap import ADMIN, INGRESS, LOG, render
from .members import MEMBERS
from .values import Plan

__all__ = ["Sidecar", "start"]

READY_WITHIN = 20.0  # wall seconds
LOOK = 0.005
_READ_AT_ONCE = 64 * 1024


@dataclass(slots=True, eq=False)
class Sidecar:
    """A running proxy."""

    plan: Plan
    folder: Path
    process: Process
    log: int | None = None

    async def statistics(self, pattern: str) -> Mapping[str, int]:
        """See ``admin.statistics``. Raises admin.Silent."""
        return await admin.statistics(self.folder / ADMIN, pattern)

    async def drain(self) -> None:
        """Have callers go elsewhere; one that does not answer drains nothing."""
        with contextlib.suppress(admin.Silent):
            await admin.drain(self.folder / ADMIN)

    async def calls_open(self) -> int:
        """Calls to its task that are under way."""
        try:
            found = await self.statistics(f"{INGRESS}.*downstream_(rq|cx)_active")
        except admin.Silent:
            return 0
        # A connection that is kept open without a request is no call; one of TCP is.
        kinds = {f"{INGRESS}.{number}": port.protocol for number, port in enumerate(self.plan.inbound)}
        return sum(
            found.get(f"tcp.{name}.downstream_cx_active", 0)
            if protocol == "tcp"
            else found.get(f"http.{name}.downstream_rq_active", 0)
            for name, protocol in kinds.items()
        )

    async def stop(self, supervisor: Supervisor) -> None:
        """End it, and take its folder away."""
        if not self.process.ended.done():
            await supervisor.signal(self.process, signal.SIGKILL)  # there is nothing that it could lose
            await self.process.ended
        if self.log is not None:
            asyncio.get_running_loop().remove_reader(self.log)
            os.close(self.log)
            self.log = None
        shutil.rmtree(self.folder, ignore_errors=True)


async def start(
    supervisor: Supervisor,
    plan: Plan,
    folder: Path,
    on_end: Callable[[Exit], object],
    on_log: Callable[[list[str]], object],
) -> Sidecar:
    """Start an Envoy in a folder that is its own; returns when it listens.

    ``on_log`` gets lines of its access log. Raises CannotStart.
    """
    binary = envoy.binary()
    if binary is None:
        raise CannotStart(envoy.INSTALL)
    configuration = folder / "envoy.json"
    configuration.write_text(render(plan, folder, supervisor.folder / MEMBERS), "utf-8")
    log = _listen(folder / LOG, on_log) if plan.access_log is not None else None
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}
    command = envoy.command(binary, configuration, plan)
    made = Sidecar(plan, folder, await supervisor.start(command, environment, on_end=on_end), log)
    if not await _is_ready(made):
        why = "ended" if made.process.ended.done() else f"was not ready within {READY_WITHIN:g} s"
        output = made.process.ended.result().output if made.process.ended.done() else ""
        await made.stop(supervisor)
        raise CannotStart(f"the Service Connect proxy {why}: {' '.join(output.split())[-400:]}")
    return made


async def _is_ready(of: Sidecar) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_WITHIN):
            while not of.process.ended.done():
                if await admin.is_ready(of.folder / ADMIN):
                    return True
                await asyncio.sleep(LOOK)
    return False


def _listen(place: Path, heard: Callable[[list[str]], object]) -> int:
    """Make a pipe at a place, whose lines are heard; it has a reader before anybody opens it to write."""
    os.mkfifo(place, 0o600)
    # For writing too, so that there is no end of file before Envoy has opened it.
    reader = os.open(place, os.O_RDWR | os.O_NONBLOCK)
    rest = b""

    def ready() -> None:
        nonlocal rest
        try:
            data = os.read(reader, _READ_AT_ONCE)
        except BlockingIOError:
            return
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            heard([line.decode("utf-8", "replace") for line in lines if line])

    asyncio.get_running_loop().add_reader(reader, ready)
    return reader
