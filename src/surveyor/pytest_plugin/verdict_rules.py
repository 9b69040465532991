"""From the exception that ended a test to a verdict, a symptom, and a detail in plain words.

A wrong answer of the target is a fail; a defect of Surveyor or a broken connection is an error. A symptom is compared
with expectations: it holds the name of the test, its parameters and a label, never source text, ids, ports or times.
Labels, details and causes use the words of the API: operations, members, error codes.
"""

from __future__ import annotations

import re
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

from surveyor.account.refusals import THROTTLED, describe_refusal
from surveyor.errors import (
    CredentialsEnded,
    FeatureLacking,
    Inconclusive,
    NoAnswer,
    NotNeeded,
    NotOffered,
    NotYet,
    SurveyorError,
    TargetUnavailable,
    Unavailable,
    UsageError,
    WrongAnswer,
)
from surveyor.evidence import EvidenceEntry, operation_of
from surveyor.pytest_plugin.failed_assertion import Comparison, describe_assertion
from surveyor.pytest_plugin.failed_statement import FailedStatement, find_statement
from surveyor.response import MissingEntry, MissingMember, Response, operation_name
from surveyor.targets.answers import describe_missing
from surveyor.unsupported import is_html
from surveyor.verdicts import Verdict

__all__ = ["REFUSED", "JudgeContext", "PhaseVerdict", "judge"]

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

_UNPACKED = re.compile(r"values to unpack \((expected \d+(?:, got \d+)?)\)")

_STABLE_KEY = re.compile(r"[A-Za-z_ -]+|AWS_\w+")
"""Keys that are the same in every run; ids and unique names have digits."""

REFUSED = "refused"
"""The label of a usage error: the request makes no sense, and nothing was done."""

_MAX_LENGTH = 600


@dataclass(frozen=True)
class PhaseVerdict:
    """The verdict on one phase of a test. ``symptom`` is "" for verdicts that no expectation records.

    ``operation`` and ``cause``: of a fail, which operation answered wrongly and what is wrong, without values.
    """

    verdict: Verdict
    symptom: str = ""
    detail: str = ""
    operation: str = ""
    cause: str = ""


@dataclass(frozen=True)
class JudgeContext:
    """What a judgement depends on besides the exception.

    ``dead()`` returns why the target cannot answer any more, or None; ``lacks`` holds the operations that the target
    declares not to have; ``local`` targets have no network that could be the cause of a missing answer. ``latest`` is
    the last call or DNS query, ``comparison`` the last comparison that was false. ``account``: an account that outlives
    the run, whose permissions, quotas and moments of failure are no behaviour of a service. ``ended``: why its
    credentials are of no use any more: whatever a test met then, it has no verdict. ``denied``: label and line of a
    call of the test that they may not make.
    """

    suites: Path
    lacks: frozenset[str]
    local: bool
    dead: Callable[[], str | None]
    latest: EvidenceEntry | None = None
    comparison: Comparison | None = None
    account: bool = False
    ended: str | None = None
    denied: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Outcome:
    """A verdict with the label of its symptom. Of a fail also ``operation`` and ``cause``; "" stands for the label."""

    verdict: Verdict
    label: str
    detail: str
    operation: str = ""
    cause: str = ""


def judge(error: BaseException, test: str, phase: str, context: JudgeContext) -> PhaseVerdict:
    """Return the judgement on the test of this name that ended with ``error`` in ``phase``: setup, call or teardown."""
    statement = find_statement(error.__traceback__, context.suites)
    outcome = _classify(error, statement, context)
    if outcome.verdict is Verdict.FAIL and context.denied:  # tests that expect a refusal take a denial for one
        outcome = _Outcome(Verdict.INCONCLUSIVE, *context.denied)
    prefix = {"setup": "set-up: ", "teardown": "tear-down: "}.get(phase, "")
    if outcome.verdict in (Verdict.UNSUPPORTED, Verdict.NOT_RUN):
        return PhaseVerdict(outcome.verdict, "", _shorten(outcome.detail))
    symptom = prefix + ": ".join(part for part in (test, outcome.label) if part)
    if outcome.verdict is not Verdict.FAIL:
        return PhaseVerdict(outcome.verdict, symptom, _shorten(prefix + outcome.detail))
    operation, cause = outcome.operation or operation_of(context.latest), outcome.cause or outcome.label
    detail = outcome.detail if outcome.detail.startswith(f"{operation}: ") else f"{operation}: {outcome.detail}"
    detail = detail.removeprefix(": ")
    return PhaseVerdict(outcome.verdict, symptom, _shorten(prefix + detail), operation, _shorten(cause))


