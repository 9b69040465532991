"""Define the result for one claim as values: its verdict, its tests and what is known about the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.evidence import EvidenceEntry
from surveyor.verdicts import Verdict

__all__ = ["ClaimReport", "KnownReport", "TestReport", "claim_from_json", "claim_to_json"]


@dataclass(frozen=True)
class TestReport:
    """One test of a claim; `evidence` holds its requests and the answers.

    Of a test that fails, `operation` and `cause` say what is wrong in the words of the API, without values of this run:
    `GetNamespace`, `Namespace.Properties.HttpProperties.HttpName is missing`. They are "" otherwise.
    """

    __test__ = False

    id: str
    verdict: Verdict
    symptom: str
    detail: str
    evidence: tuple[EvidenceEntry, ...]
    operation: str = ""
    cause: str = ""


@dataclass(frozen=True)
class KnownReport:
    """The expectation for a claim that the target is known not to fulfil, with its reason; `expires` is an ISO date."""

    verdict: Verdict
    reason: str
    link: str
    expires: str


@dataclass(frozen=True)
class ClaimReport:
    """One claim.

    `note`: what is unexpected; `unproven`: why no suite tests it; `known`: the target's expectation; `reports`: the
    users' reports that it rests on, as `owner/repository#number`.
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
    last_confirmed_on_aws: str | None
    known: KnownReport | None = None
    reports: tuple[str, ...] = ()


def claim_to_json(claim: ClaimReport) -> dict[str, Any]:
    """Return JSON values, in reading order."""
    return {
        "id": claim.id,
        "area": claim.area,
        "statement": claim.statement,
        "verdict": str(claim.verdict),
        "expected": claim.expected,
        "note": claim.note,
        "symptom": claim.symptom,
        "detail": claim.detail,
        "tests": [_test_to_json(test) for test in claim.tests],
        "evidence": [{"test": test.id, "entries": list(test.evidence)} for test in claim.tests if test.evidence],
        "unproven": claim.unproven,
        "lastConfirmedOnAws": claim.last_confirmed_on_aws,
        "known": _known_to_json(claim.known) if claim.known else None,
        **({"reports": list(claim.reports)} if claim.reports else {}),
    }


def _test_to_json(test: TestReport) -> dict[str, str]:
    value = {"id": test.id, "verdict": str(test.verdict), "symptom": test.symptom, "detail": test.detail}
    return value | ({"operation": test.operation, "cause": test.cause} if test.cause else {})


def _known_to_json(known: KnownReport) -> dict[str, str]:
    return {
        "verdict": str(known.verdict),
        "reason": known.reason,
        "link": known.link,
        "expires": known.expires,
    }


def claim_from_json(value: Mapping[str, Any]) -> ClaimReport:
    """Return the claim in a value of claim_to_json that report.schema.json allows."""
    evidence = {item["test"]: tuple(item["entries"]) for item in value["evidence"]}
    known = value.get("known")
    return ClaimReport(
        id=value["id"],
        area=value["area"],
        statement=value["statement"],
        verdict=Verdict(value["verdict"]),
        expected=value["expected"],
        note=value["note"],
        symptom=value["symptom"],
        detail=value["detail"],
        tests=tuple(
            TestReport(
                test["id"],
                Verdict(test["verdict"]),
                test["symptom"],
                test["detail"],
                evidence.get(test["id"], ()),
                test.get("operation", ""),
                test.get("cause", ""),
            )
            for test in value["tests"]
        ),
        unproven=value["unproven"],
        last_confirmed_on_aws=value["lastConfirmedOnAws"],
        known=KnownReport(Verdict(known["verdict"]), known["reason"], known["link"], known["expires"])
        if known
        else None,
        reports=tuple(value.get("reports", ())),
    )
