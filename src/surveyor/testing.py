"""The only module of Surveyor that suites import: markers, assertions and helpers. Fixtures need no import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.dns import exchange_messages, record_values
from surveyor.errors import Inconclusive, NotOffered, WrongAnswer
from surveyor.evidence import EvidenceEntry, deciding_operation, recorded_block
from surveyor.fixtures import figure_names
from surveyor.fixtures.service_connect import TaskCall
from surveyor.fixtures.tasks import TASK_IMAGE, TASK_PORT, address_of, containers_of, id_of
from surveyor.observations import Interval, Observations
from surveyor_agents import workload

__all__ = [
    "TASK_IMAGE",
    "TASK_PORT",
    "Inconclusive",
    "Interval",
    "NotOffered",
    "Observations",
    "TaskCall",
    "WrongAnswer",
    "address_of",
    "containers_of",
    "dns_config",
    "exchange_messages",
    "figure_names",
    "for_each",
    "id_of",
    "is_refused",
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


def for_each(names: str, cases: Iterable[Any] | Mapping[str, Any]) -> pytest.MarkDecorator:
    """Run the test once for each case that its claim covers: `@for_each("kind", ["http", "private"])`.

    `names`: one parameter or, with commas, several, of which each case is a tuple. `cases`: values whose text labels
    the test, or a mapping from label to value.
    """
    labels = None
    if isinstance(cases, Mapping):
        labels, cases = list(cases), cases.values()
    return pytest.mark.parametrize(names, list(cases), ids=labels)


def dns_config(*types: str, ttl: int = 60, policy: str | None = "MULTIVALUE") -> dict[str, Any]:
    """Return a DnsConfig with a record of each type; `ttl` in seconds, without RoutingPolicy if `policy` is None."""
    records = {"DnsRecords": [{"Type": rdtype, "TTL": ttl} for rdtype in types]}
    return records if policy is None else {"RoutingPolicy": policy, **records}


def is_refused(call: Callable[[], object]) -> bool:
    """Return whether the API refuses a call, with any error: for refusals whose code no document names.

    An operation that the target does not offer is not refused, nor one that fails inside the target: the error passes
    through.
    """
    try:
        call()
    except NotOffered:
        raise
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
            raise
        return True
    return False


_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
_AFTER_PERMISSION = ("ResourceInUse", "DuplicateRequest")
"""Errors that depend on the resource, which only a caller with permission learns of."""


def is_allowed(call: Callable[..., object], *args: Any, **params: Any) -> bool:
    """Return whether the caller may make this call: true if it succeeds, or finds the resource in use."""
    try:
        call(*args, **params)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in (*_DENIED, *_AFTER_PERMISSION):
            raise
        return code in _AFTER_PERMISSION
    return True


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
