"""`surveyor publish`: keep small reports in a repository, with the known failures and the tables that go with them.

Exit codes: 0 success, 2 a file is no report or a folder cannot be written, 3 target unreachable or harness error, 130
interrupted. A target whose run did not complete changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import Layout, find_layout

if TYPE_CHECKING:
    from surveyor.report.model import ConformanceReport

__all__ = ["publish"]

_TRIES = 3
"""How often a claim is judged on a busy machine."""


def publish(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET|REPORT",
            help="Targets to test, or reports; default: embedded and all versions of emulators.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the reports; default: reports/published."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes for each target that is tested.")] = 1,
) -> None:
    """Test targets, renew their known failures, and keep small reports of them in a repository.

    A small report is one line of JSON without the recorded calls of claims
    that hold; compare and diff read it as any other. It is named after target
    and version. Tables of README.md that list the reports get a row for each.
    """
    from surveyor.cli._support.sources import check_sources
    from surveyor.report.publication import renew_table, save_small_report
    from surveyor.report.run_folder import make_folder
    from surveyor.targets import all_versions

    layout = find_layout()
    if out is None and not layout.is_checkout:
        raise UsageError("an installed package publishes nothing by itself: name a folder with --out")
    folder = out or layout.root / "reports" / "published"
    make_folder(folder)
    sources = sources or ["embedded", *all_versions(layout.targets)]
    check_sources(sources, layout)
    for source in sources:
        path = save_small_report(_load_or_run(source, layout, workers), folder)
        typer.echo(f"{source}: {path} ({path.stat().st_size / 1e6:.1f} MB)")
    documents = [(folder / "README.md", True)]
    documents += [(layout.root / "README.md", False)] if out is None else []
    for document, links in documents:
        if document.is_file() and renew_table(document, folder, links=links):
            typer.echo(f"table renewed: {document}")


def _load_or_run(source: str, layout: Layout, workers: int) -> ConformanceReport:
    """Return the report of a source; renew the known failures of a target that has a list of them in the repository."""
    from surveyor.cli._support.sources import is_report, load_or_run
    from surveyor.cli.conform import run_folder, update_expectations
    from surveyor.report.build import with_expectations
    from surveyor.targets import load_target
    from surveyor.targets.expectations import expectations_file, load_expectations
    from surveyor.verdicts import Verdict

    folder = layout.out / run_folder(source)
    report = load_or_run(source, layout, folder, workers)
    if not is_report(source):
        report = _judge_again(report, source, layout, folder)
        broken = next((claim for claim in report.claims if claim.verdict is Verdict.ERROR), None)
        if broken is not None:  # of the suites or of the target: no fact about the target
            raise SurveyorError(f"{source}: not published, since {broken.id} ended in an error: {broken.symptom}")
        target = load_target(source, layout.targets)
        if layout.is_checkout and (target.environment or expectations_file(target, layout.targets).exists()):
            update_expectations(report, target, layout, source, is_full=True)
            expected = load_expectations(expectations_file(target, layout.targets))
            report = with_expectations(report, expected, datetime.fromisoformat(report.finished).date())
    return report


def _judge_again(report: ConformanceReport, source: str, layout: Layout, folder: Path) -> ConformanceReport:
    """Judge the claims again that could not be judged because this machine was busy, and return the whole report."""
    from msgspec import structs

    from surveyor.cli._support.sources import load_or_run
    from surveyor.report.build import busy_claims

    for number in range(1, _TRIES):
        busy = busy_claims(report)
        if not busy:
            return report
        again = load_or_run(source, layout, folder / f"again-{number}", 1, claims=busy)
        judged = {claim.id: claim for claim in again.claims}
        report = structs.replace(report, claims=tuple(judged.get(claim.id, claim) for claim in report.claims))
    if busy := busy_claims(report):
        typer.echo(f"{source}: not judged, since this machine was busy: {', '.join(busy)}", err=True)
    return report
