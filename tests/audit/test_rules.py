"""Rules on snapshots made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.audit import Level, Snapshot, judge
from surveyor.audit.rules import RULES
from surveyor.audit.snapshot import Container, Instance, Record, Registry, Service, Task, Zone
from surveyor.claims import load_claims
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
RECORDS = tuple(Record("web.corp.test.", "A", one.id, (one.attributes["AWS_INSTANCE_IPV4"],)) for one in INSTANCES)
CLEAN = Snapshot((SERVICE,), {ARN: REGISTRY}, (Zone("Z1", "ns-a", "corp.test", 15, RECORDS),), 3, {}, True)


def rules(snapshot: Snapshot) -> list[str]:
    """The names of the rules that found something."""
    return [one.rule for one in judge(snapshot)]


def with_registry(registry: Registry, **service: object) -> Snapshot:
    """The clean snapshot with another registry."""
    changed = replace(SERVICE, **service)  # type: ignore[arg-type]  # fields of a dataclass by name
    return replace(CLEAN, registries={ARN: registry}, services=(changed,))


def test_what_is_in_order_has_no_finding() -> None:
    """Three healthy tasks, all registered, a short TTL."""
    assert judge(CLEAN) == []


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
            "records-of-nobody",
        ),
        (replace(CLEAN, zones=(replace(CLEAN.zones[0], negative=900),)), "long-negative-answers"),
        (replace(CLEAN, namespaces=40), "near-a-quota"),
        (replace(CLEAN, refused={"ecs:ListTasks": "no"}), "not-permitted"),
        (replace(CLEAN, linked_role=False), "no-linked-role"),
    ],
)
def test_each_fault_is_one_finding(snapshot: Snapshot, rule: str) -> None:
    """One thing wrong, one finding, and no other."""
    assert rules(snapshot) == [rule]


def test_a_task_on_its_way_is_no_fault() -> None:
    """A task that has not settled between two looks may be unregistered."""
    assert rules(with_registry(REGISTRY, tasks=(*TASKS, Task("new", "PENDING")))) == []


def test_an_http_namespace_has_no_records_to_mind() -> None:
    """Without DNS neither TTLs nor answers of eight matter."""
    registry = replace(REGISTRY, kind="HTTP", records={}, policy="")
    assert rules(replace(with_registry(registry, desired=500), zones=())) == []


def test_a_definition_that_is_gone_says_nothing() -> None:
    """What cannot be described any more is not judged."""
    assert rules(with_registry(REGISTRY, containers=None)) == []


def test_findings_name_claims_that_there_are() -> None:
    """Every claim behind a finding exists, the worst come first, and every rule is tried above."""
    known = load_claims(find_layout().claims).by_id
    broken = replace(
        with_registry(replace(REGISTRY, custom_health=False, policy="WEIGHTED"), tasks=TASKS[:1]),
        namespaces=49, linked_role=False, refused={"iam:GetRole": "no"},
    )  # fmt: skip
    found = judge(broken)
    assert [one.claim for one in found if one.claim not in known] == []
    assert [list(Level).index(one.level) for one in found] == sorted(list(Level).index(one.level) for one in found)
    assert len(RULES) == 10
