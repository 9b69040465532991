"""All ECS state of one account in one region."""

from __future__ import annotations

from dataclasses import dataclass, field

from .clusters import Cluster, ContainerInstance
from .definitions import TaskDefinition
from .documents import Document
from .services import Service
from .tasks import Task

__all__ = ["EcsState"]


@dataclass(slots=True)
class EcsState:
    """One account in one region; tasks by ARN, services by (cluster, name)."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    families: dict[str, list[TaskDefinition]] = field(default_factory=dict)
    # Family -> the number of its last revision, which is not used again.
    revisions: dict[str, int] = field(default_factory=dict)
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    instances: dict[str, ContainerInstance] = field(default_factory=dict)
    # Ids of EC2 instances that were deregistered, and do not join again by themselves.
    deregistered_instances: set[str] = field(default_factory=set)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    # (operation, clientToken) -> RunTask's request and the tasks it started; for CreateService the service's ARN.
    tokens: dict[tuple[str, str], tuple[Document, list[str]]] = field(default_factory=dict)
