"""Clusters and container instances."""

from __future__ import annotations

from dataclasses import dataclass, field

from .documents import Document
from .faults import InjectedFaults

__all__ = ["Cluster", "ContainerInstance"]


@dataclass(slots=True)
class Cluster:
    """A cluster. ``status`` is ACTIVE, or INACTIVE once deleted."""

    name: str
    arn: str
    settings: list[Document]
    capacity_providers: list[str]
    capacity_provider_strategy: list[Document]
    connect_namespace: str | None = None
    # Id and status of the attachment that reports the creation of a default namespace.
    attachment: tuple[str, str] | None = None
    status: str = "ACTIVE"


@dataclass(slots=True, eq=False)
class ContainerInstance:
    """An EC2 instance that has joined a cluster."""

    arn: str
    ec2_id: str
    cluster: Cluster
    address: str
    zone: str
    registered: float
    status: str = "ACTIVE"
    agent_connected: bool = True
    # Of the network that it shares with its tasks in host mode.
    faults: InjectedFaults = field(default_factory=InjectedFaults)
