"""Calling a task: one plain HTTP request to its own address, with a connection of its own and no retry."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from surveyor import bounds
from surveyor.errors import WrongAnswer
from surveyor.plugin.account import ClientFactory
from surveyor.plugin.tasks import PORT, address_of
from surveyor.targets.running import RunningTarget

__all__ = ["CallTask"]

CALLER = "a caller"
"""As observer in a timeline."""


class CallTask(Protocol):
    """What the fixture of this name gives."""

    def __call__(
        self,
        task: Mapping[str, Any] | str,
        path: str = "/",
        method: str = "GET",
        within: float = bounds.TASK_ANSWER,
    ) -> dict[str, Any]:
        """`call_task(task, path="/", method="GET", within=10)`: what the workload answers (see surveyor.workload).

        `task`: DescribeTasks's Task, or an address; `within` wall seconds. Raises WrongAnswer if nobody answers there.
        """


@pytest.fixture
def call_task(running: RunningTarget, client: ClientFactory) -> CallTask:
    """Calls tasks at their private address, or, where the target says so, at the public one of their interface."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(
        task: Mapping[str, Any] | str, path: str = "/", method: str = "GET", within: float = bounds.TASK_ANSWER
    ) -> dict[str, Any]:
        address = task if isinstance(task, str) else _address(running, client, task)
        place = address if ":" in address else f"{address}:{PORT}"
        request = urllib.request.Request(f"http://{place}{path}", method=method)
        try:
            with opener.open(request, timeout=within) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            found = json.load(refused)
        except (OSError, http.client.HTTPException) as problem:
            running.evidence.look(CALLER, place, "silent")
            why = getattr(problem, "reason", problem)
            raise WrongAnswer(f"expected {place} to answer {method} {path}; {why}", came="no answer") from None
        running.evidence.look(CALLER, place, "stopping" if found.get("stopping") else "answers")
        if method != "GET":
            running.evidence.event(f"{place} told: {path}")
        return found

    return call


def _address(running: RunningTarget, client: ClientFactory, task: Mapping[str, Any]) -> str:
    if not running.target.place.public:
        return address_of(task)
    interface = address_of(task, "networkInterfaceId")
    found = client("ec2").describe_network_interfaces(NetworkInterfaceIds=[interface])
    return str(found["NetworkInterfaces"][0]["Association"]["PublicIp"])
