"""`surveyor compare` and `surveyor diff`: compare reports side by side, or with an earlier one.

Exit codes of diff: 0 nothing got worse, 1 a claim or an experiment regressed or vanished, 2 a file is no report, or the
two have nothing in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli._support.sources import check_sources, load_or_run, read_report
from surveyor.cli._support.tables import print_table
from surveyor.conformance.comparison import Matrix, compare_reports
from surveyor.conformance.diff import Change, ChangeKind, diff_reports
from surveyor.conformance.figure_diff import ExperimentChange, diff_experiments
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.output_files import write_text
from surveyor.recordings.status import ClaimStatus
from surveyor.report.model import ConformanceReport
from surveyor.report.run_folder import reserve_folder
from surveyor.report.score import SCORE_RULE, Mark, score, status_text
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["compare", "diff"]

_SYMBOLS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "FAIL",
    Verdict.ERROR: "ERROR",
    Verdict.INCONCLUSIVE: "?",
    Verdict.UNSUPPORTED: "-",
    Verdict.NOT_RUN: "",
    None: "",
}


def compare(
    sources: Annotated[list[str], typer.Argument(metavar="TARGET|REPORT...", help="Targets to test, or reports.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the page and of new reports; default: reports/out/compare."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Number of processes for each target that is tested.")] = 2,
    *,
    all_claims: Annotated[bool, typer.Option("--all", help="Also print claims on which all targets agree.")] = False,
) -> None:
    """Compare targets claim by claim, and show how faithful each target is."""
    from surveyor.claims import load_claims
    from surveyor.report.page import render

    layout = find_layout()
    folder = out or layout.out / "compare"
    reserve_folder(folder)
    check_sources(sources, layout)
    reports = [load_or_run(source, layout, folder / source.replace("/", "_"), workers) for source in sources]
    known = {
        claim.id: str(claim.status)
        for report in reports
        for claim in report.claims
        if claim.status is not ClaimStatus.DOCUMENTED
    }
    typer.echo(status_text(max(reports, key=lambda report: len(report.claims)).claims))
    _print_matrix(compare_reports(reports), known, all_claims=all_claims)
    page = folder / "compare.html"
    write_text(page, render(reports, load_claims(layout.claims)))
    typer.echo(f"\npage with the evidence: {page}")


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A report, or the folder of one.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The report of a later run, or its folder.")],
) -> None:
    """Print what changed between two runs: claims, or experiments with their figures; exit 1 if anything got worse."""
    before, after = read_report(old), read_report(new)
    for path, report in ((old, before), (new, after)):
        if not report.claims and not report.experiments:
            raise UsageError(f"{path} has neither claims nor experiments: there is nothing to compare")
    has_claims = bool(before.claims and after.claims)
    if not has_claims and not (before.experiments and after.experiments):
        raise UsageError(f"{old} and {new} are runs of different commands: one has claims, the other experiments")
    typer.echo(f"{_name_and_version(before)} -> {_name_and_version(after)}")
    worse = _print_claims(before, after) if has_claims else False
    if before.experiments and after.experiments:
        worse = _print_experiments(diff_experiments(before, after)) or worse
    if worse:
        raise typer.Exit(1)


def _print_claims(before: ConformanceReport, after: ConformanceReport) -> bool:
    """Print the claims that changed; return whether any got worse."""
    difference = diff_reports(before, after)
    typer.echo(f"{score(before.claims).text} before, {score(after.claims).text} now")
    for caveat in difference.caveats:
        typer.echo(f"note: {caveat}")
    statements = {claim.id: claim.statement for report in (before, after) for claim in report.claims}
    for kind in ChangeKind:
        changes = difference.of(kind)
        if changes:
            typer.echo(f"\n{len(changes)} {kind}:")
        for change in changes:
            _print_change(change, statements[change.claim])
    if not difference.changes:
        typer.echo("no claim changed")
    return difference.worse


def _print_experiments(changes: Sequence[ExperimentChange]) -> bool:
    """Print the experiments of two runs with what differs, and all figures; return whether any got worse."""
    for change in changes:
        verdicts = [str(verdict or "absent") for verdict in (change.before, change.after)]
        typer.echo(f"\n{change.name}  {' -> '.join(dict.fromkeys(verdicts))}")
        for label, rows in (("setting ", change.settings), ("check ", change.checks), ("", change.figures)):
            for row in rows:
                moved = f", {row.direction}" if row.direction else ""
                values = row.after if row.before == row.after else f"{row.before} -> {row.after}"
                typer.echo("    " + one_line(f"{label}{row.name}: {values}{moved}"))
    typer.echo(
        "\n`higher` and `lower` are beyond the intervals of both runs; `surveyor gate` judges them against limits"
    )
    return any(change.worse for change in changes)


def _print_change(change: Change, statement: str) -> None:
    """Print one claim with what is documented, and the symptoms that are no longer there, and that are new."""
    verdicts = [str(verdict or "absent") for verdict in (change.before, change.after)]
    typer.echo(f"{change.claim}  {' -> '.join(dict.fromkeys(verdicts))}")
    lines = [("documented", statement)]
    lines += [("before", part) for part in change.gone]
    lines += [("now", part) for part in change.added]
    for label, text in lines:
        typer.echo(f"    {label:<10}  {text}")


def _name_and_version(report: ConformanceReport) -> str:
    return f"{report.target.name} {report.target.version or '(version unknown)'}"


def _print_matrix(matrix: Matrix, known: Mapping[str, str], *, all_claims: bool) -> None:
    rows = [row for row in matrix.rows if all_claims or row.differs]
    typer.echo(
        f"{len(rows)} of {len(matrix.rows)} claims" + ("" if all_claims else ", on which the targets differ") + ":"
    )
    print_table(
        ("claim", "known", *matrix.targets),
        [(row.claim, known.get(row.claim, ""), *(_SYMBOLS[verdict] for verdict in row.verdicts)) for row in rows],
        header_in_pipe=True,
    )
    typer.echo(f"\n- is unsupported, ? inconclusive, and an empty cell was not run. {SCORE_RULE}")
    marks = [mark for mark in Mark if any(mark in target.score.marks for target in matrix.scores)]
    columns = ("target", "score", "judged", *marks)
    print_table(
        columns,
        [
            (
                target.target,
                "none" if target.score.percent is None else f"{target.score.percent} %",
                target.score.judged,
                *(target.score.marks.get(mark, 0) for mark in marks),
            )
            for target in matrix.scores
        ],
        header_in_pipe=True,
    )
