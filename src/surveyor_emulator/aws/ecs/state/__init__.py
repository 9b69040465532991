"""The state of ECS in one account and region: plain data, changed only by the modules beside this package."""

from __future__ import annotations

from .account import EcsState
from .clusters import Cluster, ContainerInstance
from .connect import Connect, ConnectState, LogTarget, Offered, Published
from .definitions import ContainerDefinition, HealthCheck, Port, TaskDefinition
from .documents import Document
from .services import Balancer, BlueGreen, Deployment, LifecycleStage, Network, Registry, Service, TaskSet, Template
from .tasks import Container, Health, Task, TaskStatus

__all__ = [
    "Balancer",
    "BlueGreen",
    "Cluster",
    "Connect",
    "ConnectState",
    "Container",
    "ContainerDefinition",
    "ContainerInstance",
    "Deployment",
    "Document",
    "EcsState",
    "Health",
    "HealthCheck",
    "LifecycleStage",
    "LogTarget",
    "Network",
    "Offered",
    "Port",
    "Published",
    "Registry",
    "Service",
    "Task",
    "TaskDefinition",
    "TaskSet",
    "TaskStatus",
    "Template",
]
