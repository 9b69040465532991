"""Define the result for one claim as values: its verdict, its tests and what is known about the target."""

from __future__ import annotations

import re
from typing import ClassVar

from msgspec import Struct

from surveyor.evidence import EvidenceEntry
from surveyor.recordings.model import Confidence, Relation
from surveyor.recordings.status import ClaimStatus
from surveyor.verdicts import Verdict

__all__ = ["ClaimReport", "KnownReport", "RecordingReport", "TestReport"]


_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class TestReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One test of a claim; `evidence` holds its requests and the answers.

    Of a test that fails, `operation` and `cause` say what is wrong in the words of the API, without values of this run:
    `GetNamespace`, `Namespace.Properties.HttpProperties.HttpName is missing`. They are "" otherwise.
    """

    __test__: ClassVar[bool] = False

    id: str
    verdict: Verdict
    symptom: str
    detail: str
    evidence: tuple[EvidenceEntry, ...]
    operation: str = ""
    cause: str = ""


class KnownReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The expectation for a claim that the target is known not to fulfil, with its reason; `expires` is an ISO date."""

    verdict: Verdict
    reason: str
    link: str
    expires: str


class RecordingReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An answer of AWS that confirms, bounds or contradicts a claim. `date`: when AWS answered so; "" if unknown."""

    id: str
    relation: Relation
    fact: str
    source: str
    date: str
    confidence: Confidence

    @property
    def href(self) -> str:
        """Return the address of its repository; "" for a run of Surveyor."""
        repository = self.source.partition(" ")[0]
        return f"https://github.com/{repository}" if _REPOSITORY.fullmatch(repository) else ""

    @property
    def text(self) -> str:
        """Return relation, date and source in one line: `confirmed 2024-05 by owner/repository path (high)`."""
        word = {Relation.CONFIRMS: "confirmed", Relation.CONTRADICTS: "contradicted"}.get(self.relation, "bounded")
        return f"{word}{f' {self.date}' if self.date else ''} by {self.source} ({self.confidence} confidence)"


class ClaimReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One claim.

    `note`: what is unexpected; `unproven`: why no suite tests it; `known`: the target's expectation; `reports`: the
    users' reports that it rests on, as `owner/repository#number`. `status`, `recordings`: how the claim is known.
    `confirmed_on_account`: the day of the last published report of a real account that passes it; None if never.
    `source`: where it is documented, as in the claims files; `source_href`: the address, "" if it has none.
    """

    id: str
    area: str
    statement: str
    verdict: Verdict
    expected: bool
    note: str
    symptom: str
    detail: str
    tests: tuple[TestReport, ...]
    unproven: str | None
    confirmed_on_account: str | None = None
    known: KnownReport | None = None
    reports: tuple[str, ...] = ()
    status: ClaimStatus = ClaimStatus.DOCUMENTED
    recordings: tuple[RecordingReport, ...] = ()
    source: str = ""
    source_href: str = ""

    @property
    def status_text(self) -> str:
        """Return how the claim is known, in one line."""
        if self.status is not ClaimStatus.CONTRADICTED and self.confirmed_on_account:
            return f"confirmed {self.confirmed_on_account} by a run on a real account"
        wanted = Relation.CONTRADICTS if self.status is ClaimStatus.CONTRADICTED else Relation.CONFIRMS
        found = [recording for recording in self.recordings if recording.relation is wanted]
        if self.status is ClaimStatus.DOCUMENTED or not found:
            return "documented, not confirmed by an answer of AWS"
        return max(found, key=lambda recording: (recording.confidence is Confidence.HIGH, recording.date)).text
