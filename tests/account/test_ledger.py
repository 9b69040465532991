"""What a run wrote down before it created it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.account.ledger import Ledger, LedgerBroken, Owner, Shared, read_pages
from surveyor.errors import Inconclusive

OWNER = Owner("r1", "aws", "444455556666", "us-east-1")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(tmp_path / "ledger-main.jsonl", OWNER)
    yield made
    made.close()


def intend(ledger: Ledger, operation: str, **asked: object) -> int:
    """Write an intent; its number."""
    service = "ec2" if operation.endswith(("Vpc", "Instances")) else "servicediscovery"
    number = ledger.before(service, operation, asked, "us-east-1")
    assert number is not None
    return number


def told(ledger: Ledger) -> list[str]:
    """What stands, in words."""
    ledger.close()
    return [str(thing) for thing in read_pages(ledger.path).standing]


def test_intent_is_on_the_disk_before_the_call(ledger: Ledger) -> None:
    """A create call is written down before it leaves, below whose ledger it is; other calls are not."""
    assert ledger.before("servicediscovery", "ListServices", {}, "us-east-1") is None
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


def test_what_was_not_deleted_stands(ledger: Ledger) -> None:
    """Created and not deleted stands; refused, deleted and removed do not; an intent without an answer may."""
    for name, answer in (("kept", "srv-1"), ("gone", "srv-2"), ("removed", "srv-3")):
        number = intend(ledger, "CreateService", Name=name)
        ledger.after(number, "servicediscovery:CreateService", {"Service": {"Id": answer, "Arn": "arn"}})
    ledger.after(intend(ledger, "CreateService", Name="refused"), "servicediscovery:CreateService", None)
    intend(ledger, "CreateService", Name="unknown")
    ledger.deleted("servicediscovery", "DeleteService", {"Id": "srv-2"})
    ledger.deleted("servicediscovery", "GetService", {"Id": "srv-1"})
    ledger.removed(3)
    assert told(ledger) == ["service srv-1", "service unknown (may exist)"]


def test_identifiers_are_found_in_lists(ledger: Ledger) -> None:
    """An answer that names several things stands for all of them, until each is deleted."""
    number = intend(ledger, "RunInstances")
    ledger.after(number, "ec2:RunInstances", {"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]})
    ledger.deleted("ec2", "TerminateInstances", {"InstanceIds": "i-1"})
    assert told(ledger) == ["EC2 instance i-1 i-2"]


def test_parts_are_not_entered(ledger: Ledger) -> None:
    """What goes away with the thing that it is a part of needs no line of its own."""
    assert ledger.before("servicediscovery", "RegisterInstance", {"ServiceId": "srv-1"}, "us-east-1") is None
    assert ledger.before("ec2", "CreateTags", {}, "us-east-1") is None
    assert not ledger.path.exists()


@pytest.mark.parametrize("operation", ["CreateTrafficPolicy", "AllocateAddress", "RunTask", "RegisterTaskDefinition"])
def test_what_nobody_could_take_away_is_not_made(ledger: Ledger, operation: str) -> None:
    """A create call for which there is no rule of removal is not sent."""
    with pytest.raises(Inconclusive, match="no rule how to take away"):
        ledger.before("route53", operation, {}, "us-east-1")


@given(cut=st.integers(min_value=1, max_value=60))
def test_cut_last_line_is_no_entry(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """A run that was killed while it wrote an intent had not sent the call; what is written afterwards is read."""
    ledger = Ledger(tmp_path_factory.mktemp("cut") / "ledger-main.jsonl", OWNER)
    intend(ledger, "CreateVpc", CidrBlock="10.0.0.0/16")
    intend(ledger, "CreateVpc", CidrBlock="10.1.0.0/16")
    ledger.close()
    ledger.path.write_bytes(ledger.path.read_bytes()[:-1][:-cut])
    again = Ledger(ledger.path, OWNER)
    assert [one.number for one in read_pages(ledger.path).standing] == [1]
    again.removed(1)
    again.close()
    assert read_pages(ledger.path).standing == ()


def test_shared_things_last_as_long_as_they_stand(ledger: Ledger) -> None:
    """What all tests share is found by its kind, and no more once it is gone."""
    number = intend(ledger, "CreateVpc", CidrBlock="10.0.0.0/16")
    ledger.after(number, "ec2:CreateVpc", {"Vpc": {"VpcId": "vpc-1"}})
    ledger.shared(Shared("VPC", "vpc-1", number))
    assert read_pages(ledger.path).shared == (Shared("VPC", "vpc-1", number),)
    ledger.removed(number)
    assert read_pages(ledger.path).shared == ()


def test_lock_tells_that_a_run_goes_on(ledger: Ledger) -> None:
    """Nobody else gets the ledger while it is open; when it is closed, by whatever end, they do."""
    intend(ledger, "CreateVpc")
    other = Ledger(ledger.path, OWNER)
    assert not other.claim(wait=False)
    ledger.close()
    assert other.claim(wait=False)
    other.close()


def test_namespaces_of_all_workers_count_together(tmp_path: Path) -> None:
    """When as many stand as may, one more waits until another worker's has gone, and gives up if none goes."""
    first = Ledger(tmp_path / "ledger-gw0.jsonl", OWNER, most_namespaces=2)
    second = Ledger(tmp_path / "ledger-gw1.jsonl", OWNER, most_namespaces=2)
    intend(first, "CreateHttpNamespace", Name="a")
    intend(first, "CreateHttpNamespace", Name="b")
    with pytest.raises(Inconclusive, match="2 namespaces of this run stand already"):
        intend(second, "CreateHttpNamespace", Name="c")
    second.pause = lambda: first.removed(1)
    intend(second, "CreateHttpNamespace", Name="c")
    assert [str(one) for one in read_pages(second.path).standing] == ["namespace c (may exist)"]
    first.close()
    second.close()


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
    """A file of another format, or of somebody else's, is told in one line."""
    path = tmp_path / "ledger-main.jsonl"
    path.write_text(text)
    with pytest.raises(LedgerBroken, match="is no ledger that this version can read"):
        read_pages(path)


@given(text=st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in the file, the answer is an empty ledger or one line."""
    path = tmp_path_factory.mktemp("any") / "ledger-main.jsonl"
    path.write_text(text, encoding="utf-8")
    try:
        standing = read_pages(path).standing
    except LedgerBroken:
        return
    assert standing == ()
