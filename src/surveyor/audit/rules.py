"""What is wrong with what was read: one small function a rule, each from a snapshot to its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from surveyor.audit.findings import Finding, Level
from surveyor.audit.snapshot import Registry, Service, Snapshot

__all__ = ["RULES", "judge"]

IN_ONE_ANSWER = 8
OF_ONE_NAME = 100
LAG = 5
"""Seconds that it takes at least until name servers let go of a task (measured; no document bounds it)."""

LONG_NEGATIVE = 60
"""Seconds for which many clients can stand to be told that there is nothing."""

NEAR = 0.8
QUOTAS = {"instances of a service": 1_000, "instances of a namespace": 2_000, "namespaces of the Region": 50}
ROLE = "AWSServiceRoleForECS"

Rule = Callable[[Snapshot], Iterator[Finding]]


def judge(snapshot: Snapshot) -> list[Finding]:
    """All findings, the worst first."""
    order = list(Level)
    found = [finding for rule in RULES for finding in rule(snapshot)]
    return sorted(found, key=lambda one: (order.index(one.level), one.about, one.rule))


def _ttl_against_stop(snapshot: Snapshot) -> Iterator[Finding]:
    for service, registry in _in_dns(snapshot):
        if service.containers is None:
            continue
        ttl = max(registry.records.values())
        stop = min((one.stop_timeout for one in service.containers if one.essential), default=30)
        if stop < ttl + LAG:
            yield Finding(
                "ttl-against-stop-timeout",
                Level.HURTS,
                _name(service),
                f"the TTL is {ttl} s and a task has {stop} s to stop: clients call it for {ttl} + {LAG} - {stop} = "
                f"{ttl + LAG - stop} s after it is gone, or {ttl + LAG} s if it does not go on answering",
                f"set the TTL to at most {max(stop - LAG - 5, 1)} s, and go on answering after SIGTERM for that long "
                f"and {LAG} s more (surveyor advise --ttl {ttl} --stop-timeout {stop})",
                "ecs.window.one-task-measured",
                "aws/containers-roadmap#343",
            )


def _more_than_one_answer_holds(snapshot: Snapshot) -> Iterator[Finding]:
    for service, registry in _in_dns(snapshot):
        count = max(service.desired, len(registry.instances))
        if count > OF_ONE_NAME:
            yield Finding(
                "records-of-one-name", Level.BREAKS, _name(service),
                f"{count} tasks under {registry.host}: Route 53 documents {OF_ONE_NAME} records of one name",
                "spread the tasks over several Cloud Map services, or find them by DiscoverInstances",
                "dns.multivalue.caps-at-eight", "aws/containers-roadmap#1231",
            )  # fmt: skip
        elif registry.policy == "WEIGHTED" and count > 1:
            yield Finding(
                "one-address-an-answer", Level.HURTS, _name(service),
                f"{count} tasks, and {registry.host} is WEIGHTED: each answer has one of them, which a client keeps "
                f"for the TTL of {max(registry.records.values())} s, dead or alive",
                "use the routing policy MULTIVALUE, which a new Cloud Map service can have",
                "dns.weighted.returns-one-at-random",
            )  # fmt: skip
        elif count > IN_ONE_ANSWER:
            yield Finding(
                "more-than-one-answer-holds", Level.WATCH, _name(service),
                f"{count} tasks, of which an answer has {IN_ONE_ANSWER} at random: a client that keeps one for the TTL "
                f"leaves {count - IN_ONE_ANSWER} of them idle",
                "keep TTLs short, have many clients, or find tasks by DiscoverInstances or Service Connect",
                "dns.multivalue.caps-at-eight", "aws/containers-roadmap#1231",
            )  # fmt: skip


def _health_that_nobody_tells(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None or service.containers is None or registry.probed:
            continue
        checked = any(one.checked for one in service.containers if one.essential)
        if not registry.custom_health:
            listens = "its containers are checked, and Cloud Map is not told" if checked else "nobody checks its tasks"
            yield Finding(
                "no-custom-health", Level.HURTS, _name(service),
                f"the registry {registry.name} has no HealthCheckCustomConfig: {listens}; a task that hangs stays in "
                "every answer",
                "make a Cloud Map service with HealthCheckCustomConfig, which cannot be added later, and a container "
                "check",
                "ecs.health.unhealthy-until-the-check-passes",
            )  # fmt: skip
        elif not checked:
            yield Finding(
                "no-container-check", Level.HURTS, _name(service),
                "the registry has a custom health check, and no essential container has a healthCheck: nobody reports, "
                "and every task counts as healthy",
                "give the essential container a healthCheck",
                "ecs.health.failed-check-deregisters",
            )  # fmt: skip


def _ghosts(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None:
            continue
        alive = {one.id for one in service.tasks}
        ghosts = [one for one in registry.instances if _is_of(one.attributes, service) and one.id not in alive]
        if ghosts:
            yield Finding(
                "ghosts", Level.BREAKS, _name(service),
                f"{_count(len(ghosts), 'instance')} of no running task in {registry.host}: "
                f"{_some([one.attributes.get('AWS_INSTANCE_IPV4') or one.id for one in ghosts])}",
                "deregister them: " + "; ".join(
                    f"aws servicediscovery deregister-instance --service-id {registry.id} --instance-id {one.id}"
                    for one in ghosts[:3]
                ),
                "deregistration.removes-own-records-only",
            )  # fmt: skip


def _unregistered(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is None:
            continue
        known = {one.id for one in registry.instances}
        left = [one.id for one in service.tasks if one.status == "RUNNING" and one.id not in known]
        if left:
            yield Finding(
                "unregistered-tasks", Level.BREAKS, _name(service),
                f"{_count(len(left), 'task')} running and not in {registry.host}: {_some(left)}",
                f"start new ones: aws ecs update-service --cluster {service.cluster} --service {service.name} "
                "--force-new-deployment",
                "ecs.life.registered-before-running",
            )  # fmt: skip


def _registry_is_gone(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        if service.registry is not None and service.registry not in snapshot.registries and not snapshot.refused:
            yield Finding(
                "registry-is-gone", Level.BREAKS, _name(service),
                f"its registry {service.registry} does not exist: new tasks cannot be registered",
                "make a Cloud Map service and name it in UpdateService's serviceRegistries",
                "ecs.registry.update-starts-a-deployment", "hashicorp/terraform-provider-aws#46930",
            )  # fmt: skip


def _records_of_nobody(snapshot: Snapshot) -> Iterator[Finding]:
    for zone in snapshot.zones:
        for registry in snapshot.registries.values():
            if registry.namespace_id != zone.namespace_id:
                continue
            known = {one.id for one in registry.instances}
            held = {value for one in registry.instances for value in one.attributes.values()}
            host = registry.host.lower().rstrip(".")
            for record in zone.records:
                if record.name.lower().rstrip(".") != host or record.type not in ("A", "AAAA"):
                    continue
                if record.identifier not in known and not set(record.values) <= held:
                    yield Finding(
                        "records-of-nobody", Level.BREAKS, registry.host,
                        f"an {record.type} record {', '.join(record.values)} of no instance of {registry.name}",
                        f"delete it from the hosted zone {zone.id}, if nobody needs it",
                        "deregistration.removes-own-records-only",
                    )  # fmt: skip


def _near_a_quota(snapshot: Snapshot) -> Iterator[Finding]:
    namespaces: dict[str, int] = {}
    counts: list[tuple[str, str, int]] = []
    for registry in snapshot.registries.values():
        counts.append(("instances of a service", registry.host, len(registry.instances)))
        namespaces[registry.namespace] = namespaces.get(registry.namespace, 0) + len(registry.instances)
    counts += [("instances of a namespace", name, count) for name, count in namespaces.items()]
    counts.append(("namespaces of the Region", "the Region", snapshot.namespaces or 0))
    for what, about, count in counts:
        if count >= NEAR * QUOTAS[what]:
            yield Finding(
                "near-a-quota", Level.WATCH, about, f"{count} of {QUOTAS[what]:,} {what}",
                "ask for a higher quota where that is possible, or spread", "quotas.thousand-instances-a-service",
            )  # fmt: skip


def _long_negative_answers(snapshot: Snapshot) -> Iterator[Finding]:
    for zone in snapshot.zones:
        if zone.negative > LONG_NEGATIVE:
            yield Finding(
                "long-negative-answers", Level.WATCH, zone.namespace,
                f"resolvers may keep for {zone.negative} s that a name has no address: so long a service stays away "
                "for whoever asked before its first task was there",
                "lower the SOA's TTL: aws servicediscovery update-private-dns-namespace (or -public-) with "
                "Properties.DnsProperties.SOA.TTL",
                "deregistration.last-record-leaves-negative-answer", "aws/aws-app-mesh-roadmap#221",
            )  # fmt: skip


def _what_could_not_be_seen(snapshot: Snapshot) -> Iterator[Finding]:
    for operation, why in snapshot.refused.items():
        yield Finding(
            "not-permitted", Level.WATCH, operation, f"the audit could not look: {why}",
            f"allow {operation} to whoever audits", "errors.access-denied-names-the-action",
        )  # fmt: skip
    if snapshot.linked_role is False and any(one.registry for one in snapshot.services):
        yield Finding(
            "no-linked-role", Level.BREAKS, ROLE, "the role that ECS registers tasks with does not exist",
            "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
            "iam.ecs.service-linked-role-is-mandatory",
        )  # fmt: skip


RULES: tuple[Rule, ...] = (
    _ttl_against_stop,
    _more_than_one_answer_holds,
    _health_that_nobody_tells,
    _ghosts,
    _unregistered,
    _registry_is_gone,
    _records_of_nobody,
    _near_a_quota,
    _long_negative_answers,
    _what_could_not_be_seen,
)


def _in_dns(snapshot: Snapshot) -> Iterator[tuple[Service, Registry]]:
    for service in snapshot.services:
        registry = snapshot.registry_of(service)
        if registry is not None and registry.records:
            yield service, registry


def _is_of(attributes: object, service: Service) -> bool:
    told = attributes if isinstance(attributes, dict) else {}
    return (told.get("ECS_SERVICE_NAME"), told.get("ECS_CLUSTER_NAME")) == (service.name, service.cluster)


def _name(service: Service) -> str:
    return f"{service.cluster}/{service.name}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
