"""From the exception that ended a test to a verdict, a symptom, and a detail in plain words.

A wrong answer of the target is a fail; a defect of Surveyor or a broken connection is an error. A symptom is compared
with expectations: it holds the name of the test, its parameters and an error code or label, never source text, ids,
ports or times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    PaginationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from surveyor.errors import (
    FeatureLacking,
    Inconclusive,
    NoAnswer,
    NotOffered,
    SurveyorError,
    TargetUnavailable,
    UsageError,
    WrongAnswer,
)
from surveyor.pytest_plugin.failed_statement import FailedStatement, find_statement
from surveyor.unsupported import is_html
from surveyor.verdicts import Verdict

__all__ = ["REFUSED", "JudgeContext", "PhaseVerdict", "judge"]

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)

_WRONG_SHAPE = (
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ValueError,
    StopIteration,
    PaginationError,  # a page whose token leads back to it
    dns.exception.DNSException,
)
"""What a line of a suite raises when an answer does not have the documented shape."""

REFUSED = "refused"
"""The label of a usage error: the request makes no sense, and nothing was done."""

_MAX_LENGTH = 600


@dataclass(frozen=True)
class PhaseVerdict:
    """The verdict on one phase of a test. ``symptom`` is "" for verdicts that no expectation records."""

    verdict: Verdict
    symptom: str = ""
    detail: str = ""


@dataclass(frozen=True)
class JudgeContext:
    """What a judgement depends on besides the exception.

    ``dead()`` returns why the target cannot answer any more, or None; ``lacks`` holds the operations that the target
    declares not to have; ``local`` targets have no network that could be the cause of a missing answer.
    """

    suites: Path
    lacks: frozenset[str]
    local: bool
    dead: Callable[[], str | None]


def judge(error: BaseException, test: str, phase: str, context: JudgeContext) -> PhaseVerdict:
    """Return the judgement on the test of this name that ended with ``error`` in ``phase``: setup, call or teardown."""
    statement = find_statement(error.__traceback__, context.suites)
    verdict, label, detail = _classify(error, statement, context)
    prefix = {"setup": "set-up: ", "teardown": "tear-down: "}.get(phase, "")
    if verdict is Verdict.UNSUPPORTED:
        return PhaseVerdict(verdict, "", _shorten(detail))
    symptom = prefix + ": ".join(part for part in (test, label) if part)
    return PhaseVerdict(verdict, symptom, _shorten(prefix + detail))


def _classify(error: BaseException, statement: FailedStatement, context: JudgeContext) -> tuple[Verdict, str, str]:
    """Return verdict, label and detail."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, TargetUnavailable):
            return Verdict.ERROR, "the target is gone", str(link)
    if isinstance(error, SurveyorError):
        return Verdict.ERROR, REFUSED if isinstance(error, UsageError) else type(error).__name__, str(error)
    if isinstance(error, FeatureLacking):
        return Verdict.UNSUPPORTED, "", str(error)
    if isinstance(error, (Inconclusive, pytest.skip.Exception)):
        return Verdict.INCONCLUSIVE, "inconclusive", str(error)
    for link in chain:
        if isinstance(link, (HTTPClientError, ConnectionError, NoAnswer)):
            return _disconnected(link, error, context)
        if isinstance(link, NotOffered):
            return _not_offered(link, context)
    refused = next((link for link in chain[:2] if isinstance(link, ClientError)), None)
    if refused is not None and _code(refused) in THROTTLED:
        return Verdict.INCONCLUSIVE, f"throttled: {_code(refused)}", f"throttled by {refused.operation_name}"
    return _answered(error, statement)


def _answered(error: BaseException, statement: FailedStatement) -> tuple[Verdict, str, str]:
    if isinstance(error, WrongAnswer):
        return Verdict.FAIL, error.actual, str(error)
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, ResponseParserError):
        is_page = "<html" in str(error).lower() or "<!doctype html" in str(error).lower()
        actual = "a web page" if is_page else "an answer that cannot be parsed"
        return Verdict.FAIL, actual, f"expected an answer in the API's protocol; got {actual}: {error}"
    kind = type(error).__name__
    if isinstance(error, pytest.FixtureLookupError):
        return Verdict.ERROR, kind, f"there is no fixture {error.argname!r}"
    if statement.in_suite and isinstance(error, (AssertionError, pytest.fail.Exception)):
        return Verdict.FAIL, kind, f"expected {statement.text.removeprefix('assert ')}; got {_flat(error)}"
    if statement.innermost.endswith("serialize.py"):  # botocore's: the request could not even be written
        return Verdict.ERROR, kind, f"`{statement.text}` cannot be sent: {kind} {_flat(error)}"
    if statement.in_suite and isinstance(error, _WRONG_SHAPE):
        label = f"{kind} {error}" if isinstance(error, KeyError) else kind
        return Verdict.FAIL, label, f"expected an answer that allows `{statement.text}`; got {kind}: {_flat(error)}"
    return Verdict.ERROR, kind, f"{kind} in {statement.text or 'the harness'}: {_flat(error)}"


def _refused(error: ClientError) -> tuple[Verdict, str, str]:
    code, message = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if is_html(headers, message):
        actual = f"a web page with HTTP {code}"
        return Verdict.FAIL, actual, f"expected an answer to {error.operation_name}; got {actual}"
    detail = f"expected {error.operation_name} to succeed; got the error {code or 'without a code'}: {message}"
    return Verdict.FAIL, f"ClientError {code}".strip(), detail


def _not_offered(link: NotOffered, context: JudgeContext) -> tuple[Verdict, str, str]:
    detail = f"not offered: {link.operation} ({link.answer})"
    if link.operation in context.lacks:
        return Verdict.UNSUPPORTED, "", detail
    return Verdict.FAIL, f"not offered: {link.operation}", detail


def _disconnected(link: BaseException, error: BaseException, context: JudgeContext) -> tuple[Verdict, str, str]:
    dead = context.dead()
    if dead:
        return Verdict.ERROR, "the target is gone", dead
    if isinstance(error, WrongAnswer):  # DNS: the API answers, so it is the name server that does not
        return Verdict.FAIL, error.actual, str(error)
    if isinstance(link, ReadTimeoutError):
        verdict = Verdict.FAIL if context.local else Verdict.INCONCLUSIVE
        return verdict, "no answer in time", f"expected an answer; got none in time (wall): {_flat(link)}"
    if isinstance(link, (EndpointConnectionError, ConnectTimeoutError)) or not context.local:
        return Verdict.ERROR, type(link).__name__, _flat(link)
    is_closed = isinstance(link, (ConnectionClosedError, ConnectionError))
    label = "connection closed" if is_closed else type(link).__name__
    return Verdict.FAIL, label, f"expected an answer; the connection was closed without one: {_flat(link)}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and those that it was raised from."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _flat(error: BaseException) -> str:
    # pytest's explanations ("+ where …") repeat whole answers and hold addresses of objects
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.lstrip().startswith("+")]
    return " ".join(lines[:4]) or type(error).__name__


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"
