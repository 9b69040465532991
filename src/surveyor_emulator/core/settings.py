"""The settings of the embedded target: one frozen value that everything reads and nothing changes."""

# ruff: noqa: RUF009  # `setting` is a dataclasses.field with a description

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

__all__ = [
    "DELAYS",
    "PROFILES",
    "DefaultVpc",
    "Delay",
    "Deregistration",
    "DnsFirewall",
    "Egress",
    "Machine",
    "ProxyDrain",
    "Quotas",
    "Settings",
    "StoppedAddresses",
    "TaskAddresses",
    "TaskNamespace",
    "Traffic",
    "setting",
]

T = TypeVar("T")

Deregistration = Literal["no-wait", "wait-for-operation", "after-exit"]
ProxyDrain = Literal["after-containers", "before-containers"]
Egress = Literal["free", "routed"]
DefaultVpc = Literal["present", "none"]
DnsPath = Literal["open", "blocked", "intercepted"]
DnsFirewall = Literal["working", "impaired"]
CallRates = Literal["discovery", "all"]
Residents = Literal["none", "some"]
Sidecars = Literal["none", "guardduty"]
Traffic = Literal["free", "ruled"]
Machine = Literal["outside", "inside"]
TaskNamespace = Literal["if-allowed", "never"]
ZoneRouting = Literal["aware", "even"]
TaskAddresses = Literal["loopback", "subnet"]
StoppedAddresses = Literal["refuse", "vanish"]


def setting(default: T, meaning: str, unit: str = "") -> T:
    """Return a field that `--set` can change; `meaning` and `unit` are what `--help` prints about it."""
    return field(default=default, metadata={"meaning": meaning, "unit": unit})


@dataclass(frozen=True, slots=True)
class Delay:
    """A range of service seconds; the seeded generator picks a value of it each time, all equally likely."""

    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """Documented default quotas of an account in a region (Cloud Map Developer Guide, AWS Cloud Map quotas)."""

    namespaces: int = setting(50, "namespaces")
    instances_per_service: int = setting(1_000, "instances of a service")
    instances_per_namespace: int = setting(2_000, "instances of a namespace")
    custom_attributes: int = setting(30, "attributes of an instance")
    custom_attributes_characters: int = setting(5_000, "characters in all attributes of an instance")
    service_attributes: int = setting(30, "attributes of a service")
    tags: int = setting(50, "tags of a resource")
    hosted_zones: int = setting(500, "hosted zones")
    records_per_zone: int = setting(10_000, "records of a hosted zone")
    health_checks: int = setting(200, "Route 53 health checks")
    # Amazon VPC User Guide, Amazon VPC quotas.
    vpcs: int = setting(5, "VPCs")
    subnets_per_vpc: int = setting(200, "subnets of a VPC")
    # Amazon ECS Developer Guide, service quotas: tasks of a service, tags aside; RunTask starts ten at once.
    tasks_per_service: int = setting(5_000, "tasks of an ECS service")
    tasks_per_run: int = setting(10, "tasks that one RunTask starts")
    # Route 53 Developer Guide, "Quotas", on Route 53 VPC Resolver and on DNS Firewall.
    resolver_endpoints: int = setting(4, "Resolver endpoints")
    resolver_endpoint_addresses: int = setting(6, "addresses of a Resolver endpoint")
    resolver_rules: int = setting(1_000, "Resolver rules")
    resolver_rule_associations: int = setting(2_000, "associations of Resolver rules with VPCs")
    resolver_rule_targets: int = setting(6, "targets of a Resolver rule")
    firewall_groups: int = setting(1_000, "DNS Firewall rule groups")
    firewall_groups_per_vpc: int = setting(5, "DNS Firewall rule groups of a VPC")
    firewall_rules: int = setting(100, "rules of a DNS Firewall rule group")
    firewall_domain_lists: int = setting(1_000, "domain lists of DNS Firewall")
    firewall_domains: int = setting(100_000, "domains in all lists of DNS Firewall")
    discover_rate: float | None = setting(1_000.0, "DiscoverInstances calls per second; none: do not throttle them")
    discover_burst: float = setting(2_000.0, "DiscoverInstances calls at once")
    revision_rate: float | None = setting(
        3_000.0, "DiscoverInstancesRevision calls per second; none: do not throttle them"
    )
    revision_burst: float = setting(3_000.0, "DiscoverInstancesRevision calls at once")


DELAYS: Mapping[str, Mapping[str, Delay]] = {
    "short": {},
    # Of Fargate tasks whose answers are public (cloud-custodian, aws-cli, apptality): 19 to 70 s until RUNNING, about
    # 34 s from the end of the containers until STOPPED.
    "fargate": {
        "task_provisioning": Delay(3.4, 15.6),
        "task_pending": Delay(0.4, 2.0),
        "task_pull_wait": Delay(9.0, 11.0),
        "task_pull": Delay(5.0, 9.0),
        "task_activating": Delay(1.2, 32.4),
        "task_deprovisioning": Delay(31.0, 37.0),
    },
}
"""Sets of delays, by name; the rest are the defaults."""

