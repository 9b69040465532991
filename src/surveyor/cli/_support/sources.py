"""What `compare`, `diff` and `publish` get: reports, folders of runs, and targets to test."""

from __future__ import annotations

from pathlib import Path

import typer

from surveyor.errors import SurveyorError, UsageError
from surveyor.input_files import is_file, is_folder
from surveyor.layout import Layout
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.report.model import ConformanceReport

__all__ = ["check_sources", "is_report", "load_or_run", "read_report"]


def is_report(source: str) -> bool:
    """Return whether a source is a report or the folder of one, and not a target."""
    path = Path(source)
    return is_folder(path) or (is_file(path) and path.suffix == ".json")


def check_sources(sources: list[str], layout: Layout) -> None:
    """Read the reports and prepare the targets, so that what is wrong with one shows before any run."""
    from surveyor.targets import load_target
    from surveyor.targets.reachable import check_reachable

    targets = [load_target(source, layout.targets) for source in sources if not is_report(source)]
    for source in sources:
        if is_report(source):
            read_report(Path(source))
    for target in targets:
        check_reachable(target)


def load_or_run(
    source: str, layout: Layout, out: Path, workers: int, claims: tuple[str, ...] = ()
) -> ConformanceReport:
    """Return the report at `source`, or that of a new run, in the folder `out`, if `source` names a target.

    `claims`: the run judges only these; default: all.
    """
    from surveyor.claims.selection import Selection
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.conformance.run import run_suites

    if is_report(source):
        return read_report(Path(source))
    typer.echo(f"testing {source}{f', {len(claims)} claims' if claims else ''} ...", err=True)
    report = run_suites(RunConfig(layout, source, out, Selection(claims=claims), workers))
    if report.interrupted:
        raise typer.Exit(130)
    if report.failure:
        raise SurveyorError(f"{source}: {report.failure}")
    return report


def read_report(path: Path) -> ConformanceReport:
    """Return a report, or that of a folder. Raises UsageError."""
    if is_folder(path):
        path = path / REPORT_FILE
        if not path.exists():
            raise UsageError(f"{path.parent}: holds no {REPORT_FILE}")
    return load_report(path)
