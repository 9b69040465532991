"""Audit rules, on constructed snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.audit import Severity, Snapshot, apply_rules
from surveyor.audit.reader import negative_ttl
from surveyor.audit.rules import RULES
from surveyor.audit.snapshot import Container, Instance, Record, Registry, Service, Task, Zone
from surveyor.claims import load_claims
from surveyor.cli.audit import LEVELS
from surveyor.layout import find_layout

ARN = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-a"
TASKS = tuple(Task(f"task-{number}", "RUNNING") for number in range(3))
INSTANCES = tuple(
    Instance(
        task.id,
        {"AWS_INSTANCE_IPV4": f"10.0.0.{number}", "ECS_CLUSTER_NAME": "shop", "ECS_SERVICE_NAME": "web"},
    )
    for number, task in enumerate(TASKS)
)
REGISTRY = Registry(
    "srv-a", ARN, "web", "ns-a", "corp.test", "DNS_PRIVATE", "MULTIVALUE", {"A": 10}, True, False, INSTANCES
)
SERVICE = Service("web", "shop", 3, ARN, (Container("app", True, 30, True),), TASKS)
RECORDS = tuple(
    Record("web.corp.test.", "A", instance.id, (instance.attributes["AWS_INSTANCE_IPV4"],)) for instance in INSTANCES
)
CLEAN = Snapshot((SERVICE,), {ARN: REGISTRY}, (Zone("Z1", "ns-a", "corp.test", 15, RECORDS),), 3, True)


@pytest.mark.parametrize(
    ("soa", "expected"),
    [("ns. host. 1 7200 900 1209600 86400", 60), ("ns. host. 1 2 3 4 5", 5), ("… 86400'}", 60), ("", 60)],
)
def test_negative_answers_are_cached_for_the_lesser_time(soa: str, expected: int) -> None:
    """The TTL of the SOA and its last number; a value of an emulator that is no SOA has none."""
    assert negative_ttl(soa, 60) == expected


def rules(snapshot: Snapshot) -> list[str]:
    """Return the rules of all findings."""
    return [finding.rule for finding in apply_rules(snapshot)]


def with_registry(registry: Registry, **service: object) -> Snapshot:
    """Return the clean snapshot with another registry."""
    changed = replace(SERVICE, **service)  # type: ignore[arg-type]  # fields of a dataclass by name
    return replace(CLEAN, registries={ARN: registry}, services=(changed,))


def test_clean_snapshot_has_no_finding() -> None:
    """Three healthy registered tasks and a short TTL have no finding."""
    assert apply_rules(CLEAN) == []


@pytest.mark.parametrize(
    ("snapshot", "rule"),
    [
        (with_registry(replace(REGISTRY, policy="WEIGHTED")), "one-address-an-answer"),
        (with_registry(REGISTRY, desired=9), "more-than-one-answer-holds"),
        (with_registry(REGISTRY, desired=101), "records-of-one-name"),
        (with_registry(replace(REGISTRY, custom_health=False)), "no-custom-health"),
        (with_registry(REGISTRY, containers=(Container("app", True, 30, False),)), "no-container-check"),
        (with_registry(REGISTRY, containers=(Container("app", True, 2, True),)), "ttl-against-stop-timeout"),
        (with_registry(REGISTRY, tasks=TASKS[:2]), "ghosts"),
        (with_registry(REGISTRY, tasks=(*TASKS, Task("new", "RUNNING"))), "unregistered-tasks"),
        (replace(CLEAN, registries={}), "registry-is-gone"),
        (
            replace(
                CLEAN, zones=(replace(CLEAN.zones[0], records=(Record("WEB.corp.test.", "A", "x", ("10.9.9.9",)),)),)
            ),
            "orphaned-records",
        ),
        (replace(CLEAN, zones=(replace(CLEAN.zones[0], negative=900),)), "long-negative-answers"),
        (replace(CLEAN, namespaces=40), "near-a-quota"),
        (replace(CLEAN, linked_role=False), "no-linked-role"),
    ],
)
def test_each_fault_is_one_finding(snapshot: Snapshot, rule: str) -> None:
    """Each fault has exactly one finding."""
    assert rules(snapshot) == [rule]


def test_recommended_settings_are_those_of_advise() -> None:
    """A stopTimeout of 30 s gets the TTL that `advise` recommends, 15 s; one that is too short must be raised."""
    [finding] = apply_rules(with_registry(replace(REGISTRY, records={"A": 60})))
    assert finding.change.startswith("set the TTL to 15 s, and answer for 25 s after SIGTERM")
    [finding] = apply_rules(with_registry(REGISTRY, containers=(Container("app", True, 10, True),)))
    assert finding.change.startswith("raise stopTimeout to at least 16 s")


def test_command_knows_every_severity() -> None:
    """The levels of `--fail-on` are those of the findings, in the same order."""
    assert list(LEVELS) == [str(severity) for severity in Severity]


def test_starting_task_is_not_a_fault() -> None:
    """A task whose status changed between the two listings may be unregistered."""
    assert rules(with_registry(REGISTRY, tasks=(*TASKS, Task("new", "PENDING")))) == []


def test_http_namespace_has_no_dns_findings() -> None:
    """Without DNS neither TTLs nor the size of answers matter."""
    registry = replace(REGISTRY, kind="HTTP", records={}, policy="")
    assert rules(replace(with_registry(registry, desired=500), zones=())) == []


def test_unknown_task_definition_is_not_judged() -> None:
    """A task definition that cannot be described has no finding."""
    assert rules(with_registry(REGISTRY, containers=None)) == []


def test_findings_name_existing_claims() -> None:
    """Every claim of a finding exists, the worst findings are first, and every rule is tested above."""
    known = load_claims(find_layout().claims).by_id
    broken = replace(
        with_registry(replace(REGISTRY, custom_health=False, policy="WEIGHTED"), tasks=TASKS[:1]),
        namespaces=49, linked_role=False,
    )  # fmt: skip
    found = apply_rules(broken)
    assert [finding.claim for finding in found if finding.claim not in known] == []
    levels = [list(Severity).index(finding.level) for finding in found]
    assert levels == sorted(levels)
    assert len(RULES) == 10