def _classify(error: BaseException, statement: FailedStatement, context: JudgeContext) -> _Outcome:
    chain = list(_chain(error))
    gone = next((link for link in chain if isinstance(link, TargetUnavailable)), None)
    if context.ended or isinstance(gone, CredentialsEnded):
        return _Outcome(Verdict.NOT_RUN, "", context.ended or str(gone))
    if gone is not None:
        return _Outcome(Verdict.ERROR, "the target is gone", str(gone))
    if isinstance(error, SurveyorError):
        label = REFUSED if isinstance(error, UsageError) else type(error).__name__
        return _Outcome(Verdict.ERROR, label, str(error))
    if isinstance(error, FeatureLacking):
        return _Outcome(Verdict.UNSUPPORTED, "", str(error))
    if isinstance(error, NotNeeded):
        return _Outcome(Verdict.NOT_RUN, "", str(error))
    if isinstance(error, (Inconclusive, pytest.skip.Exception)):
        label = error.label if isinstance(error, Unavailable) else "inconclusive"
        return _Outcome(Verdict.INCONCLUSIVE, label, str(error))
    for link in chain:
        if isinstance(link, (HTTPClientError, ConnectionError, NoAnswer)):
            return _disconnected(link, error, context)
        if isinstance(link, NotOffered):
            return _not_offered(link, context)
    refused = next((link for link in chain[:2] if isinstance(link, ClientError)), None)
    if refused is not None and _code(refused) in THROTTLED:
        label = f"throttled: {_code(refused)}"
        return _Outcome(Verdict.INCONCLUSIVE, label, f"throttled by {refused.operation_name}")
    if refused is not None and context.account and (why := describe_refusal(_operation_of(refused), refused.response)):
        return _Outcome(Verdict.INCONCLUSIVE, *why)
    return _answered(error, statement, context)


def _answered(error: BaseException, statement: FailedStatement, context: JudgeContext) -> _Outcome:
    if isinstance(error, NotYet) and context.account:
        detail = f"{error}; no document says how long it may take"
        return _Outcome(Verdict.INCONCLUSIVE, "slow", detail)
    if isinstance(error, WrongAnswer):
        return _wrong_answer(error, context)
    if isinstance(error, (MissingMember, MissingEntry)):
        return _missing(error, statement)
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, ResponseParserError):
        is_page = "<html" in str(error).lower() or "<!doctype html" in str(error).lower()
        actual = "a web page" if is_page else "an answer that cannot be parsed"
        return _Outcome(Verdict.FAIL, actual, f"expected an answer in the API's protocol, got {actual}: {error}")
    kind = type(error).__name__
    if isinstance(error, pytest.FixtureLookupError):
        return _Outcome(Verdict.ERROR, kind, f"there is no fixture {error.argname!r}")
    if statement.in_suite and isinstance(error, pytest.fail.Exception):
        return _failed(error)
    if statement.in_suite and isinstance(error, AssertionError):
        difference = describe_assertion(statement, _flat(error), context.comparison)
        label = ": ".join(part for part in (difference.operation, difference.cause) if part)
        return _Outcome(Verdict.FAIL, label, difference.detail, difference.operation, difference.cause)
    if statement.innermost.endswith("serialize.py"):  # botocore's: the request could not even be written
        return _Outcome(Verdict.ERROR, kind, f"`{statement.text}` cannot be sent: {kind} {_flat(error)}")
    if statement.in_suite and isinstance(error, _WRONG_SHAPE):
        cause = _wrong_shape(error)
        counts = _UNPACKED.search(_flat(error))
        # What the interpreter says of a type is about the suite's statement, and not about the answer.
        words = "" if isinstance(error, (TypeError, AttributeError)) else f": {kind} {_flat(error)}"
        detail = f"{cause}: {counts[1]}" if counts else f"{cause} (`{statement.text}`{words})"
        return _Outcome(Verdict.FAIL, cause, detail)
    return _Outcome(Verdict.ERROR, kind, f"{kind} in {statement.text or 'the harness'}: {_flat(error)}")


def _wrong_answer(error: WrongAnswer, context: JudgeContext) -> _Outcome:
    """Return a fail; the label names the operation where the answer that was refused or accepted does."""
    operation, label = error.operation, error.actual
    if isinstance(error.__cause__, ClientError):
        operation = operation or _operation_of(error.__cause__)
    if error.actual.startswith(("accepted ", "refused ")):
        label = f"{operation or operation_of(context.latest)}: {error.actual}".removeprefix(": ")
    return _Outcome(Verdict.FAIL, label, str(error), operation, error.cause)


