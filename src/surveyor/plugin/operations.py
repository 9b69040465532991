"""Waiting for Cloud Map's asynchronous operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from surveyor import bounds
from surveyor.answers import member
from surveyor.clock import Clock
from surveyor.errors import WrongAnswer

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["Finish"]

Finish = Callable[[Mapping[str, Any] | str], dict[str, Any]]
"""Takes an answer with an OperationId, or the id; gives GetOperation's Operation."""


@pytest.fixture
def finish(cloudmap: ServiceDiscoveryClient, clock: Clock) -> Finish:
    """Waits until an operation has ended, in success or failure, and returns it."""

    def wait(response: Mapping[str, Any] | str) -> dict[str, Any]:
        given = response if isinstance(response, str) else member(response, "OperationId", of="the call")

        def ended() -> dict[str, Any] | None:
            operation: dict[str, Any] = member(
                cloudmap.get_operation(OperationId=given), "Operation", of="GetOperation"
            )
            return operation if member(operation, "Status", of="GetOperation") in ("SUCCESS", "FAIL") else None

        return clock.eventually(ended, within=bounds.OPERATION)

    return wait


@pytest.fixture
def complete(finish: Finish) -> Finish:
    """Waits until an operation has ended, and fails unless it succeeded."""

    def wait(response: Mapping[str, Any] | str) -> dict[str, Any]:
        operation = finish(response)
        if operation["Status"] != "SUCCESS":
            kind, code = operation.get("Type", "the operation"), operation.get("ErrorCode", "no ErrorCode")
            raise WrongAnswer(
                f"expected {kind} to end as SUCCESS; came {operation['Status']} "
                f"({code}: {operation.get('ErrorMessage', 'no ErrorMessage')})",
                came=f"{kind} {operation['Status']} {code}",
            )
        return operation

    return wait
