"""The ledger: each resource is recorded before it is created."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.account.ledger import Ledger, MalformedLedger, Owner, Shared, read_ledger
from surveyor.errors import Inconclusive

OWNER = Owner("r1", "aws", "444455556666", "us-east-1")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    ledger = Ledger(tmp_path / "ledger-main.jsonl", OWNER)
    yield ledger
    ledger.close()


def intend(ledger: Ledger, operation: str, **parameters: object) -> int:
    """Write an intent and return its number."""
    service = "ec2" if operation.endswith(("Vpc", "Instances")) else "servicediscovery"
    number = ledger.record_intent(service, operation, parameters, "us-east-1")
    assert number is not None
    return number


def described(ledger: Ledger) -> list[str]:
    """Describe the resources that exist according to the ledger."""
    ledger.close()
    return [str(resource) for resource in read_ledger(ledger.path).existing]


def test_intent_is_on_the_disk_before_the_call(ledger: Ledger) -> None:
    """A create call is recorded before it is sent, after the owner's line; other calls are not recorded."""
    assert ledger.record_intent("servicediscovery", "ListServices", {}, "us-east-1") is None
    assert not ledger.path.exists()
    intend(ledger, "CreateHttpNamespace", Name="a", Tags=[])
    head, line = map(json.loads, ledger.path.read_text().splitlines())
    assert (head["event"], head["run"], head["account"], head["format"]) == ("run", "r1", "444455556666", 1)
    assert line == {
        "event": "intent",
        "number": 1,
        "operation": "servicediscovery:CreateHttpNamespace",
        "region": "us-east-1",
        "asked": {"Name": "a"},
    }


def test_resources_that_were_not_deleted_exist(ledger: Ledger) -> None:
    """Created resources exist until they are deleted or removed; those of an intent without an answer may exist."""
    for name, answer in (("kept", "srv-1"), ("gone", "srv-2"), ("removed", "srv-3")):
        number = intend(ledger, "CreateService", Name=name)
        ledger.record_result(number, "servicediscovery:CreateService", {"Service": {"Id": answer, "Arn": "arn"}})
    ledger.record_result(intend(ledger, "CreateService", Name="refused"), "servicediscovery:CreateService", None)
    intend(ledger, "CreateService", Name="unknown")
    ledger.record_deleted("servicediscovery", "DeleteService", {"Id": "srv-2"})
    ledger.record_deleted("servicediscovery", "GetService", {"Id": "srv-1"})
    ledger.record_removed(3)
    assert described(ledger) == ["service srv-1", "service unknown (may exist)"]


def test_why_a_resource_remains_is_kept_until_it_is_removed(ledger: Ledger) -> None:
    """The latest reason counts; one for a resource that is gone says nothing."""
    for name in ("kept", "gone"):
        intend(ledger, "CreateService", Name=name)
    ledger.record_removed(2)
    for number, why in ((1, "an older reason"), (2, "nothing"), (1, "not permitted: servicediscovery:DeleteService")):
        ledger.record_remaining(number, why)
    [left] = read_ledger(ledger.path).existing
    assert left.why == "not permitted: servicediscovery:DeleteService"
    assert described(ledger) == ["service kept (may exist)"]


