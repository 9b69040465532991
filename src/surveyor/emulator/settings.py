"""What can be set about the embedded target, in one frozen value that everything reads and nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Delay", "Quotas", "Settings"]


@dataclass(frozen=True, slots=True)
class Delay:
    """A span of service seconds; the seeded generator picks a value of it each time, all equally likely."""

    least: float
    most: float


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
    # Calls a second and burst; None switches throttling off, for load tests.
    discover_rate: float | None = 1_000.0
    discover_burst: float = 2_000.0
    revision_rate: float | None = 3_000.0
    revision_burst: float = 3_000.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about one running embedded target. Delays are service seconds."""

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
    quotas: Quotas = field(default_factory=Quotas)
    verify_signatures: bool = True
