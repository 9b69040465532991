"""Balance over Availability Zones: where the next task goes, and the move of one task when a zone has too many.

ECS Developer Guide, Balancing an Amazon ECS service across Availability Zones: once a service is steady, a task is
started in the zone with the fewest tasks, and when it counts as healthy one is stopped in the zone with the most. How
soon after the steady state ECS looks at the zones is not documented: it is a setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.service_principal import send_service_action
from surveyor_emulator.aws.ecs.state import Service, Task
from surveyor_emulator.core.world import Call

__all__ = ["begin_move", "choose_leaving", "end_move", "is_balanced", "may_rebalance"]


def may_rebalance(service: Service) -> bool:
    """Return whether ECS moves tasks of a service: not those of daemons, nor where no task may be added."""
    return (
        service.rebalancing == "ENABLED"
        and service.scheduling_strategy == "REPLICA"
        and service.controller == "ECS"
        and service.maximum_percent > 100
        and _is_spread(service)
    )


def is_balanced(call: Call, service: Service, tasks: Sequence[Task]) -> bool:
    """Return whether no zone has two tasks more than another zone that tasks may be in."""
    counts = _counts(call, service, tasks)
    return len(counts) < 2 or max(counts.values()) - min(counts.values()) < 2


def begin_move(call: Call, service: Service, tasks: Sequence[Task]) -> None:
    """Let the service have one task more, which is placed in the zone with the fewest."""
    service.moving = True
    counts = _counts(call, service, tasks)
    shown = ", ".join(f"{counts[zone]} in {zone}" for zone in sorted(counts))
    add_event(call, service, f"(service {service.name}) is not balanced over zones: {shown}. Rebalancing has started.")
    detail = {"clusterArn": service.cluster.arn, "createdAt": call.now}
    send_service_action(call, service.arn, "INFO", "SERVICE_REBALANCING_STARTED", detail)


def choose_leaving(call: Call, service: Service, tasks: Sequence[Task]) -> Task:
    """Return the task that leaves: the oldest one in the zone with the most tasks."""
    counts = _counts(call, service, tasks)
    fullest = max(counts, key=lambda zone: (counts[zone], zone))
    return min((task for task in tasks if task.zone == fullest), key=lambda task: task.created)


def end_move(call: Call, service: Service) -> None:
    """Let the service have as many tasks as it desires again."""
    service.moving = False
    add_event(call, service, f"(service {service.name}) has moved a task to another zone. Rebalancing has ended.")


def _is_spread(service: Service) -> bool:
    """Return whether the first placement strategy, if there is one, spreads over zones."""
    strategies = service.document.get("placementStrategy") or []
    first = strategies[0] if isinstance(strategies, list) and strategies else None
    return first is None or (first.get("type"), first.get("field")) == ("spread", "attribute:ecs.availability-zone")


def _counts(call: Call, service: Service, tasks: Sequence[Task]) -> Counter[str]:
    """Return the number of tasks in each zone that tasks of the service may be in."""
    counts = Counter(dict.fromkeys(_zones(call, service), 0))
    counts.update(task.zone for task in tasks)
    return counts


def _zones(call: Call, service: Service) -> set[str]:
    primary = service.primary
    network = primary.template.network if primary is not None else None
    if primary is not None and primary.template.launch_type != "FARGATE":
        instances = ecs_state(call).instances.values()
        return {one.zone for one in instances if one.cluster is service.cluster and one.status == "ACTIVE"}
    known = ec2_state(call.world, call.account, call.region).subnets
    return {known[subnet].zone for subnet in (network.subnets if network is not None else ()) if subnet in known}
