"""Build the report of a run from the results of its tests, the claims and the expectations of the target."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from msgspec import structs

from surveyor.account.refusals import blames_account
from surveyor.claims import Claim, load_claims
from surveyor.claims.model import SourceKind
from surveyor.claims.selection import Selection
from surveyor.layout import Layout
from surveyor.machine import BUSY_LABEL
from surveyor.recordings import Recording, load_recordings
from surveyor.recordings.status import status_of
from surveyor.report.experiments import experiments_of
from surveyor.report.links import href
from surveyor.report.model import (
    ClaimReport,
    ConformanceReport,
    KnownReport,
    RecordingReport,
    TargetReport,
    TestReport,
)
from surveyor.report.resumed import add_times, kept_results
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.targets import Target
from surveyor.targets.expectations import Expectation, Expectations, expectations_file, load_expectations
from surveyor.targets.sweep import leftovers_of_all
from surveyor.verdicts import Verdict, worst

__all__ = [
    "Run",
    "build_report",
    "busy_claims",
    "find_leaked_resources",
    "load_and_build_report",
    "new_expectations",
    "unrecorded_claims",
    "with_expectations",
]

_STAYS_OPEN = re.compile(r"quota of the account|had ended (?:when|before) the second")
"""In the detail of a test that is open in each run: a quota was raised, or the service is faster than two calls."""

_CASE = re.compile(r"(?P<test>(?:set-up: |tear-down: )?\w+)\[(?P<case>.*?)\]: (?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """The outcome of a run, as the reporting process saw it. `started` and `finished` are aware times.

    `folder`: the folder of the histories; `only_experiments`: no claim was selected. `earlier`: the report of the run
    that this one resumes, whose verdicts stay; `runs`: the ids of both.
    """

    target: Target
    seed: int
    selection: Selection
    results: Sequence[TestResult]
    facts: Sequence[WorkerFacts]
    started: datetime
    finished: datetime
    wall_seconds: float
    failure: str = ""
    leaked_resources: tuple[str, ...] = ()
    interrupted: bool = False
    folder: Path | None = None
    only_experiments: bool = False
    earlier: ConformanceReport | None = None
    runs: tuple[str, ...] = ()


def load_and_build_report(run: Run, layout: Layout) -> ConformanceReport:
    """Return the report of a run, with the claims and expectations of this layout."""
    claims = load_claims(layout.claims)
    expected = load_expectations(expectations_file(run.target, layout.targets))
    chosen = {} if run.only_experiments else run.selection.select(claims)
    recordings = load_recordings(layout.recordings, claims.by_id).by_claim
    return build_report(run, chosen, claims.by_id, expected, recordings)


def build_report(
    run: Run,
    claims: Mapping[str, Claim],
    known: Iterable[str],
    expected: Expectations,
    recordings: Mapping[str, Sequence[Recording]],
) -> ConformanceReport:
    """Return the report on the selected `claims`; `known` are the ids of all claims, `recordings` those by claim."""
    planned: dict[str, list[str]] = {}
    for facts in run.facts:
        for nodeid, proven in facts.collected.items():
            for claim in proven:
                if nodeid not in planned.setdefault(claim, []):
                    planned[claim].append(nodeid)
    by_claim: dict[str, list[TestResult]] = {}
    kept = kept_results(run.earlier, run.facts) if run.earlier else []
    for result in (*kept, *run.results):
        for claim in result.claims:
            by_claim.setdefault(claim, []).append(result)
    rows = tuple(
        _add_status(
            _claim_report(claim, by_claim.get(name, []), planned.get(name, []), run, expected),
            claim,
            recordings.get(name, ()),
        )
        for name, claim in claims.items()
    )
    report = ConformanceReport(
        target=_target_report(run),
        surveyor=importlib.metadata.version("surveyor"),
        seed=run.seed,
        areas=run.selection.areas,
        selected=run.selection.claims,
        started=run.started.isoformat(timespec="seconds"),
        finished=run.finished.isoformat(timespec="seconds"),
        wall_seconds=round(run.wall_seconds, 3),
        service_seconds=round(sum(facts.service_seconds for facts in run.facts), 3),
        claims=rows,
        failure=run.failure,
        unexpected=tuple(expected.unknown(known)) if run.selection.is_full and claims else (),
        leaked_resources=run.leaked_resources,
        interrupted=run.interrupted,
        experiments=experiments_of(run.results, run.folder),
        runs=run.runs,
    )
    return add_times(report, run.earlier) if run.earlier else report


def with_expectations(report: ConformanceReport, expected: Expectations, today: date) -> ConformanceReport:
    """Return a report judged by other expectations, such as those that were renewed from it."""
    claims = []
    for claim in report.claims:
        note = claim.note
        if claim.tests or claim.id in expected.entries:
            note = _objection(expected, claim.id, claim.verdict, claim.symptom, today, is_account=bool(report.runs))
        known = _known_report(expected.entries.get(claim.id))
        claims.append(structs.replace(claim, note=note, expected=not note, known=known))
    return structs.replace(report, claims=tuple(claims))


def _objection(
    expected: Expectations, claim: str, verdict: Verdict, symptom: str, today: date, *, is_account: bool
) -> str:
    """Return why an outcome is unexpected; "" if it is not: what an account in use left open is no outcome of AWS's."""
    if is_account and verdict is Verdict.INCONCLUSIVE:
        return ""
    return expected.objection(claim, verdict, symptom, today)


