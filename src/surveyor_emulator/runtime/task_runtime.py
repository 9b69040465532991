"""The runtime of a target's tasks: processes, addresses, endpoint discovery, and the pace of the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from surveyor_emulator.core.world import World
from surveyor_emulator.runtime.envoy.discovery import Discovery
from surveyor_emulator.runtime.tasks.addresses import NAMES, TASKS, Addresses
from surveyor_emulator.runtime.tasks.blackhole import Blackhole
from surveyor_emulator.runtime.tasks.borders import Borders
from surveyor_emulator.runtime.tasks.network_faults import NetworkFaults
from surveyor_emulator.runtime.tasks.pace import Pace
from surveyor_emulator.runtime.tasks.supervisor import Supervisor
from surveyor_emulator.runtime.tasks.vanished import VanishedAddresses

__all__ = ["Runtime", "runtime"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Processes, their addresses, and the pace that holds an advanced clock back while it waits for them.

    ``names`` are the addresses at which a task's proxy listens for each endpoint.
    """

    supervisor: Supervisor
    addresses: Addresses
    names: Addresses
    pace: Pace
    discovery: Discovery
    blackhole: Blackhole
    network_faults: NetworkFaults
    vanished: VanishedAddresses = field(default_factory=VanishedAddresses)

    def close(self) -> None:
        """End all tasks."""
        self.discovery.close()
        self.network_faults.close()
        self.supervisor.close()
        self.addresses.close()
        self.names.close()
        self.blackhole.close()
        self.vanished.close()


class _RuntimeHolder:
    """The runtime of one target, once something has needed it."""

    runtime: Runtime | None = None


def runtime(world: World) -> Runtime:
    """Return the runtime of a target; it is closed when the target ends."""
    holder = world.in_account(_RuntimeHolder, "")
    if holder.runtime is None:
        names = Addresses(NAMES)
        blackhole = Blackhole(names.take)
        traffic = world.traffic

        def is_hidden(address: str, port: int) -> bool:
            return traffic is not None and not traffic.admits_machine(address, port)

        faults = NetworkFaults(Random(world.settings.seed + 4), is_hidden)
        borders = Borders(traffic, blackhole.address, faults.swallows)
        supervisor = Supervisor(use_namespace=world.settings.task_namespace == "if-allowed", borders=borders)
        discovery = Discovery(world.clock.run)
        holder.runtime = Runtime(supervisor, Addresses(TASKS), names, Pace(world), discovery, blackhole, faults)
        world.at_end.append(holder.runtime.close)
        world.clock.before_advance.append(holder.runtime.supervisor.catch_up)
    return holder.runtime
