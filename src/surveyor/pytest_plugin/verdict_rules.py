"""From the exception that ended a test to its verdict, its symptom and a plain account of what came.

The line that matters runs between the target (its answer was wrong: fail) and us (our code or the connection broke:
error). Symptoms hold nothing that changes from run to run.
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
from surveyor.pytest_plugin.failure_signature import Place, find_place
from surveyor.unsupported import is_html
from surveyor.verdicts import Verdict

__all__ = ["REFUSED", "JudgeContext", "Judgement", "judge"]

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

_MISSHAPEN = (
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ValueError,
    StopIteration,
    PaginationError,  # a page whose token leads back to it
    dns.exception.DNSException,
)
"""What a suite's own line raises when an answer does not have the shape that the document gives it."""

REFUSED = "refused"
"""As what came: what was asked for makes no sense, and nothing was done."""

_LONGEST = 600


@dataclass(frozen=True)
class Judgement:
    """What one phase of a test says. `symptom` is "" unless something has to be told apart by it."""

    verdict: Verdict
    symptom: str = ""
    detail: str = ""


@dataclass(frozen=True)
class JudgeContext:
    """What a judge knows besides the exception.

    `dead()` says why the target cannot answer any more, or None; `lacks` holds the operations that it declares not
    to have; `local` targets have no network that could be blamed for silence.
    """

    suites: Path
    lacks: frozenset[str]
    local: bool
    dead: Callable[[], str | None]


def judge(error: BaseException, test: str, phase: str, bench: JudgeContext) -> Judgement:
    """The judgement on a test (`test` is its name) that ended with `error` in `phase`: setup, call or teardown."""
    place = find_place(error.__traceback__, bench.suites)
    verdict, actual, detail = _classify(error, place, bench)
    prefix = {"setup": "set-up: ", "teardown": "tear-down: "}.get(phase, "")
    if verdict is Verdict.UNSUPPORTED:
        return Judgement(verdict, "", _cut(detail))
    symptom = prefix + ": ".join(part for part in (test, place.text, actual) if part)
    return Judgement(verdict, symptom, _cut(prefix + detail))


def _classify(error: BaseException, place: Place, bench: JudgeContext) -> tuple[Verdict, str, str]:
    """Verdict, what came in stable words, and the whole of it in plain words."""
    links = list(_chain(error))
    for link in links:
        if isinstance(link, TargetUnavailable):
            return Verdict.ERROR, "the target is gone", str(link)
    if isinstance(error, SurveyorError):
        return Verdict.ERROR, REFUSED if isinstance(error, UsageError) else type(error).__name__, str(error)
    if isinstance(error, FeatureLacking):
        return Verdict.UNSUPPORTED, "", str(error)
    if isinstance(error, (Inconclusive, pytest.skip.Exception)):
        return Verdict.INCONCLUSIVE, "inconclusive", str(error)
    for link in links:
        if isinstance(link, (HTTPClientError, ConnectionError, NoAnswer)):
            return _disconnected(link, error, bench)
        if isinstance(link, NotOffered):
            return _not_offered(link, bench)
    refused = next((link for link in links[:2] if isinstance(link, ClientError)), None)
    if refused is not None and _code(refused) in THROTTLED:
        return Verdict.INCONCLUSIVE, f"throttled: {_code(refused)}", f"throttled by {refused.operation_name}"
    return _answered(error, place)


def _answered(error: BaseException, place: Place) -> tuple[Verdict, str, str]:
    if isinstance(error, WrongAnswer):
        return Verdict.FAIL, error.actual, str(error)
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, ResponseParserError):
        page = "<html" in str(error).lower() or "<!doctype html" in str(error).lower()
        actual = "a web page" if page else "an answer that cannot be read"
        return Verdict.FAIL, actual, f"expected an answer in the API's protocol; came {actual}: {error}"
    kind = type(error).__name__
    if isinstance(error, pytest.FixtureLookupError):
        return Verdict.ERROR, kind, f"there is no fixture {error.argname!r}"
    if place.in_suite and isinstance(error, (AssertionError, pytest.fail.Exception)):
        return Verdict.FAIL, kind, f"expected {place.text.removeprefix('assert ')}; came {_flat(error)}"
    if place.innermost.endswith("serialize.py"):  # botocore's: the request could not even be written
        return Verdict.ERROR, kind, f"`{place.text}` cannot be sent: {kind} {_flat(error)}"
    if place.in_suite and isinstance(error, _MISSHAPEN):
        actual = f"{kind} {error}" if isinstance(error, KeyError) else kind
        return Verdict.FAIL, actual, f"expected an answer that allows `{place.text}`; came {kind}: {_flat(error)}"
    return Verdict.ERROR, kind, f"{kind} in {place.text or 'the harness'}: {_flat(error)}"


def _refused(error: ClientError) -> tuple[Verdict, str, str]:
    code, message = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if is_html(headers, message):
        actual = f"a web page with HTTP {code}"
        return Verdict.FAIL, actual, f"expected {error.operation_name} to be answered; came {actual}"
    detail = f"expected {error.operation_name} to succeed; came the error {code or 'without a code'}: {message}"
    return Verdict.FAIL, f"ClientError {code}".strip(), detail


def _not_offered(link: NotOffered, bench: JudgeContext) -> tuple[Verdict, str, str]:
    detail = f"not offered: {link.operation} ({link.answer})"
    if link.operation in bench.lacks:
        return Verdict.UNSUPPORTED, "", detail
    return Verdict.FAIL, f"not offered: {link.operation}", detail


def _disconnected(link: BaseException, error: BaseException, bench: JudgeContext) -> tuple[Verdict, str, str]:
    dead = bench.dead()
    if dead:
        return Verdict.ERROR, "the target is gone", dead
    if isinstance(error, WrongAnswer):  # DNS: the API answers, so the name server is what is silent
        return Verdict.FAIL, error.actual, str(error)
    if isinstance(link, ReadTimeoutError):
        verdict = Verdict.FAIL if bench.local else Verdict.INCONCLUSIVE
        return verdict, "no answer in time", f"expected an answer; none came in time (wall): {_flat(link)}"
    if isinstance(link, (EndpointConnectionError, ConnectTimeoutError)) or not bench.local:
        return Verdict.ERROR, type(link).__name__, _flat(link)
    actual = "connection closed" if isinstance(link, (ConnectionClosedError, ConnectionError)) else type(link).__name__
    return Verdict.FAIL, actual, f"expected an answer; the connection was closed without one: {_flat(link)}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from."""
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


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
