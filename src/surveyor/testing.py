"""The only module of Surveyor that suites import: markers, assertions, and the types and helpers of the fixtures."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.dns import record_values
from surveyor.errors import Inconclusive, NotOffered, WrongAnswer
from surveyor.evidence import EvidenceEntry, deciding_operation, recorded_block
from surveyor.fixtures import figure_names
from surveyor.fixtures.account import ClientFactory, UniqueName
from surveyor.fixtures.calls import CallTask
from surveyor.fixtures.container_instances import StartContainerInstances
from surveyor.fixtures.dns import QueryDns
from surveyor.fixtures.dns_cache import QueryDnsCached
from surveyor.fixtures.events import CaptureEvents
from surveyor.fixtures.figures import ReportFigure
from surveyor.fixtures.health_endpoints import MakeProbedServer, ProbedServer
from surveyor.fixtures.http import PostToCloudMap
from surveyor.fixtures.namespaces import MakeNamespace, NamespaceKind
from surveyor.fixtures.operations import WaitForOperation
from surveyor.fixtures.permissions import ClientLimitedTo
from surveyor.fixtures.records import RecordSets
from surveyor.fixtures.second_account import ShareNamespace
from surveyor.fixtures.service_connect import CallFromTask, MakeConnectService, TaskCall, WaitForTask
from surveyor.fixtures.services import Deregister, MakeService, Register, RegisterAll
from surveyor.fixtures.tasks import (
    TASK_IMAGE,
    TASK_PORT,
    MakeEcsService,
    MakeTaskDefinition,
    TasksOf,
    WaitUntilSteady,
    address_of,
    id_of,
)
from surveyor.fixtures.time import Always, Eventually
from surveyor.history.observations import Interval, Observations
from surveyor.pytest_plugin.task_settings import TaskSettings
from surveyor.targets.running import RunningTarget
from surveyor_agents import workload

__all__ = [
    "TASK_IMAGE",
    "TASK_PORT",
    "Always",
    "CallFromTask",
    "CallTask",
    "CaptureEvents",
    "ClientFactory",
    "ClientLimitedTo",
    "Clock",
    "Deregister",
    "Eventually",
    "Inconclusive",
    "Interval",
    "MakeConnectService",
    "MakeEcsService",
    "MakeNamespace",
    "MakeProbedServer",
    "MakeService",
    "MakeTaskDefinition",
    "NamespaceKind",
    "NotOffered",
    "Observations",
    "PostToCloudMap",
    "ProbedServer",
    "QueryDns",
    "QueryDnsCached",
    "RecordSets",
    "Register",
    "RegisterAll",
    "ReportFigure",
    "RunningTarget",
    "ShareNamespace",
    "StartContainerInstances",
    "TaskCall",
    "TaskSettings",
    "TasksOf",
    "UniqueName",
    "WaitForOperation",
    "WaitForTask",
    "WaitUntilSteady",
    "WrongAnswer",
    "address_of",
    "figure_names",
    "id_of",
    "proves",
    "raises",
    "record_values",
    "timeouts",
    "workload",
]


_INVALID = ("Invalid", "Validation", "ClientException", "Malformed", "Serialization")
"""Beginnings of the error codes with which services refuse a request that is invalid in itself."""


def proves(*claims: str) -> pytest.MarkDecorator:
    """Mark a test with the ids of the claims that it proves; every test of a suite needs at least one."""
    return pytest.mark.proves(*claims)


class raises:  # noqa: N801 (it reads as a verb, as pytest's own does)
    """Expect one error code from a call: `with raises("ResourceInUse") as refusal: …`.

    After the block `refusal.response` is the response with the error's members, as in ClientError.response. Raises
    WrongAnswer if the block raised no error, or one with another code; exceptions that are not responses of the API
    pass through.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.response: dict[str, Any] = {}
        self._block = recorded_block()
        self._calls: Sequence[EvidenceEntry] = ()

    def __enter__(self) -> Self:
        self._calls = self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._block.__exit__(None, None, None)
        if error is None:
            request = "an invalid request" if self.code.startswith(_INVALID) else "the request"
            cause = f"accepted {request}, expected {self.code}"
            raise WrongAnswer(cause, actual=cause, operation=deciding_operation(self._calls))
        if isinstance(error, NotOffered) or not isinstance(error, ClientError):
            return False
        self.response = error.response  # type: ignore[assignment]  # the stubs list only the members of every error
        actual = str(error.response.get("Error", {}).get("Code", ""))
        if actual != self.code:
            cause = f"refused with {actual or 'an error without a code'}, expected {self.code}"
            raise WrongAnswer(cause, actual=cause) from error
        return True
