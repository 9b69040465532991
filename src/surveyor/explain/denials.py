"""Denials in a report: the refused calls, with caller, action and resource from the error message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from surveyor.evidence import EvidenceEntry
from surveyor.explain.documents import Document, parse_document
from surveyor.explain.messages import DenialMessage, parse_message
from surveyor.report.model import ConformanceReport
from surveyor_policies.model import MalformedPolicy

__all__ = ["DENIAL_CODES", "Denial", "DenialMessage", "find_denials", "parse_message"]

DENIAL_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDeniedError",
        "AuthorizationError",
        "Client.UnauthorizedOperation",
        "NotAuthorized",
        "UnauthorizedOperation",
        "ACCESS_DENIED",
    }
)

_SESSION_OPERATIONS = {"AssumeRole", "GetFederationToken"}


@dataclass(frozen=True)
class Denial:
    """A refused call of a test.

    ``details`` is the parsed message, None if its form is unknown; ``session`` is the last session policy that the test
    used, None if the evidence does not have all of it.
    """

    claim: str
    test: str
    operation: str
    message: str
    details: DenialMessage | None
    session: Document | None


def find_denials(report: ConformanceReport, claim: str | None = None) -> Iterator[Denial]:
    """Yield the denials in a report, of one claim or of all; equal ones only once for each test."""
    for claim_report in report.claims:
        if claim in (None, claim_report.id):
            for test in claim_report.tests:
                yield from _find_in_test(claim_report.id, test.id, test.evidence)


def _find_in_test(claim: str, test: str, evidence: Sequence[EvidenceEntry]) -> Iterator[Denial]:
    session: Document | None = None
    known: set[tuple[str, object]] = set()
    for entry in evidence:
        operation = f"{entry.get('service')}:{entry.get('operation')}"
        if entry.get("operation") in _SESSION_OPERATIONS and "error" not in entry:
            session = _session_policy(entry.get("params"))
        message = _denial_message(entry)
        if message is None:
            continue
        denial = Denial(claim, test, operation, message, parse_message(message), session)
        key = (operation, (denial.details, session) if denial.details else message)
        if key not in known:
            known.add(key)
            yield denial


def _denial_message(entry: EvidenceEntry) -> str | None:
    """Return the message of an answer that is a denial, or that describes an operation which failed with one."""
    error, response = entry.get("error"), entry.get("response")
    if isinstance(error, Mapping) and error.get("Code") in DENIAL_CODES:
        return str(error.get("Message", ""))
    operation = response.get("Operation") if isinstance(response, Mapping) else None
    if isinstance(operation, Mapping) and operation.get("ErrorCode") in DENIAL_CODES:
        return str(operation.get("ErrorMessage", ""))
    return None


def _session_policy(params: object) -> Document | None:
    policy = params.get("Policy") if isinstance(params, Mapping) else None
    if not isinstance(policy, str):
        return None
    try:
        return parse_document(policy, "the session policy", "session")
    except MalformedPolicy:  # the report has only a part of it
        return None
