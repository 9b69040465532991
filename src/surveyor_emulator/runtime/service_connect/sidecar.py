"""One Envoy beside a task, and the lines of its access log."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from surveyor_emulator.runtime.envoy import running
from surveyor_emulator.runtime.envoy.admin import AdminUnavailable
from surveyor_emulator.runtime.envoy.running import Envoy
from surveyor_emulator.runtime.tasks.supervisor import Exit, Supervisor

from .bootstrap import DRAIN, INGRESS, LOG, render
from .values import WORKERS, Plan

__all__ = ["Sidecar", "start"]

_READ_AT_ONCE = 64 * 1024
# Wall seconds.
READ_TIMEOUT = 10.0
POLL_INTERVAL = 0.02


@dataclass(slots=True, eq=False)
class Sidecar:
    """A running proxy. ``restarts``: how often its Envoy was started again; ``restarting``: this happens now."""

    plan: Plan
    envoy: Envoy
    log: int | None = None
    restarts: int = 0
    restarting: bool = False
    stopped: bool = False

    async def restart(self, supervisor: Supervisor, on_end: Callable[[Exit], object]) -> None:
        """Start an Envoy again that has ended; return once it listens. Raises CannotStart."""
        self.restarts, self.restarting = self.restarts + 1, True
        try:
            envoy = await _start_envoy(supervisor, self.plan, self.envoy.folder, on_end)
        finally:
            self.restarting = False
        self.envoy = envoy
        if self.stopped:
            await envoy.stop(supervisor)

    async def count_open_calls(self) -> int:
        """Return how many calls to its task are in progress; 0 if the proxy does not answer."""
        try:
            statistics = await self.envoy.statistics(f"{INGRESS}.*downstream_(rq|cx)_active")
        except AdminUnavailable:
            return 0
        # An idle HTTP connection is no call; for TCP every connection is one.
        protocols = {f"{INGRESS}.{number}": port.protocol for number, port in enumerate(self.plan.inbound)}
        return sum(
            statistics.get(f"tcp.{name}.downstream_cx_active", 0)
            if protocol == "tcp"
            else statistics.get(f"http.{name}.downstream_rq_active", 0)
            for name, protocol in protocols.items()
        )

    async def replace_certificates(self, write: Callable[[], bool]) -> None:
        """Call ``write``, which replaces the files and returns whether it did; return once the proxy has read them.

        A proxy that presents no certificate, or does not answer, is not waited for.
        """
        presents = self.plan.secrets is not None and self.plan.secrets.certificate is not None
        before = await self._presented() if presents else None
        if not write() or before is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_TIMEOUT):
                while await self._presented() == before:  # noqa: ASYNC110 (another process sends no events)
                    await asyncio.sleep(POLL_INTERVAL)

    async def _presented(self) -> frozenset[str] | None:
        try:
            return await self.envoy.certificates()
        except AdminUnavailable:
            return None

    async def stop(self, supervisor: Supervisor) -> None:
        """End the proxy, and delete its folder."""
        self.stopped = True
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
    """Start an Envoy in a folder for it alone; return once it listens.

    ``on_log`` gets lines of its access log. Raises CannotStart.
    """
    log = _read_log(folder / LOG, on_log) if plan.access_log is not None else None
    return Sidecar(plan, await _start_envoy(supervisor, plan, folder, on_end), log)


async def _start_envoy(supervisor: Supervisor, plan: Plan, folder: Path, on_end: Callable[[Exit], object]) -> Envoy:
    drain = DRAIN * plan.second
    return await running.start(
        supervisor,
        render(plan, folder),
        folder,
        address=plan.outer,
        on_end=on_end,
        drain=drain,
        workers=WORKERS,
        debug=plan.debug,
    )


def _read_log(path: Path, on_lines: Callable[[list[str]], object]) -> int:
    """Create a pipe at ``path`` and pass its lines on; return the descriptor of the reading end.

    The pipe has a reader before Envoy opens it for writing, since opening would block otherwise.
    """
    os.mkfifo(path, 0o600)
    # Open for writing too, so that there is no end of file before Envoy has opened it.
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    rest = b""

    def read() -> None:
        nonlocal rest
        try:
            data = os.read(reader, _READ_AT_ONCE)
        except BlockingIOError:
            return
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            on_lines([line.decode("utf-8", "replace") for line in lines if line])

    asyncio.get_running_loop().add_reader(reader, read)
    return reader
