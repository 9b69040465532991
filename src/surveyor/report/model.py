"""Define the report of one run as values, and its file report.json.

Members added within a version have a default, so that older reports of that version stay readable.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, field, structs

from surveyor.report.claim_report import ClaimReport, KnownReport, RecordingReport, TestReport
from surveyor.report.experiments import ExperimentReport
from surveyor.report.fix_first import FailureGroup, group_failures
from surveyor.report.score import SCORE_RULE, Mark, score

__all__ = [
    "API_VERSION",
    "KIND",
    "ClaimReport",
    "ConformanceReport",
    "KnownReport",
    "RecordingReport",
    "ReportFile",
    "TargetReport",
    "TestReport",
]

API_VERSION: Final = "surveyor/v3"
KIND: Final = "ConformanceReport"


class TargetReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The target of a run.

    `kind`: `started` by Surveyor, or an `endpoint`. `absent`: declared features that were not found, with the actual
    behaviour. `endpoint`: its URL, "" for a started target and for AWS itself. `credentials`: as in a target file.
    """

    name: str
    version: str
    kind: str
    features: tuple[str, ...]
    absent: dict[str, str]
    endpoint: str = ""
    region: str = ""
    credentials: str = ""


class ConformanceReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One run.

    `wall_seconds`: its duration; `service_seconds`: the time that passed on the target, over all workers. `areas` and
    `selected`: the selection (empty: everything). `runs`: its id in an account, and those with which it was resumed.
    `failure`: what broke the run. `unexpected`: unexpected results that
    belong to no claim. `leaked_resources`: what the run created and did not delete. `experiments`: the experiments of
    chaos/ in this run.
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
    unexpected: tuple[str, ...] = ()
    leaked_resources: tuple[str, ...] = ()
    interrupted: bool = False
    experiments: tuple[ExperimentReport, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def resumed(self) -> str:
        """Return that the run was resumed, in words; "" if it was not."""
        first, *others = self.runs or ("",)
        return f"run {first} was resumed by {', '.join(others)}" if others else ""

    @property
    def fix_first(self) -> tuple[FailureGroup, ...]:
        """Return the failures by operation and symptom, the one on which most claims depend first."""
        return group_failures(self.claims)


class ScoreFigures(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Of the claims that were judged, how many hold. `percent` is rounded down, and None if no claim was judged.

    `rule`: what is counted, in one sentence. `not_counted`: the claims that are not in the denominator.
    """

    passed: int
    judged: int
    percent: int | None
    rule: str
    not_counted: dict[str, int]


class ReportFile(ConformanceReport, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """The file report.json: a report, its version, and figures that are computed from its claims."""

    api_version: Literal["surveyor/v3"] = API_VERSION
    kind: Literal["ConformanceReport"] = KIND
    summary: dict[str, int]
    score: ScoreFigures
    groups: tuple[FailureGroup, ...] = field(name="fixFirst")

    @classmethod
    def of(cls, report: ConformanceReport) -> ReportFile:
        """Return the file of a report."""
        whole = score(report.claims)
        return cls(
            **structs.asdict(report),
            summary={str(mark): whole.marks.get(mark, 0) for mark in Mark},
            score=ScoreFigures(
                passed=whole.held,
                judged=whole.judged,
                percent=whole.percent,
                rule=SCORE_RULE,
                not_counted={
                    str(mark): whole.marks.get(mark, 0) for mark in Mark if mark not in (Mark.PASS, Mark.FAIL)
                },
            ),
            groups=report.fix_first,
        )

    @property
    def report(self) -> ConformanceReport:
        """Return the report in the file."""
        return ConformanceReport(**{name: getattr(self, name) for name in ConformanceReport.__struct_fields__})
