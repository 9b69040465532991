"""Reads that lag writes: repeated until they show them, and returned as they were at the end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.clock import ControlledClock
from surveyor.errors import Inconclusive, NoAnswer, NotOffered, WrongAnswer
from surveyor.fixtures.reads import WrittenServices, judge_undisturbed, repeat_read


class ManualTime:
    """Time that changes only when it is advanced."""

    time = 0.0

    def now(self) -> float:
        """Return the current time."""
        return self.time

    def advance(self, seconds: float) -> float:
        """Advance the time."""
        self.time += seconds
        return self.time


def refused(code: str) -> ClientError:
    """Return the error of a refused call."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeTaskDefinition")


def raises(error: Exception) -> Callable[[], Any]:
    """Return a read that fails."""

    def read() -> Any:
        raise error

    return read


def test_a_read_that_is_right_at_once_costs_no_time() -> None:
    """Targets that answer consistently are read once."""
    time = ManualTime()
    counter = itertools.count(1)
    assert repeat_read(ControlledClock(time), lambda: next(counter), 1) == 1
    assert (time.time, next(counter)) == (0, 2)


EARLIER: dict[str, Callable[[], Any]] = {
    "a value": lambda: "old",
    "a refusal": raises(refused("ClientException")),
    "a missing key": raises(KeyError("x")),
    "an empty list": raises(ValueError("not enough values to unpack")),
}


@pytest.mark.parametrize("earlier", EARLIER)
def test_a_read_is_repeated_until_it_is_as_expected(earlier: str) -> None:
    """An earlier value, a missing entry and a refusal are not yet; `expected` may be a function."""
    time = ManualTime()

    def read() -> Any:
        return EARLIER[earlier]() if time.time < 9 else "new"

    for expected in ("new", lambda value: value == "new"):
        time.time = 0.0
        assert repeat_read(ControlledClock(time), read, expected) == "new"
        assert 9 <= time.time < 11


def test_the_last_value_is_returned_at_the_end() -> None:
    """The test compares it itself, and its message has both."""
    time = ManualTime()
    assert repeat_read(ControlledClock(time), lambda: f"at {time.time:g}", "new") == f"at {timeouts.READS:g}"
    with pytest.raises(KeyError, match="absent"):
        repeat_read(ControlledClock(time), raises(KeyError("absent")), "new")
    with pytest.raises(ClientError, match="ClusterNotFoundException"):
        repeat_read(ControlledClock(time), raises(refused("ClusterNotFoundException")), "new")


@pytest.mark.parametrize(
    "error",
    [NoAnswer("no answer", "none"), NotOffered("ecs", "DescribeTaskSets", "no"), refused("AccessDenied")],
    ids=["no answer", "not offered", "denied"],
)
def test_errors_that_do_not_change_are_raised_at_once(error: Exception) -> None:
    """A target that does not answer, lacks the operation or denies it is asked once."""
    time = ManualTime()
    with pytest.raises(type(error)):
        repeat_read(ControlledClock(time), raises(error), "new")
    assert time.time == 0


PRIMARY = {"id": "ecs-svc/1", "createdAt": 10.0, "updatedAt": 10.0}
WRITTEN = {"serviceArn": "arn:s", "desiredCount": 2, "deployments": [PRIMARY]}


@pytest.mark.parametrize(
    ("change", "is_earlier"),
    {
        "the answer itself": ({}, False),
        "a later deployment": ({"deployments": [{"createdAt": 11.0, "updatedAt": 11.0}]}, False),
        "its deployment changed": ({"deployments": [{**PRIMARY, "updatedAt": 12.0}]}, False),
        "without moments": ({"deployments": [{"id": "ecs-svc/1"}]}, False),
        "another service": ({"serviceArn": "arn:t", "desiredCount": 7}, False),
        "the deployment before": ({"deployments": [{"createdAt": 9.0, "updatedAt": 12.0}]}, True),
        "the count before": ({"desiredCount": 1}, True),
    }.values(),
)
def test_a_service_is_described_as_before_its_last_write(change: dict[str, Any], *, is_earlier: bool) -> None:
    """The deployments and the count say so, for as long as reads may be late."""
    written = WrittenServices({"arn:s": (100.0, WRITTEN)})
    described = {**WRITTEN, **change}
    assert written.may_be_earlier(described, 100.0 + timeouts.READS) == is_earlier
    assert not written.may_be_earlier(described, 101.0 + timeouts.READS)


def test_daemon_services_count_by_themselves() -> None:
    """Their desired count is that of the instances, whatever the answer to the write said."""
    written = WrittenServices({"arn:s": (100.0, {**WRITTEN, "schedulingStrategy": "DAEMON"})})
    assert not written.may_be_earlier({**WRITTEN, "desiredCount": 5}, 100.0)


def judge_list(*states: int, fails: int) -> int:
    """Check a list that has these states when it is read, by a check that fails so often; return how often it ran."""
    reads, runs = iter(states), itertools.count(1)

    def check(before: int) -> None:
        if next(runs) <= fails:
            raise WrongAnswer(f"the list was {before}", actual="x")

    judge_undisturbed(lambda: next(reads), check)
    return next(runs) - 1


def test_a_list_that_did_not_change_is_judged() -> None:
    """A failure counts at once; a check that passes needs no second look."""
    assert judge_list(1, fails=0) == 1
    with pytest.raises(WrongAnswer, match="the list was 1"):
        judge_list(1, 1, fails=1)


def test_a_list_that_others_changed_is_looked_at_again() -> None:
    """Until it holds, or until the list stays as it is; if it never does, nothing is known."""
    assert judge_list(1, 2, 2, fails=1) == 2
    with pytest.raises(WrongAnswer, match="the list was 2"):
        judge_list(1, 2, 2, 2, fails=2)
    with pytest.raises(Inconclusive, match="others changed the list 5 times"):
        judge_list(*range(10), fails=5)


def test_the_last_write_of_a_service_is_known() -> None:
    """Its operation and its time; of a service without tasks there is nothing to wait for."""
    written = WrittenServices()
    written.note({"service": {"serviceArn": "a", "desiredCount": 1}}, 7.0, "CreateService")
    written.note({"service": {"serviceArn": "b", "desiredCount": 0}}, 8.0, "UpdateService")
    assert written.last_write({"serviceArn": "a"}) == ("CreateService", 7.0)
    assert written.last_write({"serviceArn": "b"}) is None
    assert written.last_write({"serviceArn": "c"}) is None
