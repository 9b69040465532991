"""Operations of Cloud Map are asked for when they should have ended, by what the run has seen of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import Session

from surveyor import timeouts
from surveyor.account.cloudmap_operations import CloudMapOperations

START = datetime(2026, 1, 1, tzinfo=UTC)


class Account:
    """The calls of a session, as botocore reports them."""

    def __init__(self) -> None:
        self.time = 100.0
        self.operations = CloudMapOperations()
        self._events = Session()
        self.operations.watch(self._events, lambda: self.time)

    def call(self, operation: str, answer: object, **params: Any) -> None:
        """Send a call and receive its answer."""
        context: dict[str, Any] = {}
        events: Any = self._events
        events.emit(f"provide-client-params.servicediscovery.{operation}", params=params, context=context)
        model = SimpleNamespace(name=operation)
        events.emit(f"after-call.servicediscovery.{operation}", parsed=answer, model=model, context=context)

    def end(self, operation: str, seconds: float, namespace: str = "", status: str = "SUCCESS") -> None:
        """Ask for an operation that took some seconds."""
        ended = START + timedelta(seconds=seconds)
        shown = {"Id": operation, "Status": status, "CreateDate": START, "UpdateDate": ended}
        self.call("GetOperation", {"Operation": {**shown, "Targets": {"NAMESPACE": namespace}}})


@pytest.fixture
def account() -> Account:
    """Return an account without operations."""
    return Account()


def begin_and_end(account: Account, call: str, *durations: float) -> None:
    """Let operations of a kind take these times."""
    for number, seconds in enumerate(durations):
        account.call(call, {"OperationId": f"{call}-{number}"})
        account.end(f"{call}-{number}", seconds)


def test_an_operation_is_asked_for_when_most_of_its_kind_have_ended(account: Account) -> None:
    """Three of four; before any has ended it is asked early, and the later the less remains."""
    account.call("RegisterInstance", {"OperationId": "first"})
    assert account.operations.remaining("first", account.time) == timeouts.OPERATION_POLL
    begin_and_end(account, "RegisterInstance", 1.0, 3.0, 5.0, 4.0)
    assert account.operations.remaining("first", account.time) == 5.0
    assert account.operations.remaining("first", account.time + 3.0) == 2.0
    assert account.operations.remaining("first", account.time + 60.0) == 0.0


def test_kinds_are_apart(account: Account) -> None:
    """Zones take longer than names without one; both directions of an instance take as long."""
    begin_and_end(account, "CreatePublicDnsNamespace", 50.0)
    begin_and_end(account, "CreateHttpNamespace", 2.0)
    begin_and_end(account, "DeregisterInstance", 7.0)
    for call, expected in {
        "CreatePrivateDnsNamespace": 50.0,
        "CreateHttpNamespace": 2.0,
        "RegisterInstance": 7.0,
    }.items():
        account.call(call, {"OperationId": "new"})
        assert account.operations.remaining("new", account.time) == expected


def test_deletions_of_zones_are_known_by_their_creation(account: Account) -> None:
    """By id and by ARN; a namespace of others is asked for early."""
    account.call("CreatePublicDnsNamespace", {"OperationId": "created"}, Name="x.test")
    account.end("created", 40.0, "ns-1")
    assert account.operations.namespace("created") == "ns-1"
    for name, is_zone in (("ns-1", True), ("arn:aws:servicediscovery:r:1:namespace/ns-1", True), ("ns-2", False)):
        account.call("DeleteNamespace", {"OperationId": name}, Id=name)
        assert (account.operations.remaining(name, account.time) > timeouts.OPERATION_POLL) is is_zone


def test_a_failed_or_unknown_operation_teaches_nothing(account: Account) -> None:
    """One of others, one that failed, and one that is still in progress."""
    account.end("unknown", 200.0, "ns-1")
    for status in ("FAIL", "PENDING"):
        account.call("CreateHttpNamespace", {"OperationId": status})
        account.end(status, 200.0, "ns-1", status)
        assert account.operations.namespace(status) is None
    account.call("CreateHttpNamespace", {"OperationId": "new"})
    assert account.operations.remaining("new", account.time) == timeouts.OPERATION_POLL
    assert account.operations.remaining("unknown", account.time) == 0.0
    assert account.operations.namespace("unknown") is None


@pytest.mark.parametrize(
    "answer",
    [
        {"OperationId": 7},
        {"OperationId": None},
        {"Operation": "SUCCESS"},
        {"Operation": {"Id": "begun", "Status": "SUCCESS", "CreateDate": "x", "UpdateDate": 3}},
        {"Operation": {"Id": ["begun"], "Status": "SUCCESS"}},
        {"Operation": {"Id": "begun", "Status": "SUCCESS", "Targets": ["NAMESPACE"]}},
        {"Operation": {"Id": "begun", "Status": "SUCCESS", "Targets": {"NAMESPACE": {}}}},
        {},
    ],
)
def test_odd_answers_are_not_learned_from(account: Account, answer: dict[str, Any]) -> None:
    """A target may answer with anything."""
    account.call("CreateHttpNamespace", {"OperationId": "begun"})
    account.call("GetOperation", answer)
    account.call("CreateHttpNamespace", {"OperationId": "new"})
    assert account.operations.remaining("new", account.time) == timeouts.OPERATION_POLL
    assert account.operations.namespace("begun") is None


def test_a_clock_of_the_target_that_runs_backwards_is_no_duration(account: Account) -> None:
    """A wait is never negative, and never longer than an operation may take."""
    begin_and_end(account, "CreateHttpNamespace", -50.0, 1e9)
    account.call("CreateHttpNamespace", {"OperationId": "new"})
    assert 0.0 <= account.operations.remaining("new", account.time) <= timeouts.OPERATION


def test_instances_of_a_service_of_the_run_are_known(account: Account) -> None:
    """Those that were registered and not deregistered, by id or ARN; of a service of others nothing is known."""
    service = "srv-1"
    account.call("CreateService", {"Service": {"Id": service}}, Name="web")
    assert account.operations.instances(service) == []
    for instance, name in (("b", service), ("a", f"arn:aws:servicediscovery:r:1:service/{service}"), ("c", "srv-2")):
        account.call("RegisterInstance", {"OperationId": f"of {instance}"}, ServiceId=name, InstanceId=instance)
    account.call("RegisterInstance", {"Error": {"Code": "InvalidInput"}}, ServiceId=service, InstanceId="refused")
    assert account.operations.instances(service) == ["a", "b"]
    account.call("DeregisterInstance", {"OperationId": "of d"}, ServiceId=service, InstanceId="a")
    assert account.operations.instances(service) == ["b"]
    assert account.operations.instances("srv-2") is None
