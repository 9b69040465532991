"""The rules of an audit: one small function each, from a snapshot to its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from surveyor.advice.settings import IN_FLIGHT, MARGIN, drain_for, longest_ttl
from surveyor.audit.findings import Finding, Severity
from surveyor.audit.network import Network
from surveyor.audit.network_rules import apply_network_rules
from surveyor.audit.snapshot import Registry, Service, Snapshot

__all__ = ["RULES", "apply_rules", "confirm", "need_confirmation"]

MAX_ANSWERS = 8
"""Maximum number of records in one DNS answer."""

MAX_RECORDS = 100
"""Maximum number of records with one name."""

LAG = 5
"""Minimum seconds until name servers drop a task (measured; no document bounds it)."""

MAX_NEGATIVE_TTL = 60
"""Seconds of negative caching that many clients can tolerate."""

NEAR = 0.8
QUOTAS = {"instances of a service": 1_000, "instances of a namespace": 2_000, "namespaces of the Region": 50}
ROLE = "AWSServiceRoleForECS"

Rule = Callable[[Snapshot], Iterator[Finding]]


_COMPARE_TASKS = ("ghosts", "unregistered-tasks")
"""Rules that compare the tasks of ECS with instances: a read of ECS may show an earlier state (ecs/RunTask)."""


def need_confirmation(findings: Sequence[Finding]) -> bool:
    """Return whether a finding may come from a read that is late, so that the state must be read again later."""
    return any(finding.rule in _COMPARE_TASKS for finding in findings)


def confirm(findings: Sequence[Finding], later: Sequence[Finding]) -> list[Finding]:
    """Return the later findings, without those that a late read may explain and that were not found before."""
    before = {(finding.rule, finding.about) for finding in findings}
    return [one for one in later if one.rule not in _COMPARE_TASKS or (one.rule, one.about) in before]


def apply_rules(snapshot: Snapshot, network: Network | None = None) -> list[Finding]:
    """Return all findings, the worst first; without a network those about it are left out."""
    order = list(Severity)
    findings = [finding for rule in RULES for finding in rule(snapshot)]
    findings += apply_network_rules(snapshot, network) if network is not None else []
    return sorted(findings, key=lambda finding: (order.index(finding.level), finding.about, finding.rule))


def _ttl_against_stop_timeout(snapshot: Snapshot) -> Iterator[Finding]:
    for service, registry in _in_dns(snapshot):
        if service.containers is None:
            continue
        ttl = max(registry.records.values())
        stop = min((container.stop_timeout for container in service.containers if container.essential), default=30)
        if stop < ttl + LAG:
            fitting = longest_ttl(stop, LAG, ttl)
            if fitting is None:
                hint = f"raise stopTimeout to at least {LAG + MARGIN + IN_FLIGHT + 1} s: no TTL works with {stop} s"
            else:
                hint = f"set the TTL to {fitting} s, and answer for {drain_for(fitting, LAG)} s after SIGTERM"
            yield Finding(
                "ttl-against-stop-timeout",
                Severity.HURTS,
                _name(service),
                f"the TTL is {ttl} s, but a stopping task has only {stop} s: clients call it for {ttl} (TTL) + {LAG} "
                f"(until name servers drop it) - {stop} (stopTimeout) = {ttl + LAG - stop} s after it has stopped, "
                f"or {ttl + LAG} s if it stops answering at SIGTERM",
                f"{hint} (surveyor advise --ttl {ttl} --stop-timeout {stop} measures it)",
                "ecs.window.one-task-measured",
                "aws/containers-roadmap#343",
            )


def _number_of_records(snapshot: Snapshot) -> Iterator[Finding]:
    for service, registry in _in_dns(snapshot):
        count = max(service.desired, len(registry.instances))
        if count > MAX_RECORDS:
            yield Finding(
                "records-of-one-name", Severity.BREAKS, _name(service),
                f"{count} tasks under {registry.host}: Route 53 documents a maximum of {MAX_RECORDS} records with one "
                "name",
                "distribute the tasks over several Cloud Map services, or use DiscoverInstances",
                "dns.multivalue.caps-at-eight", "aws/containers-roadmap#1231",
            )  # fmt: skip
        elif registry.policy == "WEIGHTED" and count > 1:
            yield Finding(
                "one-address-an-answer", Severity.HURTS, _name(service),
                f"{count} tasks, but {registry.host} is WEIGHTED: each answer has the address of one task, which a "
                f"client uses for the TTL of {max(registry.records.values())} s, even if the task is dead",
                "create a Cloud Map service with the routing policy MULTIVALUE",
                "dns.weighted.returns-one-at-random",
            )  # fmt: skip
        elif count > MAX_ANSWERS:
            yield Finding(
                "more-than-one-answer-holds", Severity.WATCH, _name(service),
                f"{count} tasks, but a DNS answer has {MAX_ANSWERS} of them at random: a client that caches an answer "
                f"for the TTL does not use the other {count - MAX_ANSWERS}",
                "use a short TTL and many clients, or use DiscoverInstances or Service Connect",
                "dns.multivalue.caps-at-eight", "aws/containers-roadmap#1231",
            )  # fmt: skip


def _missing_health_checks(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None or service.containers is None or registry.probed:
            continue
        checked = any(container.checked for container in service.containers if container.essential)
        if not registry.custom_health:
            reason = "container health is not reported to Cloud Map" if checked else "its tasks have no health check"
            yield Finding(
                "no-custom-health", Severity.HURTS, _name(service),
                f"the registry {registry.name} has no HealthCheckCustomConfig: {reason}, so a task that hangs stays in "
                "every answer",
                "create a Cloud Map service with HealthCheckCustomConfig, which cannot be added later, and add a "
                "container health check",
                "ecs.health.unhealthy-until-the-check-passes",
            )  # fmt: skip
        elif not checked:
            yield Finding(
                "no-container-check", Severity.HURTS, _name(service),
                "the registry has a custom health check, but no essential container has a healthCheck: no health is "
                "reported, and every task counts as healthy",
                "add a healthCheck to the essential container",
                "ecs.health.failed-check-deregisters",
            )  # fmt: skip


def _ghosts(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None:
            continue
        tasks = {task.id for task in service.tasks}
        ghosts = [
            instance
            for instance in registry.instances
            if _belongs_to(instance.attributes, service) and instance.id not in tasks
        ]
        if ghosts:
            addresses = [ghost.attributes.get("AWS_INSTANCE_IPV4") or ghost.id for ghost in ghosts]
            yield Finding(
                "ghosts", Severity.BREAKS, _name(service),
                f"{_count(len(ghosts), 'instance')} in {registry.host} without a running task: {_join(addresses)}",
                "deregister them: " + "; ".join(
                    f"aws servicediscovery deregister-instance --service-id {registry.id} --instance-id {ghost.id}"
                    for ghost in ghosts[:3]
                ),
                "deregistration.removes-own-records-only",
            )  # fmt: skip


def _unregistered_tasks(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None:
            continue
        registered = {instance.id for instance in registry.instances}
        missing = [task.id for task in service.tasks if task.status == "RUNNING" and task.id not in registered]
        if missing:
            yield Finding(
                "unregistered-tasks", Severity.BREAKS, _name(service),
                f"{_count(len(missing), 'running task')} not registered in {registry.host}: {_join(missing)}",
                f"start new tasks: aws ecs update-service --cluster {service.cluster} --service {service.name} "
                "--force-new-deployment",
                "ecs.life.registered-before-running",
            )  # fmt: skip


def _missing_registry(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        if service.registry is not None and service.registry not in snapshot.registries:
            yield Finding(
                "registry-is-gone", Severity.BREAKS, _name(service),
                f"its registry {service.registry} does not exist: new tasks cannot be registered",
                "create a Cloud Map service and set it in serviceRegistries with UpdateService",
                "ecs.registry.update-starts-a-deployment", "hashicorp/terraform-provider-aws#46930",
            )  # fmt: skip


def _orphaned_records(snapshot: Snapshot) -> Iterator[Finding]:
    for zone in snapshot.zones:
        for registry in snapshot.registries.values():
            if registry.namespace_id != zone.namespace_id:
                continue
            registered = {instance.id for instance in registry.instances}
            values = {value for instance in registry.instances for value in instance.attributes.values()}
            host = registry.host.lower().rstrip(".")
            for record in zone.records:
                if record.name.lower().rstrip(".") != host or record.type not in ("A", "AAAA"):
                    continue
                if record.identifier not in registered and not set(record.values) <= values:
                    yield Finding(
                        "orphaned-records", Severity.BREAKS, registry.host,
                        f"the {record.type} record {', '.join(record.values)} belongs to no instance of "
                        f"{registry.name}",
                        f"delete it from the hosted zone {zone.id}, unless it is needed for something else",
                        "deregistration.removes-own-records-only",
                    )  # fmt: skip


def _near_quotas(snapshot: Snapshot) -> Iterator[Finding]:
    namespaces: dict[str, int] = {}
    counts: list[tuple[str, str, int]] = []
    for registry in snapshot.registries.values():
        counts.append(("instances of a service", registry.host, len(registry.instances)))
        namespaces[registry.namespace] = namespaces.get(registry.namespace, 0) + len(registry.instances)
    counts += [("instances of a namespace", name, count) for name, count in namespaces.items()]
    counts.append(("namespaces of the Region", "the Region", snapshot.namespaces or 0))
    for quota, about, count in counts:
        if count >= NEAR * QUOTAS[quota]:
            yield Finding(
                "near-a-quota", Severity.WATCH, about, f"{count} of {QUOTAS[quota]:,} {quota}",
                "request a higher quota if it can be raised, or distribute the instances",
                "quotas.thousand-instances-a-service",
            )  # fmt: skip


def _long_negative_answers(snapshot: Snapshot) -> Iterator[Finding]:
    for zone in snapshot.zones:
        if zone.negative > MAX_NEGATIVE_TTL:
            yield Finding(
                "long-negative-answers", Severity.WATCH, zone.namespace,
                f'resolvers cache "no such address" for up to {zone.negative} s: a client that asked before the first '
                "task was up may not find the service for that time",
                "lower the SOA's TTL: aws servicediscovery update-private-dns-namespace (or -public-) with "
                "Properties.DnsProperties.SOA.TTL",
                "deregistration.last-record-leaves-negative-answer", "aws/aws-app-mesh-roadmap#221",
            )  # fmt: skip


def _missing_role(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.linked_role is False and any(service.registry for service in snapshot.services):
        yield Finding(
            "no-linked-role", Severity.BREAKS, ROLE, "the role with which ECS registers tasks does not exist",
            "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
            "iam.ecs.service-linked-role-is-mandatory",
        )  # fmt: skip


RULES: tuple[Rule, ...] = (
    _ttl_against_stop_timeout,
    _number_of_records,
    _missing_health_checks,
    _ghosts,
    _unregistered_tasks,
    _missing_registry,
    _orphaned_records,
    _near_quotas,
    _long_negative_answers,
    _missing_role,
)


def _in_dns(snapshot: Snapshot) -> Iterator[tuple[Service, Registry]]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is not None and registry.records:
            yield service, registry


def _belongs_to(attributes: Mapping[str, str], service: Service) -> bool:
    names = (attributes.get("ECS_SERVICE_NAME"), attributes.get("ECS_CLUSTER_NAME"))
    return names == (service.name, service.cluster)


def _name(service: Service) -> str:
    return f"{service.cluster}/{service.name}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _join(names: list[str], maximum: int = 5) -> str:
    more = f" and {len(names) - maximum} more" if len(names) > maximum else ""
    return ", ".join(names[:maximum]) + more