def test_identifiers_are_found_in_lists(ledger: Ledger) -> None:
    """Several resources of one answer exist until each of them is deleted."""
    number = intend(ledger, "RunInstances")
    ledger.record_result(number, "ec2:RunInstances", {"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]})
    ledger.record_deleted("ec2", "TerminateInstances", {"InstanceIds": "i-1"})
    assert described(ledger) == ["EC2 instance i-1 i-2"]


def test_parts_are_not_recorded(ledger: Ledger) -> None:
    """A resource that is deleted with another one is not recorded."""
    assert ledger.record_intent("servicediscovery", "RegisterInstance", {"ServiceId": "srv-1"}, "us-east-1") is None
    assert ledger.record_intent("ec2", "CreateTags", {}, "us-east-1") is None
    assert not ledger.path.exists()


@pytest.mark.parametrize("operation", ["CreateTrafficPolicy", "AllocateAddress", "RunTask", "RegisterTaskDefinition"])
def test_create_call_without_a_deletion_rule_is_not_sent(ledger: Ledger, operation: str) -> None:
    """A create call for which there is no deletion rule is not sent."""
    with pytest.raises(Inconclusive, match="no deletion rule for the resources that it creates"):
        ledger.record_intent("route53", operation, {}, "us-east-1")


@given(cut=st.integers(min_value=1, max_value=60))
def test_cut_last_line_is_ignored(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """An intent that was cut short is ignored, since its call was not sent; later lines are read."""
    ledger = Ledger(tmp_path_factory.mktemp("cut") / "ledger-main.jsonl", OWNER)
    intend(ledger, "CreateVpc", CidrBlock="10.0.0.0/16")
    intend(ledger, "CreateVpc", CidrBlock="10.1.0.0/16")
    ledger.close()
    ledger.path.write_bytes(ledger.path.read_bytes()[:-1][:-cut])
    again = Ledger(ledger.path, OWNER)
    assert [resource.number for resource in read_ledger(ledger.path).existing] == [1]
    again.record_removed(1)
    again.close()
    assert read_ledger(ledger.path).existing == ()


def test_shared_resources_are_listed_until_they_are_deleted(ledger: Ledger) -> None:
    """A resource that all tests share is listed until it is deleted."""
    number = intend(ledger, "CreateVpc", CidrBlock="10.0.0.0/16")
    ledger.record_result(number, "ec2:CreateVpc", {"Vpc": {"VpcId": "vpc-1"}})
    ledger.record_shared(Shared("VPC", "vpc-1", number))
    assert read_ledger(ledger.path).shared == (Shared("VPC", "vpc-1", number),)
    ledger.record_removed(number)
    assert read_ledger(ledger.path).shared == ()


def test_lock_is_held_while_a_run_is_active(ledger: Ledger) -> None:
    """A ledger cannot be acquired while it is open elsewhere, and can be once that process has closed it."""
    intend(ledger, "CreateVpc")
    other = Ledger(ledger.path, OWNER)
    assert not other.acquire(wait=False)
    ledger.close()
    assert other.acquire(wait=False)
    other.close()


def test_namespaces_of_all_workers_count_together(tmp_path: Path) -> None:
    """At the maximum, a further namespace waits until another worker's is deleted, and gives up after ten minutes."""
    first = Ledger(tmp_path / "ledger-gw0.jsonl", OWNER, {"namespace": 2})
    second = Ledger(tmp_path / "ledger-gw1.jsonl", OWNER, {"namespace": 2})
    intend(first, "CreateHttpNamespace", Name="a")
    intend(first, "CreateHttpNamespace", Name="b")
    with pytest.raises(Inconclusive, match="2 namespaces of this run exist already"):
        intend(second, "CreateHttpNamespace", Name="c")
    waited: list[float] = []
    second.pause = waited.append
    with pytest.raises(Inconclusive, match="none was deleted in time"):
        intend(second, "CreateHttpNamespace", Name="c")
    assert sum(waited) == 600
    assert len(waited) <= 120  # each look reads the ledgers of all workers
    second.pause = lambda _: first.record_removed(1)
    intend(second, "CreateHttpNamespace", Name="c")
    assert [str(resource) for resource in read_ledger(second.path).existing] == ["namespace c (may exist)"]
    first.close()
    second.close()


def test_dns_namespaces_count_as_zones(tmp_path: Path) -> None:
    """Each DNS namespace has a hosted zone; namespaces without one are not limited by the zones."""
    ledger = Ledger(tmp_path / "ledger-main.jsonl", OWNER, {"namespace": 9, "hosted zone": 2})
    intend(ledger, "CreatePublicDnsNamespace", Name="a")
    ledger.record_intent("route53", "CreateHostedZone", {"Name": "b"}, "us-east-1")
    intend(ledger, "CreateHttpNamespace", Name="c")
    with pytest.raises(Inconclusive, match=r"2 hosted zones of this run exist already.*--budget zones=N allows more"):
        intend(ledger, "CreatePrivateDnsNamespace", Name="d")
    ledger.record_removed(1)
    intend(ledger, "CreatePrivateDnsNamespace", Name="d")
    ledger.close()


@pytest.mark.parametrize(
    "text",
    [
        '{"event": "run", "format": 2}\n',
        '{"event": "intent", "number": 1}\n',
        '{"no": "ledger"}\n',
        '[1]\n{"event": 3}\n',
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """A file of another format, or that is not a ledger, is refused in one line."""
    path = tmp_path / "ledger-main.jsonl"
    path.write_text(text)
    with pytest.raises(MalformedLedger, match="is not a ledger that this version can read"):
        read_ledger(path)


@given(text=st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text is read as an empty ledger or refused."""
    path = tmp_path_factory.mktemp("any") / "ledger-main.jsonl"
    path.write_text(text, encoding="utf-8")
    try:
        existing = read_ledger(path).existing
    except MalformedLedger:
        return
    assert existing == ()


@pytest.mark.parametrize(
    ("service", "create", "params", "answer", "other", "deletion"),
    [
        (
            "ecs", "CreateCluster", {"clusterName": "c"}, {"cluster": {"clusterName": "c"}},
            ("DeleteService", {"cluster": "c", "service": "s"}), ("DeleteCluster", {"cluster": "c"}),
        ),
        (
            "ecs", "CreateCluster", {"clusterName": "c"}, {"cluster": {"clusterName": "c"}},
            ("DeregisterContainerInstance", {"cluster": "c", "containerInstance": "i"}), None,
        ),
        (
            "servicediscovery", "CreateService", {"Name": "s"}, {"Service": {"Id": "srv-1"}},
            ("DeregisterInstance", {"ServiceId": "srv-1", "InstanceId": "i"}), ("DeleteService", {"Id": "srv-1"}),
        ),
        (
            "elbv2", "CreateTargetGroup", {"Name": "g"}, {"TargetGroups": [{"TargetGroupArn": "arn:g"}]},
            ("DeregisterTargets", {"TargetGroupArn": "arn:g"}), ("DeleteTargetGroup", {"TargetGroupArn": "arn:g"}),
        ),
        (
            "ecs", "RegisterTaskDefinition", {"family": "f"}, {"taskDefinition": {"taskDefinitionArn": "arn:f:1"}},
            ("DeleteTaskSet", {"taskSet": "arn:f:1"}), ("DeregisterTaskDefinition", {"taskDefinition": "arn:f:1"}),
        ),
    ],
)  # fmt: skip
def test_only_the_deletion_of_a_resource_removes_it(
    tmp_path: Path, service: str, create: str, params: dict[str, str], answer: dict[str, object],
    other: tuple[str, dict[str, str]], deletion: tuple[str, dict[str, str]] | None,
) -> None:  # fmt: skip
    """What is deleted in a resource, or taken out of it, names it as well: the resource stays."""
    with closing(Ledger(tmp_path / "ledger-main.jsonl", OWNER)) as ledger:
        number = ledger.record_intent(service, create, params, "us-east-1")
        assert number is not None
        ledger.record_result(number, f"{service}:{create}", answer)
        ledger.record_deleted(service, *other)
        assert len(read_ledger(ledger.path).existing) == 1
        if deletion:
            ledger.record_deleted(service, *deletion)
            assert not read_ledger(ledger.path).existing
