"""`surveyor survey` and `surveyor conform`: judge a target against the claims, and write one report."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import (
    Plan,
    Record,
    Sandbox,
    enter_sandbox,
)
from surveyor.cli._support.target_options import ConformOptions, SuiteOptions
from surveyor.errors import UsageError
from surveyor.machine import default_workers
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions, pinned
from surveyor.terminal import print_error

if TYPE_CHECKING:
    from surveyor.claims.selection import Selection
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.conformance.resume import EarlierRun
    from surveyor.layout import Layout
    from surveyor.report.model import ConformanceReport

__all__ = ["conform", "default_workers_for", "print_recorded", "run_folder", "survey", "update_expectations"]

TargetName = Annotated[
    str,
    typer.Option(
        "--target", metavar="NAME|URL|PATH", help="Target to test: a name, NAME@VERSION, a URL, or a target file."
    ),
]
Area = Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only this area; may be repeated.")]
ClaimId = Annotated[list[str] | None, typer.Option("--claim", metavar="ID", help="Only this claim; may be repeated.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the report; default: reports/out/RUN.")]
Workers = Annotated[int, typer.Option(min=0, help="Number of processes, each with its own target; 0 chooses a number.")]
Seed = Annotated[int, typer.Option(help="Seed of all random choices.")]
Quick = Annotated[
    bool, typer.Option("--quick", help="Only claims that need no VPC, no hosted zone, no DNS and no cluster.")
]

Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN", help="Judge what that run left without a verdict: its id, or the folder of its report."
    ),
]

_FILES_OF_A_WORKER = 5
_WORKERS_IN_ACCOUNT = 4
"""Workers on an account that outlives the run, where nearly all time is spent waiting for the target."""

_MAX_NAMED = 10
_EXPECTATION_LIFETIME = timedelta(days=365)


@with_option_groups
def survey(
    *,
    target: TargetName = "embedded",
    area: Area = None,
    claim: ClaimId = None,
    quick: Quick = False,
    out: Out = None,
    workers: Workers = 0,
    seed: Seed = 7,
    account_options: SuiteOptions,
    sandbox: Sandbox = False,
    plan: Plan = False,
) -> None:
    """Check every documented behaviour (default: on the embedded target), then kill a task and measure its clients.

    The second part runs only without --area and --claim, and if Surveyor starts the target itself. What cannot be
    judged, for example because this machine is busy, is named and does not fail a survey.
    """
    options = account_options.target_options()
    _run(
        *(target, area, claim, out, workers, seed, options),
        quick=quick,
        plan=plan,
        update=False,
        sandbox=sandbox,
        experiments=True,
    )


@with_option_groups
def conform(
    *,
    ctx: typer.Context,
    target: TargetName = "embedded",
    area: Area = None,
    claim: ClaimId = None,
    quick: Quick = False,
    out: Out = None,
    workers: Workers = 0,
    seed: Seed = 7,
    account_options: ConformOptions,
    sandbox: Sandbox = False,
    record: Record = None,
    plan: Plan = False,
    resume: Resume = None,
    update_expectations: Annotated[
        bool, typer.Option("--update-expectations", help="Record this run's failures as the known ones.")
    ] = False,
) -> None:
    """Judge a target against the claims and its list of known failures; exit 1 if a verdict differs from them.

    Claims about features that the target does not have are unsupported. At a
    URL only cloudmap, route53, ec2 and custom-health are looked for. To have
    more tested, save a target file, emulator.toml, and pass its path:

    \b
        endpoint = "http://127.0.0.1:4566"
        features = ["route53", "ec2", "custom-health", "ecs"]

    Features: accounts, advanced-zones, clock-control, cloudmap,
    custom-health, dns, ec2, ecs, ecs-instances, ecs-processes, events,
    functions, health, health-sources, iam, ipv6, logs, metrics,
    network-faults, other-principals, owner, principals, private-ca,
    public-dns, quotas, regions, resolver, route53, second-region,
    service-connect, service-roles, sharing, signatures, task-signals,
    throttling.
    docs/ci/README.md describes them.
    """
    options = account_options.target_options()
    earlier = None
    if resume is not None:
        from surveyor.cli._support.resuming import find_earlier, options_of

        earlier = find_earlier(ctx, resume, out)
        if earlier.is_complete:
            _accept(earlier)
            return
        file = earlier.file
        target, area, claim, seed, out = file.target, [*file.areas], [*file.claims], file.seed, earlier.folder
        options, workers, quick = options_of(ctx, file, options), workers or file.workers, False
    _run(
        *(target, area, claim, out, workers, seed, options),
        quick=quick,
        plan=plan,
        update=update_expectations,
        sandbox=sandbox,
        record=record,
        earlier=earlier,
    )


def _run(
    target_name: str,
    areas: list[str] | None,
    claims: list[str] | None,
    out: Path | None,
    workers: int,
    seed: int,
    options: TargetOptions,
    *,
    quick: bool,
    plan: bool,
    update: bool,
    sandbox: bool,
    experiments: bool = False,
    record: Path | None = None,
    earlier: EarlierRun | None = None,
) -> None:
    # Imported here: pytest and botocore are slow to load, and `surveyor --help` needs neither.
    from msgspec.structs import replace

    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.console_report import describe_ending, features_hint, print_report, waits_hint
    from surveyor.cli._support.progress import make_progress
    from surveyor.cli._support.resuming import begin, print_advice
    from surveyor.cli._support.run_ending import (
        print_accepting,
        print_leaked_resources,
        print_not_searched,
        print_use,
    )
    from surveyor.cli._support.survey_experiments import run_experiments_after_survey, supports_experiments
    from surveyor.cli._support.waiting import shown_wait
    from surveyor.conformance.own_run import record_conformance
    from surveyor.conformance.pytest_run import Earlier, RunConfig
    from surveyor.conformance.run import check_account, exit_code, run_suites
    from surveyor.layout import find_layout
    from surveyor.report.file import REPORT_FILE, save_report
    from surveyor.report.outputs import save_outputs
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets.reachable import check_reachable

    layout = find_layout()
    selection = Selection(tuple(areas or ()), tuple(claims or ()))
    target = _load(target_name, layout, options, sandbox=sandbox)
    options = pinned(options, target)
    _check_writable(target, layout, update=update, record=record)
    if out is None:
        out = layout.out / run_folder(target.label)
    if workers == 0:
        workers = default_workers_for(target, layout) if selection.is_full else 1
    selection = _narrow(selection, layout) if quick else selection
    if workers > 1 and not target.start and not target.is_one_account:
        raise UsageError(f"{target.name} is running already, and workers would share its clock: use --workers 1")
    if plan:
        from surveyor.cli._support.plan_report import print_plan

        print_plan(target, selection, layout, workers, seed)
        return
    config = RunConfig(
        *(layout, target_name, out, selection, workers, seed, options),
        earlier=Earlier(earlier.report, earlier.file.runs) if earlier else None,
        quick=earlier.file.quick if earlier else quick,
    )
    check_reachable(target)
    reserve_folder(out)
    with shown_wait("checking the account"):
        check_account(config)
        begin(config, target, earlier, quick=quick)
    if hint := waits_hint(target):
        typer.echo(hint)
    _begin_in_account(config, target)
    with make_progress(out) as progress:
        report = run_suites(config, progress)
    known_claims = load_claims(layout.claims)
    hints = (features_hint(report, known_claims.by_id) if target.features is None else "", waits_hint(target, report))
    print_report(report, out / REPORT_FILE, hints)
    complete = not report.failure and not report.interrupted
    if experiments and selection.is_full and supports_experiments(target) and complete:
        report = run_experiments_after_survey(report, out, target_name, seed)
        save_report(report, out / REPORT_FILE)
    try:
        typer.echo(f"page:   {save_outputs(report, known_claims, out)}")
    except OSError as error:  # a full disk: the results are printed already
        report = replace(report, failure=report.failure or f"{out} cannot be written: {error.strerror or error}")
    print_use(progress, target, report)
    if record is not None:
        print_recorded(record_conformance(report, known_claims, target, record), record)
    code = _survey_code(report) if experiments else exit_code(report)
    if problem := report.failure or (describe_ending(report) if code in (3, 5) else ""):
        print_error(problem)
    print_not_searched(progress)
    print_leaked_resources(report, config)
    print_advice(report, config, target)
    if not update:
        print_accepting(report, config, target, code)
    if update and code in (0, 1):
        update_expectations(report, target, layout, target_name, is_full=selection.is_full)
        code = 0
    raise typer.Exit(code)


def _load(name: str, layout: Layout, options: TargetOptions, *, sandbox: bool) -> Target:
    """Return the target; with `sandbox` only in one, in which this command is started again."""
    from surveyor.targets import load_target

    target = load_target(name, layout.targets, options)
    if sandbox:
        enter_sandbox(target)
    return target


def _begin_in_account(config: RunConfig, target: Target) -> None:
    """Print which claims an account will not have judged, and start the vantage of the run if it has one."""
    if target.start or not target.is_one_account:
        return
    from surveyor.cli._support.unjudged import print_unjudged
    from surveyor.cli._support.waiting import shown_wait
    from surveyor.conformance.vantage_start import start_vantage

    print_unjudged(target, config.selection, config.layout)
    if target.from_vpc is not None:
        with shown_wait("starting the vantage"):
            line = start_vantage(config, target)
        typer.echo(line)


def _narrow(selection: Selection, layout: Layout) -> Selection:
    """Return the claims of a quick run, and print how many these are."""
    from surveyor.conformance.quick import quick_selection

    selection = quick_selection(selection, layout)
    count = len(selection.claims)
    typer.echo(f"quick: {count} claim{'s' if count > 1 else ''} without a VPC, a hosted zone, DNS and a cluster")
    return selection


def _check_writable(target: Target, layout: Layout, *, update: bool, record: Path | None) -> None:
    """Raise UsageError if a run on this target cannot write expectations or recordings, as requested."""
    if update and target.file is None:
        raise UsageError("--update-expectations needs a target file; `surveyor conform --help` shows one")
    is_account = target.is_one_account and not target.start
    is_packaged = not layout.is_checkout and target.file == layout.targets / f"{target.name}.toml"
    if update and is_packaged and not is_account:  # what an account shows is kept beside the user's reports
        raise UsageError(f"{target.file} belongs to an installed package; copy it and pass the copy as --target")
    if record is not None:
        from surveyor.conformance.own_run import check_recordable

        check_recordable(target)


def _accept(run: EarlierRun) -> None:
    """Write the failures of a run that is complete to the expectations of its target."""
    from surveyor.layout import find_layout
    from surveyor.targets import load_target

    layout = find_layout()
    target = load_target(run.file.target, layout.targets, run.file.options)
    _check_writable(target, layout, update=True, record=None)
    update_expectations(run.report, target, layout, run.file.target, is_full=run.file.selection.is_full)


def update_expectations(report: ConformanceReport, target: Target, layout: Layout, name: str, *, is_full: bool) -> None:
    """Write the failures of the judged claims to the target's expectations, and print their number."""
    from surveyor.report.build import busy_claims, new_expectations, unrecorded_claims
    from surveyor.targets.expectations import (
        expectations_file,
        load_expectations,
        users_expectations_file,
        write_expectations,
    )

    path = expectations_file(target, layout.targets)
    expires = datetime.now(UTC).date() + _EXPECTATION_LIFETIME
    judged = None if is_full else {claim.id for claim in report.claims}
    known = load_expectations(path)
    argument = target.label if target.environment and "@" not in name else name  # the file is of this version
    unjudged = [known.entries[claim] for claim in busy_claims(report) if claim in known.entries]
    fresh = [*new_expectations(report, expires), *unjudged]
    path = users_expectations_file(target, layout.targets)
    count = write_expectations(path, target.label, fresh, known, judged, argument)
    typer.echo(f"expectations written to {path}: {count}")
    if left := unrecorded_claims(report):
        named = ", ".join(left[:_MAX_NAMED]) + (", …" if len(left) > _MAX_NAMED else "")
        typer.echo(f"not recorded, since the account or this machine kept them from being judged: {named}")


def _survey_code(report: ConformanceReport) -> int:
    """Return the exit code of a survey, after a line about each part that could not be judged and does not count."""
    from surveyor.cli._support.survey_experiments import print_unjudged
    from surveyor.conformance.run import exit_code

    print_unjudged(report)
    return exit_code(report, must_judge=False)


def default_workers_for(target: Target, layout: Layout) -> int:
    """Return the number of workers for a whole run on a target."""
    if target.start:  # few files are run sooner by one worker than it takes to start several, each with its target
        return max(1, min(default_workers(), len(list(layout.suites.rglob("test_*.py"))) // _FILES_OF_A_WORKER))
    return _WORKERS_IN_ACCOUNT if target.is_one_account else 1


def print_recorded(count: int, folder: Path) -> None:
    """Print how many recordings were written, and what to do with them."""
    typer.echo(f"recordings written to {folder}: {count}; read them before you publish them (docs/recordings.md)")


def run_folder(target: str) -> str:
    """Return a folder name of time, target and process id."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = "".join(letter if letter.isalnum() else "-" for letter in target)
    return f"{stamp}-{name}-{os.getpid()}"
