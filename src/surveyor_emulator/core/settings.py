"""The settings of the embedded target: one frozen value that everything reads and nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Delay", "Deregistration", "Quotas", "Settings"]

Deregistration = Literal["no-wait", "wait-for-operation", "after-exit"]


@dataclass(frozen=True, slots=True)
class Delay:
    """A range of service seconds; the seeded generator picks a value of it each time, all equally likely."""

    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """Documented default quotas of an account in a region (Cloud Map Developer Guide, AWS Cloud Map quotas)."""

    namespaces: int = 50
    instances_per_service: int = 1_000
    instances_per_namespace: int = 2_000
    custom_attributes: int = 30
    custom_attributes_characters: int = 5_000
    service_attributes: int = 30
    tags: int = 50
    hosted_zones: int = 500
    records_per_zone: int = 10_000
    health_checks: int = 200
    # Amazon VPC User Guide, Amazon VPC quotas.
    vpcs: int = 5
    subnets_per_vpc: int = 200
    # Amazon ECS Developer Guide, service quotas: tasks of a service, tags aside; RunTask starts ten at once.
    tasks_per_service: int = 5_000
    tasks_per_run: int = 10
    # Calls per second and burst; None switches throttling off, for load tests.
    discover_rate: float | None = 1_000.0
    discover_burst: float = 2_000.0
    revision_rate: float | None = 3_000.0
    revision_burst: float = 3_000.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one running embedded target. Delays are service seconds."""

    seed: int = 0
    secret: str = "surveyor"
    account: str = "000000000000"
    region: str = "us-east-1"
    # None: the clock stands still until it is advanced.
    scale: float | None = 1.0
    # SUBMITTED -> PENDING, and PENDING -> SUCCESS or FAIL, of a Cloud Map operation.
    operation_start: Delay = Delay(0.05, 0.3)
    operation_run: Delay = Delay(0.2, 1.5)
    # Creating or deleting a namespace with a hosted zone; AWS's own samples take 4 and 40 s.
    zone_run: Delay = Delay(1.0, 4.0)
    # From a finished operation until DiscoverInstances shows it.
    discovery_propagation: Delay = Delay(0.2, 2.0)
    # From a Route 53 change until its name servers answer with it; documented as "generally within 60 seconds".
    dns_propagation: Delay = Delay(0.5, 5.0)
    # How long a health check that Cloud Map deleted stays in lists: "several hours" (route53/DeleteHealthCheck).
    health_check_removal: Delay = Delay(3_600.0, 10_800.0)
    # Custom health changes: "about 30 seconds" (servicediscovery HealthCheckCustomConfig.FailureThreshold).
    custom_health: float = 30.0
    # Off: loopback addresses are refused as documented, and nothing is probed, since there is no internet here.
    # On: health checks probe loopback addresses only.
    probe_loopback: bool = False
    # How Route 53 probes (Developer Guide, "How Amazon Route 53 determines whether a health check is healthy"): time to
    # connect for TCP, to connect and then to answer for HTTP(S), and the share of checkers that must be exceeded.
    probe_tcp_connect: float = 10.0
    probe_connect: float = 4.0
    probe_answer: float = 2.0
    healthy_share: float = 0.18
    # With eight regions sixteen checkers: one request in about two seconds (servicediscovery HealthCheckConfig).
    checkers_per_region: int = 2
    # Wall seconds per service second of a probe or a process, while an advanced clock waits for it.
    probe_wall: float = 0.1
    # The start of a task: PROVISIONING, PENDING; and DEPROVISIONING until STOPPED. Fargate's times are not documented.
    task_provisioning: Delay = Delay(2.0, 8.0)
    task_pending: Delay = Delay(1.0, 4.0)
    # DEACTIVATING, until the containers get SIGTERM.
    task_deactivating: Delay = Delay(0.1, 1.0)
    task_deprovisioning: Delay = Delay(1.0, 4.0)
    # From a container's end until the agent has reported it to ECS; not documented.
    task_exit_noticed: Delay = Delay(0.5, 2.0)
    # From a change until the service scheduler reacts to it.
    scheduler: Delay = Delay(0.2, 1.5)
    # From an EC2 instance's start until its agent has registered it in the cluster that its user data names.
    instance_joins: Delay = Delay(20.0, 60.0)
    # When a task is deregistered from Cloud Map, relative to its SIGTERM. No document says; users report that ECS does
    # not wait for anything (aws/amazon-ecs-agent#1594, aws/containers-roadmap#343).
    deregistration: Deregistration = "no-wait"
    # Without load balancer and container check a task counts as healthy this long after RUNNING
    # (ecs DeploymentConfiguration.minimumHealthyPercent).
    task_counts_after: float = 40.0
    # How long a stopped task is described: "at least one hour" (ecs DescribeTasks).
    task_remembered: float = 3_600.0
    quotas: Quotas = field(default_factory=Quotas)
    verify_signatures: bool = True
    # A stage of a blue/green deployment that waits for nothing; not documented.
    deployment_stage: Delay = Delay(2.0, 10.0)
