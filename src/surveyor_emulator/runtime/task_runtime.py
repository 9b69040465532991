"""What runs tasks, one for each target: processes, addresses, and the pace that both are given."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor_emulator.core.world import World
from surveyor_emulator.runtime.envoy.discovery import Discovery
from surveyor_emulator.runtime.tasks.addresses import NAMES, TASKS, Addresses
from surveyor_emulator.runtime.tasks.blackhole import Nowhere
from surveyor_emulator.runtime.tasks.pace import Pace
from surveyor_emulator.runtime.tasks.supervisor import Supervisor

__all__ = ["Runtime", "runtime"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Processes, their addresses, and what holds an advanced clock back while they are waited for.

    ``names`` are the addresses that a task's proxy answers at for others.
    """

    supervisor: Supervisor
    addresses: Addresses
    names: Addresses
    pace: Pace
    discovery: Discovery
    _nowhere: list[Nowhere] = field(default_factory=list)

    def nowhere(self) -> tuple[str, int]:
        """An address and port where connections are neither taken nor refused."""
        if not self._nowhere:
            self._nowhere.append(Nowhere(self.names.take()))
        return self._nowhere[0].place

    def close(self) -> None:
        """End all tasks."""
        self.discovery.close()
        self.supervisor.close()
        self.addresses.close()
        self.names.close()
        for one in self._nowhere:
            one.close()


class _Held:
    """Where a target keeps it once it has been needed."""

    runtime: Runtime | None = None


def runtime(world: World) -> Runtime:
    """The one of this target; it ends with it."""
    held = world.in_account(_Held, "")
    if held.runtime is None:
        held.runtime = Runtime(Supervisor(), Addresses(TASKS), Addresses(NAMES), Pace(world), Discovery())
        world.at_end.append(held.runtime.close)
    return held.runtime