PROFILES: Mapping[str, Mapping[str, object]] = {
    "unused": {},
    # An account that others use too. Times: tasks as on Fargate; namespaces with zones take 30 to 60 s (Terraform's
    # acceptance test of one takes 112 s to make and to delete it), other operations seconds.
    "staging": {
        **DELAYS["fargate"],
        "operation_start": Delay(0.1, 1.0),
        "operation_run": Delay(1.0, 5.0),
        "zone_run": Delay(30.0, 60.0),
        "dns_propagation": Delay(5.0, 60.0),
        "resolver_endpoint": Delay(45.0, 120.0),
        "resolver_association": Delay(5.0, 30.0),
        "namespace_in_use": Delay(0.0, 10.0),
        "call_rates": "all",
        "read_lag": 1.0,
        "iam_lag": Delay(1.0, 8.0),
        "rule_lag": Delay(1.0, 30.0),
        "failures": 0.002,
        "resets": 0.001,
        "residents": "some",
        "egress": "routed",
        "traffic": "ruled",
        "stopped_addresses": "vanish",
    },
}
"""Sets of settings, by name; the rest are the defaults."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one running embedded target. Delays are service seconds."""

    seed: int = 0
    secret: str = "surveyor"  # noqa: S105  # for loopback only, and public
    account: str = "000000000000"
    region: str = "us-east-1"
    # None: the clock stands still until it is advanced.
    scale: float | None = 1.0
    operation_start: Delay = setting(Delay(0.05, 0.3), "until a Cloud Map operation goes from SUBMITTED to PENDING")
    operation_run: Delay = setting(Delay(0.2, 1.5), "until a Cloud Map operation goes from PENDING to SUCCESS or FAIL")
    # AWS's own samples take 4 and 40 s.
    zone_run: Delay = setting(Delay(1.0, 4.0), "to create or delete a namespace with a hosted zone")
    # Terraform's provider tries for two minutes to delete a namespace whose services are gone.
    namespace_in_use: Delay = setting(
        Delay(0.0, 0.0), "for which a namespace stays in use after its last service was deleted"
    )
    discovery_propagation: Delay = setting(
        Delay(0.2, 2.0), "from a finished operation until DiscoverInstances shows it"
    )
    # Documented as "generally within 60 seconds".
    dns_propagation: Delay = setting(Delay(0.5, 5.0), "from a Route 53 change until its name servers answer with it")
    # On AWS minutes: Terraform's acceptance tests of a rule with an endpoint take about four.
    resolver_endpoint: Delay = setting(Delay(1.0, 4.0), "until a Resolver endpoint is created, changed or deleted")
    resolver_association: Delay = setting(
        Delay(0.2, 2.0), "until a Resolver rule, or a rule group or domain list of DNS Firewall, takes effect in a VPC"
    )
    # Real questions to real servers. No document says how long a resolver waits.
    forward_wait: float = setting(1.0, "wall seconds in which a target of a Resolver rule must answer")
    # "Each EC2 instance can send 1024 packets per second per network interface" (Amazon VPC User Guide, "Amazon DNS
    # server"). All clients of this machine outside of tasks have one address, as programs of one instance have.
    resolver_packets: float | None = setting(
        1_024.0, "packets per wall second from one address that a VPC's resolver answers; none: all of them"
    )
    dns_firewall: DnsFirewall = setting("working", "whether DNS Firewall can evaluate questions")
    # "several hours" (route53/DeleteHealthCheck).
    health_check_removal: Delay = setting(
        Delay(3_600.0, 10_800.0), "for which a health check that Cloud Map deleted stays in lists"
    )
    # "about 30 seconds" (servicediscovery HealthCheckCustomConfig.FailureThreshold).
    custom_health: float = setting(30.0, "until a custom health status takes effect", "s")
    # Off: loopback addresses are refused as documented, and nothing is probed, since there is no internet here.
    # On: health checks probe loopback addresses only.
    probe_loopback: bool = False
    # How Route 53 probes: Developer Guide, "How Amazon Route 53 determines whether a health check is healthy".
    probe_tcp_connect: float = setting(10.0, "time limit of a TCP health check to connect", "s")
    probe_connect: float = setting(4.0, "time limit of an HTTP(S) health check to connect", "s")
    probe_answer: float = setting(2.0, "time limit of an HTTP(S) health check for the answer, once connected", "s")
    healthy_share: float = setting(0.18, "share of checkers (0 to 1) that must be exceeded for healthy")
    # With eight regions sixteen checkers: one request in about two seconds (servicediscovery HealthCheckConfig).
    checkers_per_region: int = setting(2, "health checkers in each of eight regions")
    probe_wall: float = setting(
        0.1, "wall seconds per service second of a probe or process, while an advanced clock waits for it"
    )
    # Fargate's times are not documented.
    task_provisioning: Delay = setting(Delay(2.0, 8.0), "for which a task is PROVISIONING")
    task_pending: Delay = setting(Delay(1.0, 4.0), "for which a task is PENDING, until its agent is connected")
    task_pull_wait: Delay = setting(Delay(0.0, 0.0), "from the connection of a task's agent until it pulls images")
    task_pull: Delay = setting(Delay(0.0, 0.0), "for which the images of a task are pulled")
    task_activating: Delay = setting(Delay(0.0, 0.0), "from a task's registration until it is RUNNING")
    task_deactivating: Delay = setting(
        Delay(0.1, 1.0), "for which a task is DEACTIVATING, until its containers get SIGTERM"
    )
    task_deprovisioning: Delay = setting(Delay(1.0, 4.0), "for which a task is DEPROVISIONING, until STOPPED")
    # Not documented.
    task_exit_noticed: Delay = setting(Delay(0.5, 2.0), "from a container's end until ECS knows about it")
    scheduler: Delay = setting(Delay(0.2, 1.5), "from a change until the service scheduler reacts to it")
    instance_joins: Delay = setting(
        Delay(20.0, 60.0), "from an EC2 instance's start until its agent has registered it in its cluster"
    )
    # No document says; users report that ECS does not wait for anything (aws/amazon-ecs-agent#1594,
    # aws/containers-roadmap#343).
    deregistration: Deregistration = setting(
        "no-wait", "when a stopping task is deregistered from Cloud Map, relative to its SIGTERM"
    )
    # The public agents (amazon-ecs-agent, amazon-ecs-service-connect-agent) send containers SIGTERM at once, and the
    # proxy drains on its own SIGTERM, after them. The README of the latter can be read the other way, and the agent
    # of Fargate is not public.
    proxy_drain: ProxyDrain = setting(
        "after-containers", "when the Service Connect proxy of a stopping task drains, relative to its containers"
    )
    # ecs DeploymentConfiguration.minimumHealthyPercent.
    task_counts_after: float = setting(
        40.0, "after RUNNING until a task without load balancer and container check counts as healthy", "s"
    )
    # "at least one hour" (ecs DescribeTasks).
    task_remembered: float = setting(3_600.0, "for which a stopped task is described", "s")
    task_namespace: TaskNamespace = setting(
        "if-allowed", "whether tasks run in a PID namespace, in which they see no processes but those of tasks"
    )
    # In a sandbox: subnet.
    task_addresses: TaskAddresses = setting(
        "loopback", "addresses of tasks and load balancers: of this machine, or in a sandbox those of their subnets"
    )
    # The network interface of a task is deleted when it stops (Amazon ECS Developer Guide, "Task networking").
    stopped_addresses: StoppedAddresses = setting(
        "refuse", "what calls to a stopped task get: a refusal, or as on AWS without its network interface no answer"
    )
    egress: Egress = setting(
        "free", "what a task needs to pull images: nothing, or as on AWS a route to the internet and an address for it"
    )
    traffic: Traffic = setting(
        "free", "what tasks and load balancers reach: everything, or as on AWS what routes and security groups admit"
    )
    machine: Machine = setting(
        "outside", "where this machine is if traffic is ruled: outside of all VPCs, or inside each of them"
    )
    # A connection is given up after 30 s, and five to seven are tried (answers of AWS in public repositories).
    pull_retries: Delay = setting(Delay(155.0, 220.0), "for which an image that cannot be reached is tried, if routed")
    default_vpc: DefaultVpc = setting("present", "whether accounts have a default VPC")
    quotas: Quotas = field(default_factory=Quotas)
    verify_signatures: bool = True
    # What distinguishes an account in use (surveyor_emulator.staging).
    call_rates: CallRates = setting("discovery", "which calls are throttled by their documented rates")
    iam_lag: Delay = setting(Delay(0.0, 0.0), "until a change of a principal's policies takes effect")
    rule_lag: Delay = setting(Delay(0.0, 0.0), "until a change of a rule of EventBridge takes effect")
    read_lag: float = setting(0.0, "by which reads may lag writes in ECS and EC2, at most", "s")
    dns_path: DnsPath = setting("open", "what happens to questions to name servers on their way")
    failures: float = setting(0.0, "share of calls (0 to 1) that fail with 5xx")
    resets: float = setting(0.0, "share of calls (0 to 1) whose connection is reset, before or after they are done")
    residents: Residents = setting("none", "resources of other teams in each account: none, or some of each kind")
    sidecars: Sidecars = setting("none", "containers that an account adds to Fargate tasks: none, or GuardDuty's agent")
    zone_routing: ZoneRouting = setting(
        "aware", "whether Service Connect prefers tasks in the caller's zone: as documented, or as before spring 2026"
    )
    # Not documented.
    deployment_stage: Delay = setting(Delay(2.0, 10.0), "for a stage of a deployment in which nothing waits")
