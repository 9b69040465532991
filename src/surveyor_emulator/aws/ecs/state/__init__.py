"""The state of ECS in one account and region: plain data, changed only by the modules beside this package."""

from __future__ import annotations

from .account import EcsState
from .clusters import Cluster, ContainerInstance
from .connect import ClientService, ConnectConfiguration, ConnectState, LogTarget, OfferedEndpoint, PublishedEndpoint
from .definitions import ContainerDefinition, ContainerHealthCheck, Port, TaskDefinition
from .documents import Document
from .faults import FaultParameters, HolePlace, InjectedFaults
from .services import (
    Deployment,
    Hook,
    HookRun,
    LifecycleStage,
    NetworkConfiguration,
    Rollback,
    Service,
    ServiceLoadBalancer,
    ServiceRegistry,
    TaskSet,
    TaskTemplate,
    TrafficStrategy,
)
from .tasks import Container, Health, ProxyContainer, Task, TaskStatus

__all__ = [
    "ClientService",
    "Cluster",
    "ConnectConfiguration",
    "ConnectState",
    "Container",
    "ContainerDefinition",
    "ContainerHealthCheck",
    "ContainerInstance",
    "Deployment",
    "Document",
    "EcsState",
    "FaultParameters",
    "Health",
    "HolePlace",
    "Hook",
    "HookRun",
    "InjectedFaults",
    "LifecycleStage",
    "LogTarget",
    "NetworkConfiguration",
    "OfferedEndpoint",
    "Port",
    "ProxyContainer",
    "PublishedEndpoint",
    "Rollback",
    "Service",
    "ServiceLoadBalancer",
    "ServiceRegistry",
    "Task",
    "TaskDefinition",
    "TaskSet",
    "TaskStatus",
    "TaskTemplate",
    "TrafficStrategy",
]