def _missing(error: MissingMember | MissingEntry, statement: FailedStatement) -> _Outcome:
    if not error.is_documented:
        detail = f"`{statement.text}` reads a member that {error.operation} does not have: {error}"
        return _Outcome(Verdict.ERROR, "unknown member", detail)
    return _Outcome(Verdict.FAIL, f"{error.operation}: {error.cause}", str(error), error.operation, error.cause)


def _failed(error: BaseException) -> _Outcome:
    """Return the fail of `pytest.fail`, or of `pytest.raises` without an exception."""
    text = _flat(error)
    if text.startswith("DID NOT RAISE"):
        cause = "accepted an invalid request, expected an error"
        return _Outcome(Verdict.FAIL, cause, cause)
    return _Outcome(Verdict.FAIL, "the answer is not as documented", text)


def _wrong_shape(error: BaseException) -> str:
    """Return in plain words what is wrong with an answer that a statement of a suite cannot read."""
    text = _flat(error)
    if isinstance(error, KeyError):
        key = str(error.args[0]) if error.args else ""
        return f"{key!r} is missing" if _STABLE_KEY.fullmatch(key) else "the answer lacks an entry"
    if isinstance(error, (IndexError, StopIteration)):
        return "the answer lacks entries"
    if isinstance(error, ValueError) and "values to unpack" in text:
        if text.startswith("not enough"):
            return "the answer is empty" if text.endswith("got 0)") else "the answer lacks entries"
        return "the answer has too many entries"
    if isinstance(error, PaginationError):
        return "a page leads back to itself"
    if isinstance(error, dns.exception.DNSException):
        return f"the answer is not valid DNS ({type(error).__name__})"
    if isinstance(error, (TypeError, AttributeError)):
        return "the answer has a value of another type"
    return f"the answer has another form ({type(error).__name__})"


def _refused(error: ClientError) -> _Outcome:
    code, message = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    operation = _operation_of(error)
    if is_html(headers, message):
        actual = f"a web page with HTTP {code}"
        return _Outcome(Verdict.FAIL, f"{operation}: {actual}", f"expected an answer, got {actual}", operation, actual)
    cause = f"refused a valid request with {code or 'an error without a code'}"
    return _Outcome(Verdict.FAIL, f"{operation}: {cause}", f"{cause}: {message}", operation, cause)


def _not_offered(link: NotOffered, context: JudgeContext) -> _Outcome:
    detail = f"not offered: {link.operation} ({link.answer})"
    if link.operation in context.lacks:
        return _Outcome(Verdict.UNSUPPORTED, "", detail)
    operation = operation_name(*link.operation.split(":", 1))
    label = f"not offered: {link.operation}"
    return _Outcome(Verdict.FAIL, label, f"is not offered ({link.answer})", operation, "is not offered")


def _disconnected(link: BaseException, error: BaseException, context: JudgeContext) -> _Outcome:
    dead = context.dead()
    if dead:
        return _Outcome(Verdict.ERROR, "the target is gone", dead)
    if context.account:  # a network is between: a filter on UDP port 53, a connection that was reset
        operation = operation_of(context.latest)
        why = describe_missing(link) if isinstance(link, HTTPClientError) else _flat(link)
        detail = f"{operation}: expected an answer, and none arrived: {why}".removeprefix(": ")
        return _Outcome(Verdict.INCONCLUSIVE, "no answer", f"{detail}; try again later")
    if isinstance(error, WrongAnswer):  # DNS: the API answers, so it is the name server that does not
        return _Outcome(Verdict.FAIL, error.actual, str(error))
    if isinstance(link, ReadTimeoutError):
        verdict = Verdict.FAIL if context.local else Verdict.INCONCLUSIVE
        return _Outcome(verdict, "no answer in time", f"expected an answer, got none in time (wall): {_flat(link)}")
    if isinstance(link, (EndpointConnectionError, ConnectTimeoutError)) or not context.local:
        return _Outcome(Verdict.ERROR, type(link).__name__, _flat(link))
    is_closed = isinstance(link, (ConnectionClosedError, ConnectionError))
    label = "connection closed" if is_closed else type(link).__name__
    cause = "the connection is closed without an answer" if is_closed else ""
    why = describe_missing(link) if isinstance(link, HTTPClientError) else _flat(link)
    detail = f"expected an answer, the connection was closed without one: {why}"
    return _Outcome(Verdict.FAIL, label, detail, cause=cause)


def _operation_of(error: ClientError) -> str:
    response = error.response
    return response.origin.name if isinstance(response, Response) else error.operation_name


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
