"""The tasks of a service, as ECS describes them."""

from __future__ import annotations

from typing import Any

from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest, parse_task

__all__ = ["describe_tasks"]

BATCH = 100
"""Maximum number of tasks in one request of DescribeTasks (ecs/DescribeTasksRequest.tasks)."""

_STOPPED = frozenset({"STOPPED", "DEPROVISIONING"})


def describe_tasks(ecs: Any, service: ServiceUnderTest, known: dict[str, ServiceTask]) -> dict[str, ServiceTask]:
    """Return all tasks of the service that are running, or are in `known` and were not yet described as stopped.

    Adds them to `known`.
    """
    pages = ecs.get_paginator("list_tasks").paginate(cluster=service.cluster, serviceName=service.service)
    arns = [arn for page in pages for arn in page["taskArns"]]
    arns += [task.arn for task in known.values() if task.status not in _STOPPED and task.arn not in arns]
    tasks: dict[str, ServiceTask] = {}
    for start in range(0, len(arns), BATCH):
        for described in ecs.describe_tasks(cluster=service.cluster, tasks=arns[start : start + BATCH])["tasks"]:
            task = parse_task(described)
            tasks[task.id] = task
    known.update(tasks)
    return tasks
