"""Reports side by side."""

from __future__ import annotations

from surveyor.conformance.comparison import compare_reports
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.report.score import score
from surveyor.verdicts import Verdict


def report(version: str, **verdicts: Verdict) -> ConformanceReport:
    """A report of moto with these verdicts."""
    claims = tuple(
        ClaimReport(f"a.{name}", "a", "It is so.", verdict, True, "", "", "", (), None, None)
        for name, verdict in verdicts.items()
    )
    target = TargetReport("moto", version, "started", (), {})
    return ConformanceReport(target, "0", 7, (), (), "", "", 1.0, 1.0, claims)


def test_score_is_that_of_the_report() -> None:
    """A target has the same score beside others as in its own report; targets of one name differ by version."""
    old = report("1", first=Verdict.PASS, second=Verdict.FAIL, third=Verdict.UNSUPPORTED)
    new = report("2", first=Verdict.PASS, second=Verdict.PASS, other=Verdict.NOT_RUN)
    matrix = compare_reports([old, new])
    assert matrix.targets == ("moto 1", "moto 2")
    assert [(row.claim, row.verdicts, row.differs) for row in matrix.rows] == [
        ("a.first", (Verdict.PASS, Verdict.PASS), False),
        ("a.second", (Verdict.FAIL, Verdict.PASS), True),
        ("a.third", (Verdict.UNSUPPORTED, None), True),
    ]
    assert [target.score for target in matrix.scores] == [score(old.claims), score(new.claims)]
    assert [target.score.text for target in matrix.scores] == [
        "1 of 2 judged claims hold (50 %)",
        "2 of 2 judged claims hold (100 %)",
    ]
