"""Placement of tasks: Fargate takes any; on EC2 a task needs an active container instance."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.lookup import ecs_state, make_arn
from surveyor_emulator.aws.ecs.state import Cluster, Container, ContainerInstance, ProxyContainer, Task, TaskTemplate
from surveyor_emulator.core.world import Call

__all__ = ["create_task"]

_HEX = "0123456789abcdef"


def create_task(
    call: Call,
    template: TaskTemplate,
    cluster: Cluster,
    group: str,
    started_by: str | None,
    beside: Sequence[Task] = (),
    instance: ContainerInstance | None = None,
    capacity_provider: str | None = None,
) -> Task | None:
    """Return a new task that is not launched yet; None if no container instance can take it.

    It is placed in a zone with the fewest tasks of ``beside``, those of its service, or on ``instance``.
    """
    zones = Counter(task.zone for task in beside)
    if template.launch_type != "FARGATE" and instance is None:
        instance = _find_emptiest_instance(call, cluster, zones)
        if instance is None:
            return None
    identity = call.world.new_id(32, _HEX)
    task = Task(
        identity,
        make_arn(call, "task", cluster.name, identity),
        cluster,
        template,
        [
            Container(definition, make_arn(call, "container", cluster.name, identity, call.world.new_id(12, _HEX)))
            for definition in template.definition.containers
        ],
        group,
        created=call.now,
        started_by=started_by,
        attachment=call.world.new_uuid(),
        instance=instance,
        capacity_provider=capacity_provider,
        proxy=_proxy_of(call, template, cluster, identity),
    )
    _choose_zone(call, task, zones)
    return task


def _proxy_of(call: Call, template: TaskTemplate, cluster: Cluster, identity: str) -> ProxyContainer | None:
    if template.connect is None:
        return None
    arn = make_arn(call, "container", cluster.name, identity, call.world.new_uuid())
    suffix = call.world.new_id(5, string.ascii_letters + string.digits)
    return ProxyContainer(f"ecs-service-connect-{suffix}", arn, call.world.new_uuid())


def _choose_zone(call: Call, task: Task, zones: Counter[str]) -> None:
    """Choose the subnet of a task and with it its zone; a subnet that no longer exists gives none."""
    network = task.template.network
    if network is not None:
        known = ec2_state(call.world, call.account, call.region).subnets
        in_zones = {subnet: known[subnet].zone if subnet in known else "" for subnet in network.subnets}
        # The interface of a task is in the zone of its instance.
        here = [one for one in network.subnets if task.instance is not None and in_zones[one] == task.instance.zone]
        possible = here or network.subnets
        fewest = min(zones[in_zones[one]] for one in possible)
        task.subnet = call.world.random.choice([one for one in possible if zones[in_zones[one]] == fewest])
        subnet = known.get(task.subnet)
        task.zone = subnet.zone if subnet is not None else ""
    elif task.instance is not None:
        task.zone = task.instance.zone


def _find_emptiest_instance(call: Call, cluster: Cluster, zones: Counter[str]) -> ContainerInstance | None:
    state = ecs_state(call)
    candidates = [
        instance for instance in state.instances.values() if instance.cluster is cluster and instance.status == "ACTIVE"
    ]
    used = [task.instance for task in state.tasks.values() if task.status != "STOPPED"]

    def load(instance: ContainerInstance) -> tuple[int, int]:
        return zones[instance.zone], sum(other is instance for other in used)

    return min(candidates, key=load, default=None)
