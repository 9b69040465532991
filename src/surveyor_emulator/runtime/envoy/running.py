"""One Envoy process, from start to stop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit, Process, Supervisor

from . import admin
from .binary import INSTALL, binary

__all__ = ["ADMIN", "Envoy", "start"]

ADMIN = "admin.sock"
"""File name of the admin socket in the folder of an Envoy; its configuration must use it."""

# Wall seconds.
READY_TIMEOUT = 20.0
POLL_INTERVAL = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Envoy:
    """A running Envoy; no other uses its folder."""

    folder: Path
    process: Process

    async def statistics(self, pattern: str) -> Mapping[str, int]:
        """Return counters and gauges, see ``admin.statistics``. Raises admin.AdminUnavailable."""
        return await admin.statistics(self.folder / ADMIN, pattern)

    async def certificates(self) -> frozenset[str]:
        """Return the serial numbers of the certificates that it presents. Raises admin.AdminUnavailable."""
        return await admin.certificates(self.folder / ADMIN)

    async def drain(self) -> None:
        """Ask callers to go elsewhere; an Envoy that does not answer drains nothing."""
        with contextlib.suppress(admin.AdminUnavailable):
            await admin.drain(self.folder / ADMIN)

    async def stop(self, supervisor: Supervisor) -> None:
        """Kill the process, and delete its folder."""
        if not self.process.ended.done():
            await supervisor.signal(self.process, signal.SIGKILL)  # it has no state to lose
            await self.process.ended
        shutil.rmtree(self.folder, ignore_errors=True)


async def start(
    supervisor: Supervisor,
    configuration: str,
    folder: Path,
    *,
    address: str = "",
    on_end: Callable[[Exit], object] = lambda exit: None,
    drain: float = 0.0,
    workers: int = 1,
    debug: bool = False,
) -> Envoy:
    """Start an Envoy with this configuration (JSON) in this folder; return once it listens.

    ``address``: what it acts as (`Supervisor.start`); ``drain``: wall seconds that `Envoy.drain` takes; ``workers``:
    threads, of which each balances its own connections.
    Raises CannotStart.
    """
    path = binary()
    if path is None:
        raise CannotStart(INSTALL)
    file = folder / "envoy.json"
    file.write_text(configuration, "utf-8")
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}
    command = [path, "--config-path", str(file), "--concurrency", str(workers), "--disable-hot-restart"]
    command += ["--log-level", "debug" if debug else "error", "--file-flush-interval-msec", "50"]
    command += ["--drain-time-s", str(max(1, math.ceil(drain)))]
    envoy = Envoy(folder, await supervisor.start(command, environment, address=address, on_end=on_end))
    if not await _becomes_ready(envoy):
        ended = envoy.process.ended.done()
        output = envoy.process.ended.result().output if ended else ""
        await envoy.stop(supervisor)
        why = "ended" if ended else f"was not ready within {READY_TIMEOUT:g} s"
        raise CannotStart(f"Envoy {why}: {' '.join(output.split())[-400:]}")
    return envoy


async def _becomes_ready(envoy: Envoy) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_TIMEOUT):
            while not envoy.process.ended.done():
                if await admin.is_ready(envoy.folder / ADMIN):
                    return True
                await asyncio.sleep(POLL_INTERVAL)
    return False
