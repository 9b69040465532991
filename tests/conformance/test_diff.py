"""Two reports of one target: what regressed, was fixed, vanished, is new."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor.conformance.comparison import compare_reports
from surveyor.conformance.diff import Kind, difference
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.verdicts import Verdict

VERDICTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(Verdict), max_size=8)


def report(verdicts: dict[str, Verdict], *, name: str = "moto", symptom: str = "") -> ConformanceReport:
    """A report with these verdicts."""
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
def test_nothing_changed_between_a_report_and_itself(verdicts: dict[str, Verdict]) -> None:
    """The same verdicts with the same symptoms are no difference."""
    assert difference(report(verdicts), report(verdicts)).changes == ()


@given(VERDICTS, VERDICTS)
def test_turning_it_round_turns_the_kinds_round(old: dict[str, Verdict], new: dict[str, Verdict]) -> None:
    """What regressed one way was fixed the other way; what vanished is new."""
    there, back = difference(report(old), report(new)), difference(report(new), report(old))
    mirrored = {Kind.REGRESSED: Kind.FIXED, Kind.VANISHED: Kind.NEW, Kind.DIFFERENT: Kind.DIFFERENT}
    for kind, other in mirrored.items():
        assert {one.claim for one in there.of(kind)} == {one.claim for one in back.of(other)}


def test_each_kind_is_told() -> None:
    """Pass to fail regressed, fail to pass fixed, fail to unsupported different; absent or not run is no verdict."""
    old = {"r": Verdict.PASS, "f": Verdict.FAIL, "d": Verdict.FAIL, "v": Verdict.PASS, "n": Verdict.NOT_RUN}
    new = {"r": Verdict.FAIL, "f": Verdict.PASS, "d": Verdict.UNSUPPORTED, "v": Verdict.NOT_RUN, "n": Verdict.FAIL}
    found = difference(report(old), report(new))
    assert [(one.kind, one.claim) for one in found.changes] == [
        (Kind.REGRESSED, "r"),
        (Kind.VANISHED, "v"),
        (Kind.DIFFERENT, "d"),
        (Kind.FIXED, "f"),
        (Kind.NEW, "n"),
    ]
    assert found.worse


def test_another_symptom_is_a_difference_but_not_worse() -> None:
    """A claim that fails in another way is told, and does not fail the comparison."""
    found = difference(report({"a": Verdict.FAIL}, symptom="one"), report({"a": Verdict.FAIL}, symptom="two"))
    assert [one.kind for one in found.changes] == [Kind.DIFFERENT]
    assert not found.worse


def test_doubts_are_told() -> None:
    """Reports of two targets can be compared, and it is said that they are of two."""
    assert "two targets" in difference(report({}), report({}, name="other")).doubts[0]


def test_scores_count_the_same_claims_for_every_target() -> None:
    """A claim that only one target was judged on counts for all; one that none was judged on counts for nobody."""
    found = compare_reports(
        [
            report({"a": Verdict.PASS, "b": Verdict.PASS, "c": Verdict.NOT_RUN}, name="one"),
            report({"a": Verdict.PASS, "b": Verdict.UNSUPPORTED, "c": Verdict.NOT_RUN}, name="two"),
        ]
    )
    assert [row.claim for row in found.rows] == ["a", "b"]
    assert [(score.share, score.share_of_offered) for score in found.scores] == [(1.0, 1.0), (0.5, 1.0)]
