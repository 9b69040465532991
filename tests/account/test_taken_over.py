"""What a run left stays known when another run resumes it in the same folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from surveyor.account.budget import SPENT_FILE, Budget, Spending, continue_spending
from surveyor.account.ledger import Ledger, Owner, ledgers_in
from surveyor.errors import Inconclusive, UsageError
from surveyor.report.build import find_leaked_resources
from surveyor.targets.sweep import forget, set_ledgers_aside


def write_ledger(folder: Path, run: str, name: str, zone: str, *, removed: bool = False) -> None:
    """Write a ledger with one hosted zone."""
    ledger = Ledger(folder / name, Owner(run, "aws", "111122223333", "us-east-1"))
    number = ledger.record_intent("route53", "CreateHostedZone", {"Name": zone}, "us-east-1")
    assert number is not None
    ledger.record_result(number, "route53:CreateHostedZone", {"HostedZone": {"Id": zone}})
    if removed:
        ledger.record_removed(number)
    ledger.close()


def test_ledgers_with_resources_are_set_aside(tmp_path: Path) -> None:
    """Those of each run in its folder, with equal names; the others are deleted, and the folder is free for a run."""
    for run in ("aaaaaaaa", "bbbbbbbb"):
        write_ledger(tmp_path, run, "ledger-gw0.jsonl", f"Z{run}")
        write_ledger(tmp_path, run, "ledger-gw1.jsonl", "Zgone", removed=True)
        set_ledgers_aside(tmp_path)
        assert not ledgers_in(tmp_path)
    write_ledger(tmp_path, "cccccccc", "ledger-gw0.jsonl", "Zcccccccc")
    left = find_leaked_resources(tmp_path)
    assert sorted(left) == ["hosted zone Zaaaaaaaa", "hosted zone Zbbbbbbbb", "hosted zone Zcccccccc"]


def test_ledgers_that_were_set_aside_are_not_forgotten(tmp_path: Path) -> None:
    """A new run in the same folder is refused while anything is left by them."""
    write_ledger(tmp_path, "aaaaaaaa", "ledger-main.jsonl", "Z1")
    set_ledgers_aside(tmp_path)
    with pytest.raises(UsageError, match="left 1 resource behind: delete them with `surveyor sweep"):
        forget(tmp_path, anyway=False)
    assert find_leaked_resources(tmp_path)


def test_time_between_two_runs_is_not_spent(tmp_path: Path) -> None:
    """Minutes go on from the last call; calls are those of both runs."""
    now, path = 1000.0, tmp_path / SPENT_FILE

    def spending() -> Spending:
        return Spending(Budget(calls=3, minutes=10), path, lambda: now)

    spending().count_call("ecs", "ListClusters")
    now += 300
    spending().count_call("ecs", "ListClusters")
    os.utime(path, (now, now))
    now += 36_000
    continue_spending(tmp_path, lambda: now)
    spending().count_call("ecs", "ListClusters")
    assert json.loads(path.read_text())[:2] == [now - 300, 3]
    with pytest.raises(Inconclusive, match="the budget of 3 calls is spent"):
        spending().count_call("ecs", "ListClusters")


def test_nothing_spent_is_nothing_to_continue(tmp_path: Path) -> None:
    """A run that made no call."""
    continue_spending(tmp_path)
    (tmp_path / SPENT_FILE).touch()
    continue_spending(tmp_path)
    assert not (tmp_path / SPENT_FILE).read_text()
