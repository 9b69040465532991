"""The addresses of a task, and the ports of its host that lead to it."""

from __future__ import annotations

from surveyor_emulator.aws.ec2.assigned_addresses import assign_address, release_address
from surveyor_emulator.aws.ec2.interfaces import (
    Interface,
    attach,
    default_group,
    detach,
    free_public_address,
    interface_at,
)
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.connect import proxies
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.state import ContainerInstance, Task
from surveyor_emulator.aws.ecs.task_properties import interface_of
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.addresses import Exhausted

__all__ = ["assign_addresses", "release_addresses", "remove_interface"]

HOST_PORTS = range(32_768, 61_000)
"""Ports of the host that bridge mode assigns (ECS Developer Guide, PortMapping: the ephemeral range)."""


def assign_addresses(call: Call, task: Task) -> bool:
    """Assign the task's addresses; return whether that succeeded."""
    if task.subnet is not None:
        subnet = ec2_state(call.world, call.account, call.region).subnets.get(task.subnet)
        if subnet is None:
            return False
        task.ipv6_only = subnet.native
        ipv6 = subnet.next_ipv6()
        task.ipv6 = str(ipv6) if ipv6 is not None else None
    mode = task.template.definition.network_mode
    try:
        proxies.assign_addresses(call, task)
        if mode == "host" and task.instance is not None:
            task.address = task.instance.address
        else:
            task.address = assign_address(call, task.subnet)
    except Exhausted:
        return False
    if mode == "bridge":
        _assign_host_ports(call, task)
    if task.subnet is not None:
        _attach_interface(call, task, task.subnet)
    elif task.instance is not None:
        _attach_to_host(call, task, task.instance)
    return True


def _attach_to_host(call: Call, task: Task, instance: ContainerInstance) -> None:
    """Let a task have the network interface of its host."""
    host = ec2_state(call.world, call.account, call.region).instances[instance.ec2_id]
    known = interface_at(call.world, instance.address)
    public_ip = (
        known.public_ip if known is not None else free_public_address(call.world) if host.has_public_ip else None
    )
    interface = Interface(
        host.id, call.account, call.region, host.vpc, host.subnet, host.groups, instance.address, public_ip
    )
    attach(call.world, interface, task.address or "")


def _attach_interface(call: Call, task: Task, subnet: str) -> None:
    network, vpc = task.template.network, ec2_state(call.world, call.account, call.region).subnets[subnet].vpc
    is_public = network is not None and network.public and not task.ipv6_only
    interface = Interface(
        interface_of(task),
        call.account,
        call.region,
        vpc,
        subnet,
        (network.groups if network is not None else ()) or (default_group(vpc),),
        task.listen_address or "",
        free_public_address(call.world) if is_public else None,
        is_of_task=True,
    )
    attach(call.world, interface, task.address or "")


def remove_interface(call: Call, task: Task) -> None:
    """Let the address of a task that has ended vanish: what calls it gets no answer."""
    if task.address is None or task.template.definition.network_mode != "awsvpc":
        return
    template = task.template
    ports = {port.container for container in task.containers for port in container.definition.ports}
    ports |= {balancer.port for balancer in template.load_balancers}
    if template.registry is not None and template.registry.port:
        ports.add(template.registry.port)
    runtime(call.world).vanished.vanish(task.address, sorted(ports))


def release_addresses(call: Call, task: Task) -> None:
    """Release the addresses of a task that has stopped."""
    detach(call.world, interface_of(task))
    if task.address is not None and task.template.definition.network_mode != "host":
        runtime(call.world).network_faults.forget(task.address)
    if task.address is not None and (task.instance is None or task.address != task.instance.address):
        release_address(call, task.subnet, task.address)


def _assign_host_ports(call: Call, task: Task) -> None:
    used = {
        port
        for other in ecs_state(call).tasks.values()
        if other.instance is task.instance and other is not task and other.status != "STOPPED"
        for container in other.containers
        for port in (*container.host_ports.values(), *container.proxy_ports.values())
    }
    free = (port for port in HOST_PORTS if port not in used)
    offered = task.template.connect.offered if task.template.connect is not None else ()
    for container in task.containers:
        for mapping in container.definition.ports:
            container.host_ports[mapping.container] = mapping.host or next(free)
        for endpoint in offered:
            if endpoint.container == container.definition.name:
                container.proxy_ports[endpoint.container_port] = endpoint.ingress_port or next(free)
