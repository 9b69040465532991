"""Resume a run that ended before all was judged: credentials that ended, an interruption, a target that was gone.

A run writes run.json beside its report: its id and the options that choose what is judged, where. A run that resumes it
has another id, since names and caller references of the first are used up; both are in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from surveyor.account.budget import continue_spending
from surveyor.account.ledger import Owner
from surveyor.claims.selection import Selection
from surveyor.errors import UsageError
from surveyor.input_files import is_file
from surveyor.layout import Layout
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.report.model import ConformanceReport
from surveyor.report.resumed import is_judged, judged_tests
from surveyor.report.run_folder import reserve_folder
from surveyor.targets import Target
from surveyor.targets.consumer import close_accounts
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import run_target
from surveyor.targets.sweep import existing_resources, not_searched, owner_of, set_ledgers_aside
from surveyor.typed_json import read_json, write_json

__all__ = ["RUN_FILE", "EarlierRun", "RunFile", "check_options", "delete_leftovers", "find_run", "save_run"]

RUN_FILE = "run.json"
_VERSION: Final = "surveyor/v1"


class RunFile(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The file run.json. `runs`: the id of the run that began it, and of each that resumed it. `target`: as given."""

    runs: Annotated[tuple[str, ...], Meta(min_length=1)]
    target: str
    options: TargetOptions
    areas: tuple[str, ...]
    claims: tuple[str, ...]
    seed: int
    workers: int
    quick: bool = False
    api_version: Literal["surveyor/v1"] = _VERSION
    kind: Literal["Run"] = "Run"

    @property
    def selection(self) -> Selection:
        """Return what the run judges."""
        return Selection(self.areas, self.claims)


@dataclass(frozen=True)
class EarlierRun:
    """A run that may be resumed: its folder, its options and its report."""

    folder: Path
    file: RunFile
    report: ConformanceReport

    @property
    def kept(self) -> int:
        """Return the number of tests whose verdicts stay."""
        return len(judged_tests(self.report))

    @property
    def is_complete(self) -> bool:
        """Return whether each of its tests has a verdict."""
        tests = (test for claim in self.report.claims for test in claim.tests)
        return not self.report.failure and not self.report.interrupted and all(map(is_judged, tests))


def save_run(file: RunFile, folder: Path) -> None:
    """Write run.json, atomically."""
    write_json(file, folder / RUN_FILE)


def find_run(name: str, out: Path | None, layout: Layout) -> EarlierRun:
    """Return the run of this id, in `out` or below the folder for all output; or the run in the folder `name`.

    Raises UsageError if there is none, or if it wrote no report.
    """
    folders = [out] if out else [Path(name), *sorted(path.parent for path in layout.out.glob(f"*/{RUN_FILE}"))]
    for folder in folders:
        if is_file(folder / RUN_FILE):
            file = read_json(folder / RUN_FILE, RunFile)
            if name in file.runs or Path(name).resolve() == folder.resolve():
                return EarlierRun(folder, file, _report_of(name, folder))
    where = out or layout.out
    raise UsageError(f"there is no run {name} in {where}: give the folder of its report with --out")


def _report_of(name: str, folder: Path) -> ConformanceReport:
    if not is_file(folder / REPORT_FILE):
        reserve_folder(folder)  # refused while the run is in progress
        raise UsageError(
            f"run {name} wrote no report to {folder}, so none of its verdicts is known: delete what it left with "
            f"`surveyor sweep {folder}`, and begin a new run"
        )
    return load_report(folder / REPORT_FILE)


def check_options(file: RunFile, given: Mapping[str, object]) -> None:
    """Raise UsageError if an option that was given, by its name, is another than that of the run."""
    options = file.options
    of_run: Mapping[str, object] = {
        "target": file.target, "account": options.account, "region": options.region, "endpoint": options.endpoint,
        "area": list(file.areas), "claim": list(file.claims), "seed": file.seed, "quick": file.quick,
    }  # fmt: skip
    for name, value in given.items():
        if name in of_run and value != of_run[name]:
            raise UsageError(
                f"run {file.runs[0]} has --{name} {_show(of_run[name])}, not {_show(value)}: leave the option out, or "
                "begin a new run"
            )


def _show(value: object) -> str:
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value or "")) or "(none)"


def delete_leftovers(run: EarlierRun, target: Target, report: Callable[[str], None]) -> None:
    """Delete what the run left in the account; what remains keeps its ledger, and is in the next report."""
    owner = owner_of(run.folder) or Owner(
        run.file.runs[-1], run.file.target, target.account or "", target.region, target.endpoint
    )
    before = len(existing_resources(run.folder))
    close_accounts(run.folder, owner, target, run_target, not_searched(target))
    left = len(existing_resources(run.folder))
    set_ledgers_aside(run.folder)
    continue_spending(run.folder)
    if before:
        report(
            f"run {owner.run} had left {before} resources behind: {'not all are' if left else 'all are'} deleted now"
        )
