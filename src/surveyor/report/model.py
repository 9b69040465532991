"""The report of one run as values. On disk it is report.json, described by report.schema.json beside this file.

What later versions added is optional in the schema, so that reports that were kept stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.evidence import Entry
from surveyor.report.experiments import ExperimentReport
from surveyor.verdicts import Verdict

__all__ = ["API_VERSION", "KIND", "ClaimReport", "ConformanceReport", "KnownReport", "TargetReport", "TestReport"]

API_VERSION = "surveyor/v1"
KIND = "ConformanceReport"


@dataclass(frozen=True)
class TargetReport:
    """What was tested. `kind`: `started` by Surveyor, or an `endpoint`; `absent`: declared features not found.

    `endpoint` is its URL, "" for one that was started and for AWS itself; `credentials` says who called, as in a target
    file.
    """

    name: str
    version: str
    kind: str
    features: tuple[str, ...]
    absent: Mapping[str, str]
    endpoint: str = ""
    region: str = ""
    credentials: str = ""


@dataclass(frozen=True)
class TestReport:
    """One test behind a claim; `evidence` holds what it asked and what was answered."""

    __test__ = False

    id: str
    verdict: Verdict
    symptom: str
    detail: str
    evidence: tuple[Entry, ...]


@dataclass(frozen=True)
class KnownReport:
    """What was expected of a claim that the target is known not to hold, and why; `expires` is an ISO date."""

    verdict: Verdict
    reason: str
    link: str
    expires: str


@dataclass(frozen=True)
class ClaimReport:
    """One claim. `note` says what is unexpected; `unproven` why no suite proves it; `known` what was expected of it."""

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


@dataclass(frozen=True)
class ConformanceReport:
    """One run.

    `wall_seconds` is what it took, `service_seconds` what the target lived through, over all workers. `areas` and
    `selected` are what was asked for (empty: everything). `failure` says what broke the run, `surprises` what is
    unexpected and belongs to no claim, `left_behind` what still stands on the target. `experiments`: those of
    chaos/ that were part of the run.
    """

    target: TargetReport
    surveyor: str
    seed: int
    areas: tuple[str, ...]
    selected: tuple[str, ...]
    started: str
    finished: str
    wall_seconds: float
    service_seconds: float
    claims: tuple[ClaimReport, ...]
    failure: str = ""
    surprises: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    interrupted: bool = False
    experiments: tuple[ExperimentReport, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """How many claims have each verdict."""
        return {str(verdict): sum(claim.verdict is verdict for claim in self.claims) for verdict in Verdict}

    def to_json(self) -> dict[str, Any]:
        """As JSON values, in the order in which they are read."""
        target = self.target
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "target": {
                "name": target.name,
                "version": target.version,
                "kind": target.kind,
                "endpoint": target.endpoint,
                "region": target.region,
                "credentials": target.credentials,
                "features": list(target.features),
                "absent": dict(target.absent),
            },
            "surveyor": {"version": self.surveyor},
            "seed": self.seed,
            "selection": {"areas": list(self.areas), "claims": list(self.selected)},
            "started": self.started,
            "finished": self.finished,
            "wallSeconds": self.wall_seconds,
            "serviceSeconds": self.service_seconds,
            "interrupted": self.interrupted,
            "failure": self.failure,
            "surprises": list(self.surprises),
            "leftBehind": list(self.left_behind),
            "summary": self.summary,
            "claims": [_claim_to_json(claim) for claim in self.claims],
            **({"experiments": [one.to_json() for one in self.experiments]} if self.experiments else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ConformanceReport:
        """The inverse of to_json, for a value that report.schema.json allows."""
        target = value["target"]
        return cls(
            target=TargetReport(
                name=target["name"],
                version=target["version"],
                kind=target["kind"],
                features=tuple(target["features"]),
                absent=dict(target["absent"]),
                endpoint=target.get("endpoint", ""),
                region=target.get("region", ""),
                credentials=target.get("credentials", ""),
            ),
            surveyor=value["surveyor"]["version"],
            seed=value["seed"],
            areas=tuple(value["selection"]["areas"]),
            selected=tuple(value["selection"]["claims"]),
            started=value["started"],
            finished=value["finished"],
            wall_seconds=value["wallSeconds"],
            service_seconds=value["serviceSeconds"],
            claims=tuple(_claim_from_json(claim) for claim in value["claims"]),
            failure=value["failure"],
            surprises=tuple(value["surprises"]),
            left_behind=tuple(value["leftBehind"]),
            interrupted=value["interrupted"],
            experiments=tuple(ExperimentReport.from_json(one) for one in value.get("experiments", ())),
        )


def _claim_to_json(claim: ClaimReport) -> dict[str, Any]:
    return {
        "id": claim.id,
        "area": claim.area,
        "statement": claim.statement,
        "verdict": str(claim.verdict),
        "expected": claim.expected,
        "note": claim.note,
        "symptom": claim.symptom,
        "detail": claim.detail,
        "tests": [
            {"id": test.id, "verdict": str(test.verdict), "symptom": test.symptom, "detail": test.detail}
            for test in claim.tests
        ],
        "evidence": [{"test": test.id, "entries": list(test.evidence)} for test in claim.tests if test.evidence],
        "unproven": claim.unproven,
        "lastConfirmedOnAws": claim.last_confirmed_on_aws,
        "known": _known_to_json(claim.known) if claim.known else None,
    }


def _known_to_json(known: KnownReport) -> dict[str, str]:
    return {
        "verdict": str(known.verdict),
        "reason": known.reason,
        "link": known.link,
        "expires": known.expires,
    }


def _claim_from_json(value: Mapping[str, Any]) -> ClaimReport:
    evidence = {one["test"]: tuple(one["entries"]) for one in value["evidence"]}
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
            TestReport(one["id"], Verdict(one["verdict"]), one["symptom"], one["detail"], evidence.get(one["id"], ()))
            for one in value["tests"]
        ),
        unproven=value["unproven"],
        last_confirmed_on_aws=value["lastConfirmedOnAws"],
        known=KnownReport(Verdict(known["verdict"]), known["reason"], known["link"], known["expires"])
        if known
        else None,
    )
