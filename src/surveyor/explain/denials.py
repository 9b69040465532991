"""Denials in a report: the calls that were refused, with what the answer said of who lacked what.

IAM User Guide, Troubleshoot access denied error messages: a message names the caller, the action and the resource, and
mostly the kind of policy that decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from surveyor.evidence import Entry
from surveyor.explain.documents import Document, document
from surveyor.report import ConformanceReport
from surveyor_policies.model import MalformedPolicy, PolicyKind

__all__ = ["CODES", "Denial", "Said", "denials", "read_message"]

CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "AccessDeniedError", "UnauthorizedOperation", "ACCESS_DENIED"}
)

_MESSAGE = re.compile(
    r"User: (?P<caller>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: \"?(?P<resource>[^\s\"]+)\"?)?(?P<rest>.*)",
    re.DOTALL,
)
_KINDS: dict[str, PolicyKind] = {
    "identity-based policy": "identity",
    "permissions boundary": "boundary",
    "session policy": "session",
    "resource-based policy": "resource",
}
_SESSIONS = {"AssumeRole", "GetFederationToken"}


@dataclass(frozen=True)
class Said:
    """What a message says: who lacked what on which resource, and the kind of policy that decided, if it tells."""

    caller: str
    action: str
    resource: str
    kind: PolicyKind | None
    explicit: bool


@dataclass(frozen=True)
class Denial:
    """A refused call of a test.

    ``said`` is what its message says, if that is in the known form; ``session`` the session policy that the test had
    asked for last, where the evidence holds all of it.
    """

    claim: str
    test: str
    operation: str
    message: str
    said: Said | None
    session: Document | None


def denials(report: ConformanceReport, claim: str | None = None) -> Iterator[Denial]:
    """The denials in a report, of one claim or of all; each that differs once in a test."""
    for each in report.claims:
        if claim in (None, each.id):
            for test in each.tests:
                yield from _of_test(each.id, test.id, test.evidence)


def read_message(message: str) -> Said | None:
    """What a message says; ``None`` where it is in no known form."""
    found = _MESSAGE.search(message)
    if not found:
        return None
    rest = found["rest"]
    kind = next((kind for words, kind in _KINDS.items() if words in rest), None)
    return Said(found["caller"], found["action"], found["resource"] or "*", kind, "explicit deny" in rest)


def _of_test(claim: str, test: str, evidence: Sequence[Entry]) -> Iterator[Denial]:
    session: Document | None = None
    told: set[tuple[str, object]] = set()
    for entry in evidence:
        operation = f"{entry.get('service')}:{entry.get('operation')}"
        if entry.get("operation") in _SESSIONS and "error" not in entry:
            session = _session(entry.get("params"))
        message = _refusal(entry)
        if message is None:
            continue
        denial = Denial(claim, test, operation, message, read_message(message), session)
        what = (operation, (denial.said, session) if denial.said else message)
        if what not in told:
            told.add(what)
            yield denial


def _refusal(entry: Entry) -> str | None:
    """The message of an answer that is a denial, or that tells of an operation which failed for one."""
    error, response = entry.get("error"), entry.get("response")
    if isinstance(error, Mapping) and error.get("Code") in CODES:
        return str(error.get("Message", ""))
    operation = response.get("Operation") if isinstance(response, Mapping) else None
    if isinstance(operation, Mapping) and operation.get("ErrorCode") in CODES:
        return str(operation.get("ErrorMessage", ""))
    return None


def _session(params: object) -> Document | None:
    policy = params.get("Policy") if isinstance(params, Mapping) else None
    if not isinstance(policy, str):
        return None
    try:
        return document(policy, "the session policy", "session")
    except MalformedPolicy:  # cut by the report
        return None
