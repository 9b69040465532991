"""What was created and must be taken away again."""

from __future__ import annotations

import json
from pathlib import Path

from surveyor.ledger import Ledger, left_behind


def test_intent_is_on_the_disk_before_the_call(tmp_path: Path) -> None:
    """A create call is written down before it leaves, other calls not at all."""
    ledger = Ledger(tmp_path / "ledger.jsonl", "r1")
    assert ledger.before("servicediscovery", "ListServices", {}) is None
    assert not (tmp_path / "ledger.jsonl").exists()
    ledger.before("servicediscovery", "CreateHttpNamespace", {"Name": "a", "Tags": []})
    line = json.loads((tmp_path / "ledger.jsonl").read_text())
    assert line == {
        "run": "r1",
        "event": "intent",
        "number": 1,
        "operation": "servicediscovery:CreateHttpNamespace",
        "ids": {"Name": "a"},
    }
    ledger.close()


def test_what_was_not_deleted_is_left_behind(tmp_path: Path) -> None:
    """Created and not deleted stands; refused and deleted do not; an intent without an answer may stand."""
    ledger = Ledger(tmp_path / "ledger.jsonl", "r1")

    def create(operation: str, name: str, answer: dict[str, object] | None) -> None:
        number = ledger.before("servicediscovery", operation, {"Name": name})
        assert number is not None
        ledger.after(number, "servicediscovery", operation, answer)

    create("CreateService", "kept", {"Service": {"Id": "srv-1", "Arn": "arn"}})
    create("CreateService", "gone", {"Service": {"Id": "srv-2"}})
    create("CreateService", "refused", None)
    ledger.before("servicediscovery", "CreateService", {"Name": "unknown"})
    ledger.deleted("servicediscovery", "DeleteService", {"Id": "srv-2"})
    ledger.deleted("servicediscovery", "GetService", {"Id": "srv-1"})
    ledger.close()
    assert left_behind(ledger.path) == [
        "servicediscovery:CreateService srv-1",
        "servicediscovery:CreateService unknown",
    ]


def test_cut_last_line_is_no_entry(tmp_path: Path) -> None:
    """A run that was killed while it wrote an intent had not sent the call."""
    ledger = Ledger(tmp_path / "ledger.jsonl", "r1")
    ledger.before("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    ledger.close()
    with ledger.path.open("a") as file:
        file.write('{"run": "r1", "eve')
    assert left_behind(ledger.path) == ["ec2:CreateVpc 10.0.0.0/16"]
    assert left_behind(tmp_path / "none.jsonl") == []
