"""`surveyor compare` and `surveyor diff`: reports side by side.

Exit codes of diff: 0 nothing got worse, 1 a claim regressed or vanished, 2 a file that is no report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli._support.tables import print_table
from surveyor.conformance.comparison import Matrix, compare_reports
from surveyor.conformance.diff import Kind, difference
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import Layout, find_layout
from surveyor.report import ConformanceReport, load_report
from surveyor.report.file import REPORT_FILE, make_folder
from surveyor.verdicts import Verdict

__all__ = ["compare", "diff"]

_SIGNS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "FAIL",
    Verdict.ERROR: "ERROR",
    Verdict.INCONCLUSIVE: "?",
    Verdict.UNSUPPORTED: "-",
    Verdict.NOT_RUN: "",
    None: "",
}


def compare(
    what: Annotated[list[str], typer.Argument(metavar="TARGET|REPORT...", help="Targets to survey, or reports.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the page and new reports go [reports/out/compare].")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes for each target that is surveyed.")] = 2,
    *,
    whole: Annotated[bool, typer.Option("--all", help="Print claims on which all agree, too.")] = False,
) -> None:
    """Claims by targets: which documented behaviours hold where, and how faithful each target is."""
    from surveyor.claims import load_claims
    from surveyor.report.page import render

    layout = find_layout()
    folder = out or layout.out / "compare"
    make_folder(folder)
    reports = [_report(one, layout, folder, workers) for one in what]
    found = compare_reports(reports)
    _print(found, whole=whole)
    page = folder / "compare.html"
    page.write_text(render(reports, load_claims(layout.claims)), encoding="utf-8")
    typer.echo(f"\nthe same as a page, with the evidence: {page}")


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A report, or the folder of one.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The report of a later run.")],
) -> None:
    """Says what regressed, vanished, was fixed, is new or fails differently; exit 1 if anything got worse."""
    before, after = _read(old), _read(new)
    found = difference(before, after)
    typer.echo(f"{_named(before)} -> {_named(after)}")
    for doubt in found.doubts:
        typer.echo(f"note: {doubt}")
    statements = {claim.id: claim.statement for report in (before, after) for claim in report.claims}
    for kind in Kind:
        changes = found.of(kind)
        if changes:
            typer.echo(f"\n{len(changes)} {kind}:")
            print_table(
                ("claim", "then", "now", "documented", "what came then", "what comes now"),
                [
                    (
                        *(one.claim, one.before or "absent", one.after or "absent"),
                        *(statements[one.claim], one.symptom_before, one.symptom),
                    )
                    for one in changes
                ],
            )
    if not found.changes:
        typer.echo("no claim changed")
    if found.worse:
        raise typer.Exit(1)


def _report(what: str, layout: Layout, folder: Path, workers: int) -> ConformanceReport:
    """The report that ``what`` is, or a new one of the target that it names."""
    from surveyor.conformance.run import RunConfig, run_suites

    path = Path(what)
    if path.exists() and (path.suffix == ".json" or path.is_dir()):
        return _read(path)
    typer.echo(f"surveying {what} ...", err=True)
    report = run_suites(RunConfig(layout, what, folder / what.replace("/", "_"), workers=workers))
    if report.interrupted:
        raise typer.Exit(130)
    if report.failure:
        raise SurveyorError(f"{what}: {report.failure}")
    return report


def _read(path: Path) -> ConformanceReport:
    if path.is_dir():
        path = path / REPORT_FILE
        if not path.exists():
            raise UsageError(f"{path.parent}: holds no {REPORT_FILE}")
    return load_report(path)


def _named(report: ConformanceReport) -> str:
    return f"{report.target.name} {report.target.version}"


def _print(found: Matrix, *, whole: bool) -> None:
    rows = [row for row in found.rows if whole or row.differs]
    typer.echo(
        f"{len(rows)} of {len(found.rows)} claims" + ("" if whole else ", those on which the targets differ") + ":"
    )
    print_table(
        ("claim", *found.targets),
        [(row.claim, *(_SIGNS[verdict] for verdict in row.verdicts)) for row in rows],
    )
    typer.echo("\ntarget, claims that hold, that fail, not offered, other, of, faithful, faithful in what it offers:")
    print_table(
        ("target", "hold", "fail", "not offered", "other", "of", "faithful", "faithful in what it offers"),
        [
            (
                *(score.target, score.passed, score.failed, score.unsupported, score.other, score.proven),
                *(f"{share:.0%}" for share in (score.share, score.share_of_offered)),
            )
            for score in found.scores
        ],
    )
