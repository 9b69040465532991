"""`diff_experiments`: verdicts, settings and figures of two runs of the same experiments."""

from __future__ import annotations

from msgspec import structs

from surveyor.conformance.figure_diff import FigureChange, diff_experiments
from surveyor.report.experiments import ClientRow, ExperimentReport
from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict
from tests.conformance.test_diff import report
from tests.report.test_experiments import measured_experiment

ROW = ClientRow("dns", "deploy", 100, (3.0, 2.0, 4.0), (1.0, 0.5, 2.0), 4.0, 9.0, 1.0, 2.0)


def run(*experiments: ExperimentReport) -> ConformanceReport:
    """Return a report with these experiments."""
    return structs.replace(report({}), experiments=experiments)


def test_the_same_run_has_no_direction() -> None:
    """Figures are listed in both runs; none is higher or lower, and no setting or check differs."""
    [change] = diff_experiments(run(measured_experiment()), run(measured_experiment()))
    assert (change.settings, change.checks, change.worse) == ((), (), False)
    assert change.figures
    assert not any(figure.direction for figure in change.figures)
    assert all(figure.before == figure.after for figure in change.figures)


def test_figures_move_beyond_their_intervals() -> None:
    """A share is higher only if its confidence interval is above the earlier one; milliseconds have no direction."""
    old = ExperimentReport("x", "x", Verdict.PASS, "", "", "", None, None, (ROW,))
    slower = structs.replace(ROW, failed=(9.0, 7.0, 11.0), after_retries=(1.5, 0.9, 3.0), p99=900.0)
    [change] = diff_experiments(run(old), run(structs.replace(old, clients=(slower,), verdict=Verdict.FAIL)))
    assert change.worse
    assert change.figures == (
        FigureChange("dns, deploy: failed", "3.0 % (2.0 to 4.0)", "9.0 % (7.0 to 11.0)", "higher"),
        FigureChange("dns, deploy: failed after two retries", "1.0 % (0.5 to 2.0)", "1.5 % (0.9 to 3.0)"),
        FigureChange(
            "dns, deploy: p50, p99, outage, recovery", "4 ms, 9 ms, 1.0 s, 2.0 s", "4 ms, 900 ms, 1.0 s, 2.0 s"
        ),
    )
    [back] = diff_experiments(run(structs.replace(old, clients=(slower,))), run(old))
    assert back.figures[0].direction == "lower"


def test_spans_and_settings_are_compared() -> None:
    """A danger window that ends is lower; a setting of the service and a check that differ are named."""
    before = measured_experiment()
    assert before.judged is not None
    figures = tuple(structs.replace(figure, low=500.0, high=600.0) for figure in before.judged.figures)
    checks = tuple(structs.replace(check, verdict=Verdict.INCONCLUSIVE) for check in before.judged.checks)
    judged = structs.replace(before.judged, figures=figures, checks=checks, service={"TTL": "60 s"})
    [change] = diff_experiments(run(before), run(structs.replace(before, judged=judged)))
    assert {figure.direction for figure in change.figures} == {"higher"}
    assert FigureChange("TTL", dict(before.judged.service).get("TTL", "none"), "60 s") in change.settings
    assert [check.after for check in change.checks] == ["inconclusive"] * len(checks)


def test_experiments_of_one_run_only_are_absent() -> None:
    """An experiment that passed and is not in the new run is worse, a new one is not."""
    old = ExperimentReport("gone", "x", Verdict.PASS, "", "", "", None, None)
    new = ExperimentReport("new", "x", Verdict.FAIL, "", "", "", None, None)
    changes = diff_experiments(run(old), run(new))
    assert [(change.name, change.before, change.after, change.worse) for change in changes] == [
        ("new", None, Verdict.FAIL, False),
        ("gone", Verdict.PASS, None, True),
    ]
