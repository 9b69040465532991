"""Makes the report of a run from the results of its tests, the claims and what was expected of the target."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from surveyor.claims import Claim, load_claims
from surveyor.claims.selection import Selection
from surveyor.layout import Layout
from surveyor.report.experiments import experiments_of
from surveyor.report.model import ClaimReport, ConformanceReport, KnownReport, TargetReport, TestReport
from surveyor.report.test_results import Facts, TestResult
from surveyor.targets import Target
from surveyor.targets.expectations import Expectation, Expectations, expectations_file, load_expectations
from surveyor.targets.sweep import standing_in
from surveyor.verdicts import Verdict, worst

__all__ = ["Run", "build_report", "conclude", "fresh_expectations", "leftovers"]

# Characters of what came that an expectation repeats as its reason.
_BRIEF = 160
_CASE = re.compile(r"(?P<test>(?:set-up: |tear-down: )?\w+)\[(?P<case>.*?)\]: (?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """What happened, as the reporting process saw it. `started` and `finished` are aware times.

    `folder`: where histories are; `only_experiments`: no claim was asked for.
    """

    target: Target
    seed: int
    selection: Selection
    results: Sequence[TestResult]
    facts: Sequence[Facts]
    started: datetime
    finished: datetime
    wall_seconds: float
    failure: str = ""
    left_behind: tuple[str, ...] = ()
    interrupted: bool = False
    folder: Path | None = None
    only_experiments: bool = False


def conclude(run: Run, layout: Layout) -> ConformanceReport:
    """The report of a run in this layout, whose claims and expectations are read."""
    claims = load_claims(layout.claims)
    expected = load_expectations(expectations_file(run.target, layout.targets))
    chosen = {} if run.only_experiments else run.selection.select(claims)
    return build_report(run, chosen, claims.by_id, expected)


def build_report(
    run: Run, claims: Mapping[str, Claim], known: Iterable[str], expected: Expectations
) -> ConformanceReport:
    """The report on the chosen `claims`; `known` are the ids of all there are."""
    planned: dict[str, list[str]] = {}
    for facts in run.facts:
        for nodeid, proven in facts.collected.items():
            for claim in proven:
                if nodeid not in planned.setdefault(claim, []):
                    planned[claim].append(nodeid)
    by_claim: dict[str, list[TestResult]] = {}
    for result in run.results:
        for claim in result.claims:
            by_claim.setdefault(claim, []).append(result)
    today = run.finished.date()
    rows = tuple(
        _claim(claim, by_claim.get(name, []), planned.get(name, []), expected, today, run.interrupted)
        for name, claim in claims.items()
    )
    return ConformanceReport(
        target=_target(run),
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
        surprises=tuple(expected.unknown(known)) if run.selection.is_full and claims else (),
        left_behind=run.left_behind,
        interrupted=run.interrupted,
        experiments=experiments_of(run.results, run.folder),
    )


def fresh_expectations(report: ConformanceReport, expires: date) -> list[Expectation]:
    """An entry for each claim that the target did not hold, with what the document says and what came as its reason."""
    return [
        Expectation(
            claim=claim.id,
            verdict=claim.verdict,
            symptom=claim.symptom,
            expires=expires,
            reason=f"documented: {claim.statement.rstrip('.')}; came: {_brief(claim.detail)}",
        )
        for claim in report.claims
        if claim.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    ]


def _brief(detail: str) -> str:
    """The first of the things that came: an expectation is read by people, the report has them all."""
    first = detail.partition("; expected ")[0]
    return first if len(first) <= _BRIEF else f"{first[:_BRIEF]}…"


def _target(run: Run) -> TargetReport:
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


def _claim(
    claim: Claim, results: Sequence[TestResult], planned: Sequence[str], expected: Expectations, today: date, cut: bool
) -> ClaimReport:
    results = sorted(results, key=lambda result: result.nodeid)
    missing = sorted(set(planned) - {result.nodeid for result in results})
    verdict = worst([*(result.verdict for result in results), *(Verdict.NOT_RUN for _ in missing)])
    decisive = [result for result in results if result.verdict is verdict]
    symptom = _together([result.symptom for result in decisive if result.symptom])
    unproven = f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else None
    if results or missing:
        detail = "; ".join(dict.fromkeys(result.detail for result in decisive if result.detail))
        note = expected.objection(claim.id, verdict, symptom, today)
        if verdict is Verdict.NOT_RUN:
            detail = f"the run ended before {', '.join(missing)}"
    else:
        cut = cut and unproven is None
        detail = "the run was interrupted" if cut else f"unproven, {unproven}" if unproven else "no suite proves it"
        stale = claim.id in expected.entries
        note = (
            expected.objection(claim.id, verdict, symptom, today) if stale else "the run was interrupted" if cut else ""
        )
    return ClaimReport(
        id=claim.id,
        area=claim.area,
        statement=claim.statement,
        verdict=verdict,
        expected=not note,
        note=note,
        symptom=symptom,
        detail=detail,
        tests=tuple(TestReport(one.nodeid, one.verdict, one.symptom, one.detail, one.evidence) for one in results),
        unproven=unproven,
        last_confirmed_on_aws=claim.confirmed.isoformat() if claim.confirmed else None,
        known=_known(expected.entries.get(claim.id)),
    )


def _known(entry: Expectation | None) -> KnownReport | None:
    return KnownReport(entry.verdict, entry.reason, entry.link, entry.expires.isoformat()) if entry else None


def _together(symptoms: Sequence[str]) -> str:
    """One text for several symptoms; the cases of one parametrized test that show the same are named together."""
    cases: dict[tuple[str, str], list[str]] = {}
    for symptom in symptoms:
        match = _CASE.fullmatch(symptom)
        key = (match["test"], match["rest"]) if match else (symptom, "")
        cases.setdefault(key, []).extend([match["case"]] if match else [])
    return " | ".join(f"{test}[{'; '.join(names)}]: {rest}" if names else test for (test, rest), names in cases.items())


def leftovers(out: Path) -> tuple[str, ...]:
    """What the ledgers in `out` say still stands in the account, one line each."""
    return tuple(str(thing) for thing in standing_in(out))
