"""Many registrations are waited for by lists of operations, where calls are dear."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from surveyor.clock import ControlledClock
from surveyor.fixtures.services import list_unsuccessful
from surveyor.polling import Polling, RecentCalls
from tests.test_clock import ManualTime


class Registry:
    """Operations on one service that end one after another: one each second, in pages of a hundred."""

    def __init__(self, time: ManualTime, ends: Mapping[str, str]) -> None:
        self.time, self.ends, self.calls = time, ends, 0

    def get_paginator(self, name: str) -> Registry:
        """Return the paginator of ListOperations."""
        assert name == "list_operations"
        return self

    def paginate(self, **params: Any) -> list[dict[str, Any]]:
        """Return all pages."""
        assert params["Filters"][0]["Values"] == ["srv-1"]
        entries = [
            {"Id": name, "Status": status if number < self.time.time else "PENDING"}
            for number, (name, status) in enumerate(self.ends.items())
        ]
        pages = [{"Operations": entries[at : at + 100]} for at in range(0, len(entries), 100)]
        self.calls += len(pages)
        return pages


def wait_for(ends: Mapping[str, str]) -> tuple[list[str], int]:
    """Return the operations that have not succeeded, and how many calls that took."""
    time = ManualTime()
    time.time = 0.0
    registry = Registry(time, ends)
    client: Any = registry
    clock = ControlledClock(time, Polling(RecentCalls(), Random(7)))
    found = list_unsuccessful(client, clock, "arn:aws:servicediscovery:eu-west-1:1:service/srv-1", list(ends), 90.0)
    return found, registry.calls


def test_a_hundred_operations_cost_a_few_calls() -> None:
    """The wait is over when all have succeeded."""
    found, calls = wait_for({f"op-{number}": "SUCCESS" for number in range(101)})
    assert found == []
    assert calls < 60


def test_what_failed_or_never_ends_is_returned() -> None:
    """So that the wait for each of them gives the reason."""
    assert wait_for({"op-1": "SUCCESS", "op-2": "FAIL"})[0] == ["op-2"]
    assert wait_for({"op-1": "PENDING", "op-2": "SUCCESS"})[0] == ["op-1"]