def new_expectations(report: ConformanceReport, expires: date) -> list[Expectation]:
    """Return an expectation for each claim that fails or is inconclusive.

    The reason is for people to complete. It repeats neither the claim nor the answer: both are in the report, and an
    expectation must not change with the wording of claims or suites. What this machine or the account left open is not
    expected.
    """
    unrecorded = unrecorded_claims(report)
    return [
        Expectation(
            claim=claim.id,
            verdict=claim.verdict,
            symptom=claim.symptom,
            expires=expires,
            reason="recorded from a run, not investigated",
        )
        for claim in report.claims
        if claim.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and claim.id not in unrecorded
    ]


def unrecorded_claims(report: ConformanceReport) -> tuple[str, ...]:
    """Return the claims that this machine or the account kept from being judged, which says nothing of the target."""
    busy = busy_claims(report)
    is_account = bool(report.runs)
    return tuple(
        claim.id
        for claim in report.claims
        if claim.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
        and (claim.id in busy or (claim.verdict is Verdict.INCONCLUSIVE and _is_of_account(claim, is_account)))
    )


def _is_of_account(claim: ClaimReport, is_account: bool) -> bool:
    """Return whether an account is why a claim is open: nearly always."""
    open_tests = [test for test in claim.tests if test.verdict is Verdict.INCONCLUSIVE]
    if is_account:
        return not all(_STAYS_OPEN.search(test.detail) for test in open_tests)
    return any(blames_account(test.symptom, test.detail) for test in open_tests)


def busy_claims(report: ConformanceReport) -> tuple[str, ...]:
    """Return the claims of which a test could not be judged because this machine was busy."""
    return tuple(claim.id for claim in report.claims if any(BUSY_LABEL in test.symptom for test in claim.tests))


def _target_report(run: Run) -> TargetReport:
    facts = run.facts[0] if run.facts else None
    return TargetReport(
        name=run.target.name,
        version=run.target.version(),
        kind=run.target.kind,
        features=facts.features if facts else tuple(sorted(run.target.features or ())),
        absent=dict(facts.absent) if facts else {},
        endpoint=run.target.endpoint or "",
        region=run.target.region,
        credentials=run.target.credentials.kind,
    )


def _claim_report(
    claim: Claim,
    results: Sequence[TestResult],
    planned: Sequence[str],
    run: Run,
    expected: Expectations,
) -> ClaimReport:
    today, is_account = run.finished.date(), bool(run.runs)
    results = sorted(results, key=lambda result: result.nodeid)
    missing = sorted(set(planned) - {result.nodeid for result in results})
    verdict = worst([*(result.verdict for result in results), *(Verdict.NOT_RUN for _ in missing)])
    decisive = [result for result in results if result.verdict is verdict]
    symptom = _merge_symptoms([result.symptom for result in decisive if result.symptom])
    unproven = f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else None
    if results or missing:
        detail = "; ".join(dict.fromkeys(result.detail for result in decisive if result.detail))
        note = _objection(expected, claim.id, verdict, symptom, today, is_account=is_account)
        if verdict is Verdict.NOT_RUN and missing:
            detail = f"the run ended before {', '.join(missing)}"
    else:
        interrupted = run.interrupted and unproven is None
        detail = "the run was interrupted" if interrupted else unproven or "no suite"
        note = ""
        if claim.id in expected.entries:
            note = _objection(expected, claim.id, verdict, symptom, today, is_account=is_account)
        elif interrupted:
            note = "the run was interrupted"
    return ClaimReport(
        id=claim.id,
        area=claim.area,
        statement=claim.statement,
        verdict=verdict,
        expected=not note,
        note=note,
        symptom=symptom,
        detail=detail,
        tests=tuple(
            TestReport(
                *(result.nodeid, result.verdict, result.symptom, result.detail, result.evidence),
                *(result.operation, result.cause),
            )
            for result in results
        ),
        unproven=unproven,
        known=_known_report(expected.entries.get(claim.id)),
        reports=(claim.source.text,) if claim.source.kind is SourceKind.REPORT else (),
        source=str(claim.source),
        source_href=href(claim.source),
    )


def _add_status(report: ClaimReport, claim: Claim, recordings: Sequence[Recording]) -> ClaimReport:
    """Return the report of a claim with how it is known."""
    return structs.replace(
        report,
        confirmed_on_account=claim.confirmed.isoformat() if claim.confirmed else None,
        status=status_of(recordings, claim.confirmed),
        recordings=tuple(
            RecordingReport(
                *(recording.id, recording.relation, recording.fact, recording.source),
                *(recording.date, recording.confidence),
            )
            for recording in recordings
        ),
    )


def _known_report(entry: Expectation | None) -> KnownReport | None:
    return KnownReport(entry.verdict, entry.reason, entry.link, entry.expires.isoformat()) if entry else None


def _merge_symptoms(symptoms: Sequence[str]) -> str:
    """Return one text for several symptoms; cases of a parametrized test with the same symptom are listed together."""
    cases: dict[tuple[str, str], list[str]] = {}
    for symptom in symptoms:
        match = _CASE.fullmatch(symptom)
        key = (match["test"], match["rest"]) if match else (symptom, "")
        cases.setdefault(key, []).extend([match["case"]] if match else [])
    return " | ".join(f"{test}[{'; '.join(names)}]: {rest}" if names else test for (test, rest), names in cases.items())


def find_leaked_resources(out: Path) -> tuple[str, ...]:
    """Return the resources that remain in the account by the ledgers of a run, one line each, with known reasons."""
    return tuple(f"{left}: {left.why}" if left.why else str(left) for left in leftovers_of_all(out))
