"""The addresses of tasks and load balancers: of their subnet in a sandbox, else loopback addresses of this machine."""

from __future__ import annotations

from ipaddress import IPv4Address

from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.addresses import Exhausted

from .state import ec2_state

__all__ = ["assign_address", "claim_address", "release_address"]


def assign_address(call: Call, subnet_id: str | None) -> str:
    """Return an address for what runs in a subnet. Raises Exhausted if none is free."""
    subnet = ec2_state(call.world, call.account, call.region).subnets.get(subnet_id or "")
    addresses = runtime(call.world).addresses
    if call.world.settings.task_addresses == "loopback" or subnet is None or subnet.native:
        return _taken(call)
    for address in subnet.unused_longest():
        if addresses.claim(str(address)):  # another account may have this network too, or another target
            subnet.used.add(address)
            runtime(call.world).vanished.restore(str(address))
            return str(address)
    raise Exhausted(f"no address of {subnet.id} is free")


def claim_address(call: Call, address: str) -> str:
    """Return that private address of an instance, or one of this machine where it is of no use here."""
    addresses = runtime(call.world).addresses
    is_own = call.world.settings.task_addresses == "subnet" and bool(address) and addresses.claim(address)
    if not is_own:
        return _taken(call)
    runtime(call.world).vanished.restore(address)
    return address


def _taken(call: Call) -> str:
    """Return an unused address of this machine. Raises Exhausted."""
    run = runtime(call.world)
    address = run.addresses.take()
    run.vanished.restore(address)
    return address


def release_address(call: Call, subnet_id: str | None, address: str) -> None:
    """Release an address that `assign_address` returned."""
    runtime(call.world).addresses.release(address)
    subnet = ec2_state(call.world, call.account, call.region).subnets.get(subnet_id or "")
    if subnet is not None:
        subnet.used.discard(IPv4Address(address))
