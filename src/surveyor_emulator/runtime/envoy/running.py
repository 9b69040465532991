"""One Envoy, from its start until it is told to end."""

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
"""Where its configuration has to put its admin interface, in its own folder."""

READY_WITHIN = 20.0  # wall seconds
LOOK = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Envoy:
    """A running one; its folder is its own."""

    folder: Path
    process: Process

    async def statistics(self, pattern: str) -> Mapping[str, int]:
        """See ``admin.statistics``. Raises admin.Silent."""
        return await admin.statistics(self.folder / ADMIN, pattern)

    async def drain(self) -> None:
        """Have callers go elsewhere; one that does not answer drains nothing."""
        with contextlib.suppress(admin.Silent):
            await admin.drain(self.folder / ADMIN)

    async def stop(self, supervisor: Supervisor) -> None:
        """End it, and take its folder away."""
        if not self.process.ended.done():
            await supervisor.signal(self.process, signal.SIGKILL)  # there is nothing that it could lose
            await self.process.ended
        shutil.rmtree(self.folder, ignore_errors=True)


async def start(
    supervisor: Supervisor,
    configuration: str,
    folder: Path,
    *,
    on_end: Callable[[Exit], object] = lambda how: None,
    drain: float = 0.0,
    debug: bool = False,
) -> Envoy:
    """Start one with this configuration (JSON) in this folder; returns when it listens.

    ``drain``: wall seconds that it takes over ``drain``. Raises CannotStart.
    """
    path = binary()
    if path is None:
        raise CannotStart(INSTALL)
    file = folder / "envoy.json"
    file.write_text(configuration, "utf-8")
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/"}
    # A single worker thread, and none of the machinery for restarting in place.
    command = [path, "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
    command += ["--log-level", "debug" if debug else "error", "--file-flush-interval-msec", "50"]
    command += ["--drain-time-s", str(max(1, math.ceil(drain)))]
    made = Envoy(folder, await supervisor.start(command, environment, on_end=on_end))
    if not await _is_ready(made):
        ended = made.process.ended.done()
        output = made.process.ended.result().output if ended else ""
        await made.stop(supervisor)
        why = "ended" if ended else f"was not ready within {READY_WITHIN:g} s"
        raise CannotStart(f"Envoy {why}: {' '.join(output.split())[-400:]}")
    return made


async def _is_ready(of: Envoy) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_WITHIN):
            while not of.process.ended.done():
                if await admin.is_ready(of.folder / ADMIN):
                    return True
                await asyncio.sleep(LOOK)
    return False
