"""The test that repeats one recording; it is not part of tests/. `surveyor recordings check` runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from msgspec import structs

from surveyor import timeouts
from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.refusals import DENIED, THROTTLED, describe_denial, describe_refusal
from surveyor.clock import Clock
from surveyor.conformance.replay.situations import fixture_name
from surveyor.errors import FeatureLacking, Inconclusive, NotOffered, UsageError, WrongAnswer
from surveyor.fixtures.permissions import AssumableRole
from surveyor.recordings import Recording
from surveyor.recordings.comparison import differences
from surveyor.recordings.model import Answer, Call
from surveyor.recordings.paths import MISSING, fill, find
from surveyor.response import operation_name
from surveyor.targets.running import RunningTarget

T = TypeVar("T")
_LATE = ("ec2", "ecs")
_READS = ("Describe", "Get", "List")
_ENDED = ("SUCCESS", "FAIL")


class _Caller:
    """Make the calls of one recording, with the variables of its situation and of the calls before."""

    def __init__(self, request: pytest.FixtureRequest, variables: Mapping[str, str]) -> None:
        self.variables = dict(variables)
        self._request = request
        self._clock: Clock = request.getfixturevalue("clock")
        self._account = str(request.getfixturevalue("account"))
        self._begun: list[tuple[Call, str]] = []

    def prepare(self, call: Call) -> None:
        """Make a call that the request depends on. Raises Inconclusive if it does not succeed."""
        try:
            answer = self.send(call)
            for name, path in call.save.items():
                [(where, value)] = find(answer, self.fill(path))
                if value is MISSING:
                    raise Inconclusive(f"cannot be repeated: {where} of {call.operation} is missing")
                self.variables[name] = str(value)
            if call.wait:
                self._wait(call, answer)
            elif "OperationId" in answer:
                self._begun.append((call, str(answer["OperationId"])))
        except NotOffered:
            raise
        except ClientError as error:
            if _code(error.response) in THROTTLED:
                raise
            why = describe_denial(str(error))
            raise Inconclusive(f"cannot be repeated: {call.operation} before it is refused: {why}") from error

    def send(self, call: Call) -> Any:
        """Send a call and return its answer. Raises ClientError."""
        client = self._client(call)
        return getattr(client, xform_name(call.operation))(**self.fill(call.params))

    def fill(self, value: T) -> T:
        """Return a value with the variables in it replaced. Raises UsageError for an unknown one."""
        try:
            filled: T = fill(value, self.variables)
        except KeyError as error:
            known = ", ".join(sorted(self.variables))
            raise UsageError(f"the recording has the unknown variable {error}; expected one of {known}") from None
        return filled

    def answer(self, call: Call, expected: Answer, *, is_shared: bool) -> Mapping[str, Any]:
        """Send the request and return its answer or its error.

        Raises ClientError if it says nothing about the recording: throttling, and in an account that is shared with
        others a lack of permission, unless the recording is about that.
        """
        try:
            return dict(self.send(call))
        except NotOffered:
            raise
        except ClientError as error:
            code = _code(error.response)
            if code != expected.error:
                if code in THROTTLED:
                    raise
                if is_shared and code in DENIED:
                    called = f"{call.service}:{call.operation}"
                    refusal = describe_refusal(called, error.response)
                    line = refusal[1] if refusal else describe_failed_call(called, error.response)
                    raise Inconclusive(line) from error
            return dict(error.response)

    def ended(self) -> str:
        """Return the name of a call before the request whose operation is over; "" if all are in progress."""
        for call, identifier in self._begun:
            if self._operation(call, identifier).get("Status") in _ENDED:
                return call.operation
        return ""

    def _operation(self, call: Call, identifier: str) -> dict[str, Any]:
        owner = {"OwnerAccount": self._account} if call.caller else {}
        found: dict[str, Any] = self._client(call).get_operation(OperationId=identifier, **owner).get("Operation", {})
        return found

    def _client(self, call: Call) -> Any:
        if call.caller == "user":
            role: AssumableRole = self._request.getfixturevalue("assumable_role")
            return role.sts
        name = "consumer_client" if call.caller == "consumer" else "client"
        return self._request.getfixturevalue(name)(call.service)

    def _wait(self, call: Call, answer: Mapping[str, Any]) -> None:
        identifier = answer.get("OperationId")
        if identifier is None:
            raise Inconclusive(f"cannot be repeated: {call.operation} returns no OperationId")

        def has_ended() -> dict[str, Any] | None:
            operation = self._operation(call, str(identifier))
            return operation if operation.get("Status") in _ENDED else None

        operation = self._clock.eventually(has_ended, within=timeouts.OPERATION, poll_every=timeouts.OPERATION_POLL)
        if operation["Status"] != "SUCCESS":
            raise Inconclusive(f"cannot be repeated: {call.operation} ends as FAIL: {operation.get('ErrorMessage')}")


@pytest.fixture
def observed(request: pytest.FixtureRequest, recording: Recording) -> Callable[[str, str], dict[str, Any]]:
    """Return what a situation or an observation provides. Raises Inconclusive if the target cannot be brought there."""

    def provide(kind: str, name: str) -> dict[str, Any]:
        try:
            return dict(request.getfixturevalue(fixture_name(kind, name)))
        except (NotOffered, FeatureLacking, Inconclusive):
            raise
        except (ClientError, WrongAnswer, KeyError, IndexError) as error:
            if isinstance(error, ClientError) and _code(error.response) in THROTTLED:
                raise
            why = describe_denial(str(error))
            raise Inconclusive(f"cannot be repeated: the {kind} {name} cannot be created: {why}") from error

    return provide


def test_recording(
    request: pytest.FixtureRequest,
    recording: Recording,
    running_target: RunningTarget,
    clock: Clock,
    account: str,
    unique_name: Callable[..., str],
    observed: Callable[[str, str], dict[str, Any]],
) -> None:
    """Bring the target into the situation, send the request, and compare the answer."""
    replay = recording.replay
    assert replay is not None, "a recording that is not replayed is not selected"
    common = {"account": account, "region": running_target.target.region, "name": unique_name("rec"),
              "other": unique_name("rec")}  # fmt: skip
    caller = _Caller(request, common | observed("situation", replay.situation))
    for call in replay.before:
        caller.prepare(call)
    expected = recording.answer
    found: list[str] = []

    def agrees() -> bool:
        wanted = _filled(expected, caller)
        if recording.request is None:
            actual: Mapping[str, Any] = observed("observation", recording.observation)
        else:
            actual = caller.answer(recording.request, wanted, is_shared=running_target.target.is_one_account)
        found[:] = differences(wanted, actual)
        return not found

    if within := replay.within or _lag(recording.request):
        try:
            clock.eventually(agrees, within=within)
        except WrongAnswer:
            if not found:
                raise
    else:
        agrees()
    # A machine or an account may be slow: what was to be refused meanwhile is accepted then.
    if found and expected.error and running_target.target.is_one_account and (ended := caller.ended()):
        raise Inconclusive(f"the operation of {ended} was over when the request was to be refused: {'; '.join(found)}")
    if found:
        operation = ""
        if recording.request is not None:
            operation = operation_name(recording.request.service, recording.request.operation)
        raise WrongAnswer("; ".join(found), actual="differs from the recording", operation=operation)


def _filled(expected: Answer, caller: _Caller) -> Answer:
    """Return the expected answer with its variables replaced."""
    return structs.replace(
        expected, **{name: caller.fill(getattr(expected, name)) for name in expected.__struct_fields__}
    )


def _lag(request: Call | None) -> float:
    """Return for how many service seconds the answer may be as before the calls of the situation."""
    is_late = request is not None and request.service in _LATE and request.operation.startswith(_READS)
    return timeouts.READS if is_late else 0.0


def _code(response: Mapping[str, Any]) -> str:
    return str(response.get("Error", {}).get("Code", ""))
