"""`diff_reports` and `compare_reports`: regressed, fixed, vanished and new claims, and scores."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor.conformance.comparison import compare_reports
from surveyor.conformance.diff import ChangeKind, diff_reports
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.verdicts import Verdict

VERDICTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(Verdict), max_size=8)


def report(verdicts: dict[str, Verdict], *, name: str = "moto", symptom: str = "") -> ConformanceReport:
    """Return a report with these verdicts."""
    return ConformanceReport(
        target=TargetReport(name, "1", "started", (), {}),
        surveyor="0.1.0",
        seed=7,
        areas=(),
        selected=(),
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:01+00:00",
        wall_seconds=1.0,
        service_seconds=1.0,
        claims=tuple(
            ClaimReport(claim, "dns", "…", verdict, True, "", symptom, "", (), None, None)
            for claim, verdict in verdicts.items()
        ),
    )


@given(VERDICTS)
def test_a_report_does_not_differ_from_itself(verdicts: dict[str, Verdict]) -> None:
    """The same verdicts with the same symptoms are no change."""
    assert diff_reports(report(verdicts), report(verdicts)).changes == ()


@given(VERDICTS, VERDICTS)
def test_swapping_the_reports_mirrors_the_kinds(old: dict[str, Verdict], new: dict[str, Verdict]) -> None:
    """A claim that regressed in one direction is fixed in the other, and one that vanished is new."""
    forward, backward = diff_reports(report(old), report(new)), diff_reports(report(new), report(old))
    mirrored = {
        ChangeKind.REGRESSED: ChangeKind.FIXED,
        ChangeKind.VANISHED: ChangeKind.NEW,
        ChangeKind.DIFFERENT: ChangeKind.DIFFERENT,
        ChangeKind.JUDGED_NOW: ChangeKind.NOT_JUDGED,
    }
    for kind, other in mirrored.items():
        assert {change.claim for change in forward.of(kind)} <= {change.claim for change in backward.of(other)}
    assert {change.claim for change in forward.changes} == {change.claim for change in backward.changes}


def test_each_kind_of_change_is_reported() -> None:
    """Pass to fail is regressed, fail to pass fixed, fail to unsupported not judged any more; not-run is no verdict."""
    old = {"r": Verdict.PASS, "f": Verdict.FAIL, "d": Verdict.FAIL, "v": Verdict.PASS, "n": Verdict.NOT_RUN}
    new = {"r": Verdict.FAIL, "f": Verdict.PASS, "d": Verdict.UNSUPPORTED, "v": Verdict.NOT_RUN, "n": Verdict.FAIL}
    old |= {"j": Verdict.UNSUPPORTED, "i": Verdict.INCONCLUSIVE}
    new |= {"j": Verdict.FAIL, "i": Verdict.UNSUPPORTED}
    difference = diff_reports(report(old), report(new))
    assert [(change.kind, change.claim) for change in difference.changes] == [
        (ChangeKind.REGRESSED, "r"),
        (ChangeKind.VANISHED, "v"),
        (ChangeKind.FIXED, "f"),
        (ChangeKind.JUDGED_NOW, "j"),
        (ChangeKind.NOT_JUDGED, "d"),
        (ChangeKind.NOT_JUDGED, "i"),
        (ChangeKind.NEW, "n"),
    ]
    assert difference.worse


def test_another_symptom_is_a_difference_but_not_worse() -> None:
    """A claim that fails with another symptom is reported, and does not fail the comparison."""
    old, new = (
        report({"a": Verdict.FAIL}, symptom="t1: x | t2: y"),
        report({"a": Verdict.FAIL}, symptom="t2: y | t3: z"),
    )
    difference = diff_reports(old, new)
    (change,) = difference.changes
    assert (change.kind, change.gone, change.added) == (ChangeKind.DIFFERENT, ("t1: x",), ("t3: z",))
    assert not difference.worse


def test_caveats_are_reported() -> None:
    """Reports of two targets can be compared, with a note that they are of two targets."""
    assert "two targets" in diff_reports(report({}), report({}, name="other")).caveats[0]


def test_a_score_counts_the_claims_that_were_judged_on_its_target() -> None:
    """Claims that were judged on no target are left out; the score of a target has its own judged claims."""
    matrix = compare_reports(
        [
            report({"a": Verdict.PASS, "b": Verdict.PASS, "c": Verdict.NOT_RUN}, name="one"),
            report({"a": Verdict.PASS, "b": Verdict.UNSUPPORTED, "c": Verdict.NOT_RUN}, name="two"),
        ]
    )
    assert [row.claim for row in matrix.rows] == ["a", "b"]
    assert [target.score.text for target in matrix.scores] == [
        "2 of 2 judged claims hold (100 %)",
        "1 of 1 judged claims hold (100 %)",
    ]
