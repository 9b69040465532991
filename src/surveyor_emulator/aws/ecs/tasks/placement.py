"""Where a task goes: Fargate takes any; on EC2 it needs a container instance that is active."""

from __future__ import annotations

from surveyor_emulator.aws.ecs.lookup import ecs_state, make_arn
from surveyor_emulator.aws.ecs.state import Cluster, Container, ContainerInstance, Task, TaskTemplate
from surveyor_emulator.core.world import Call

__all__ = ["create_task"]

_HEX = "0123456789abcdef"


def create_task(
    call: Call, template: TaskTemplate, cluster: Cluster, group: str, started_by: str | None
) -> Task | None:
    """A task that has not begun yet; None if nothing can take it."""
    instance = None
    if template.launch_type != "FARGATE":
        instance = _emptiest(call, cluster)
        if instance is None:
            return None
    identity = call.world.new_id(32, _HEX)
    attachment = call.world.new_id(32, _HEX)
    return Task(
        identity,
        make_arn(call, "task", cluster.name, identity),
        cluster,
        template,
        [
            Container(one, make_arn(call, "container", cluster.name, identity, call.world.new_id(12, _HEX)))
            for one in template.definition.containers
        ],
        group,
        created=call.now,
        started_by=started_by,
        attachment=f"{attachment[:8]}-{attachment[8:12]}-{attachment[12:16]}-{attachment[16:20]}-{attachment[20:]}",
        instance=instance,
    )


def _emptiest(call: Call, cluster: Cluster) -> ContainerInstance | None:
    held = ecs_state(call)
    there = [one for one in held.instances.values() if one.cluster is cluster and one.status == "ACTIVE"]
    running = [one.instance for one in held.tasks.values() if one.status != "STOPPED"]
    return min(there, key=lambda one: sum(other is one for other in running), default=None)
