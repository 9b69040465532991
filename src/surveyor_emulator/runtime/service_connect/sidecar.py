"""One Envoy beside a task, and the lines of its access log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from surveyor_emulator.runtime.envoy import running
from surveyor_emulator.runtime.envoy.admin import Silent
from surveyor_emulator.runtime.envoy.running import Envoy
from surveyor_emulator.runtime.tasks.supervisor import Exit, Supervisor

from .bootstrap import DRAIN, INGRESS, LOG, render
from .values import Plan

__all__ = ["Sidecar", "start"]

_READ_AT_ONCE = 64 * 1024


@dataclass(slots=True, eq=False)
class Sidecar:
    """A running proxy."""

    plan: Plan
    envoy: Envoy
    log: int | None = None

    async def calls_open(self) -> int:
        """Calls to its task that are under way."""
        try:
            found = await self.envoy.statistics(f"{INGRESS}.*downstream_(rq|cx)_active")
        except Silent:
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
        await self.envoy.stop(supervisor)
        if self.log is not None:
            asyncio.get_running_loop().remove_reader(self.log)
            os.close(self.log)
            self.log = None


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
    log = _listen(folder / LOG, on_log) if plan.access_log is not None else None
    configuration = render(plan, folder)
    drain = DRAIN * plan.second
    envoy = await running.start(supervisor, configuration, folder, on_end=on_end, drain=drain, debug=plan.debug)
    return Sidecar(plan, envoy, log)


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
