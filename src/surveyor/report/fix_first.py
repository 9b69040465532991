"""Group the failures of a run by operation and symptom: what to fix first, because most claims depend on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.evidence import EvidenceEntry, changing_calls, operation_of
from surveyor.report.claim_report import ClaimReport, TestReport
from surveyor.report.differing_member import find_differing_member
from surveyor.verdicts import Verdict

__all__ = ["FailureGroup", "failed_first", "group_failures"]

_ANSWER = "the answer "
"""The beginning of a symptom that is about an answer as a whole (pytest_plugin/failed_assertion.py)."""


_ANOTHER = "has another value"


@dataclass(frozen=True)
class FailureGroup:
    """The failures with the same symptom of the same operation.

    `operation`: the API operation, a DNS query (`DNS A`), or "" if no call was made; of a read whose answer as a whole
    is wrong, with the change before it (`ListInstances after RegisterInstance`). `claims`: the ids of the claims
    that fail because of it, in the order of the report. `reports`: the users' reports behind these claims, as
    `owner/repository#number`.
    """

    operation: str
    symptom: str
    claims: tuple[str, ...]
    reports: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return operation and symptom in one line."""
        return f"{self.operation}: {self.symptom}" if self.operation else self.symptom

    @property
    def weight_text(self) -> str:
        """Return how many claims and users' reports depend on it, in words: `14 claims, 1 user report`."""
        parts = [_count(len(self.claims), "claim")]
        parts += [_count(len(self.reports), "user report")] if self.reports else []
        return ", ".join(parts)


def group_failures(claims: Iterable[ClaimReport]) -> tuple[FailureGroup, ...]:
    """Return the groups of all failed claims, the one on which most claims and users' reports depend first.

    Known failures are included. A claim whose tests fail in several ways is in several groups.
    """
    failed: dict[tuple[str, str], dict[str, None]] = {}
    reports: dict[tuple[str, str], dict[str, None]] = {}
    for claim in claims:
        if claim.verdict is not Verdict.FAIL:
            continue
        causes = [_cause(test) for test in claim.tests if test.verdict is Verdict.FAIL] or [("", claim.symptom)]
        for cause in causes:
            failed.setdefault(cause, {})[claim.id] = None
            reports.setdefault(cause, {}).update(dict.fromkeys(claim.reports))
    groups = [FailureGroup(*cause, tuple(ids), tuple(reports[cause])) for cause, ids in failed.items()]
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                -len(group.claims) - len(group.reports),
                -len(group.claims),
                group.operation,
                group.symptom,
            ),
        )
    )


def failed_first(claims: Iterable[ClaimReport]) -> list[ClaimReport]:
    """Return the claims in reading order: failures, then what could not be judged, then passes, then the rest."""
    order = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.UNSUPPORTED, Verdict.NOT_RUN)
    return sorted(claims, key=lambda claim: order.index(claim.verdict))


def _cause(test: TestReport) -> tuple[str, str]:
    """Return operation and symptom; for a test of an earlier Surveyor, the label in its failure signature.

    A wrong answer to a read may be due to the change before it. A symptom that names no member of the answer
    therefore names that change too: `ListInstances after RegisterInstance`. Of an answer with another value the member
    is named, if the evidence shows which one it is.
    """
    if not test.cause:
        return "", test.symptom.rpartition("]: " if "]: " in test.symptom else ": ")[2] or "it fails"
    if not test.cause.startswith(_ANSWER):
        return test.operation, test.cause
    position = max((at for at, entry in enumerate(test.evidence) if operation_of(entry) == test.operation), default=0)
    read, changes = test.evidence[position : position + 1], changing_calls(test.evidence[:position])
    if not changes or changing_calls(read):
        return test.operation, _specific(test)
    if started := _started(read[0], changes):
        return started, f"its operation {test.cause.removeprefix(_ANSWER)}".replace("another value", "another result")
    return f"{test.operation} after {operation_of(changes[-1])}", _specific(test)


def _specific(test: TestReport) -> str:
    """Return the cause with the member that differs, if it is about a value and the evidence shows which one it is."""
    if test.cause != f"{_ANSWER}{_ANOTHER}":
        return test.cause
    answers = [entry for entry in reversed(test.evidence) if operation_of(entry) == test.operation]
    member = find_differing_member(test.detail, answers)
    return f"{member} {_ANOTHER}" if member else test.cause


def _started(read: EvidenceEntry, changes: Sequence[EvidenceEntry]) -> str:
    """Return what started the operation that a GetOperation reads; "" if the evidence does not show it."""
    identifier = _member(read.get("params"), "OperationId") if operation_of(read) == "GetOperation" else None
    return next(
        (
            operation_of(entry)
            for entry in changes
            if identifier and _member(entry.get("response"), "OperationId") == identifier
        ),
        "",
    )


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
