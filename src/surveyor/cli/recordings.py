"""`surveyor recordings`: list what real AWS was seen to answer, and repeat it on a target.

Exit codes: 0 success, 1 the target contradicts a recording, 2 an unknown name or an invalid file, 3 target unreachable
or harness error, 4 resources were left behind, 5 nothing could be repeated.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from surveyor.claims import load_claims
from surveyor.cli._support.lazy_commands import help_style
from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import (
    Plan,
    Record,
)
from surveyor.cli._support.tables import print_table
from surveyor.cli._support.target_options import SuiteOptions
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.messages import either, nearest
from surveyor.recordings import Confidence, Recording, Recordings, load_recordings
from surveyor.recordings.model import Call
from surveyor.recordings.model_check import check_recordings, earlier_answers
from surveyor.terminal import print_error

if TYPE_CHECKING:
    from surveyor.conformance.replay.run import ReplayReport
    from surveyor.pytest_plugin.collector import Collector

__all__ = ["app"]

app = typer.Typer(
    help="Show what real AWS was seen to answer, and repeat it on a target.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=help_style(),
)

Areas = Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only this area; may be repeated.")]
ClaimIds = Annotated[
    list[str] | None, typer.Option("--claim", metavar="ID", help="Only recordings about this claim; may be repeated.")
]
Ids = Annotated[
    list[str] | None, typer.Option("--recording", metavar="ID", help="Only this recording; may be repeated.")
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="Read the recordings of this folder instead of Surveyor's."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    area: Areas = None,
    claim: ClaimIds = None,
    confidence: Annotated[Confidence | None, typer.Option(help="Only recordings that are this sure.")] = None,
    about: Annotated[
        str, typer.Option(metavar="TEXT", help="Only recordings with this in id, fact, claims, source or request.")
    ] = "",
    from_: From = None,
    json: Json = False,
) -> None:
    """List the recordings with their date, how sure they are, and the claims that they are about."""
    recordings = _load(from_)
    rows = [
        recording
        for recording in _select(recordings, area, claim, None)
        if confidence in (None, recording.confidence) and _is_about(recording, about)
    ]
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1))
        return
    print_table(
        ("recording", "date", "confidence", "replayed", "claims", "fact"),
        [
            (row.id, row.date or "unknown", row.confidence, "yes" if row.replay else "no", ", ".join(row.claims),
             " ".join(row.fact.split()))
            for row in rows
        ],
        title=f"{len(rows)} recordings",
        header_in_pipe=True,
    )  # fmt: skip


@app.command()
def show(
    recording_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a recording.")],
    from_: From = None,
    json: Json = False,
) -> None:
    """Show one recording: the fact, its source, the request, and what the answer has."""
    recordings = _load(from_)
    [recording] = _select(recordings, None, None, [recording_id])
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(recording), indent=1))
        return
    call = recording.request
    later = earlier_answers(recordings).get(recording.id)
    rows = [
        ("recording", recording.id),
        ("fact", " ".join(recording.fact.split())),
        *((recording.relation, claim) for claim in recording.claims),
        ("provenance", recording.provenance),
        ("source", recording.source),
        ("date", recording.date or "unknown"),
        ("confidence", recording.confidence),
        ("request", f"{call.service}:{call.operation} {msgspec.json.encode(call.params).decode()}" if call else ""),
        ("observation", recording.observation),
        *_answer_rows(recording),
        ("situation", recording.replay.situation if recording.replay else ""),
        *(("before", f"{before.service}:{before.operation}") for before in _before(recording)),
        ("not replayed", f"AWS has answered otherwise since: {later}" if later else recording.not_replayed),
        ("waived", recording.waived),
        ("file", recordings.locations[recording.id]),
    ]
    print_table(("", ""), [(name, value) for name, value in rows if str(value)])


@app.command()
@with_option_groups
def check(
    *,
    target: Annotated[
        str,
        typer.Option(metavar="NAME|URL|PATH", help="Target to test: a name, NAME@VERSION, a URL, or a target file."),
    ] = "embedded",
    area: Areas = None,
    claim: ClaimIds = None,
    recording: Ids = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of recordings.json; default: reports/out/RUN.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Number of processes, each with its own target; 0 chooses a number.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
    account_options: SuiteOptions,
    record: Record = None,
    plan: Plan = False,
    from_: From = None,
    json: Json = False,
) -> None:
    """Repeat on a target what AWS was seen to answer, and compare; exit 1 if an answer contradicts a recording.

    Compared are members, values and formats, error codes, HTTP statuses and words of errors. A recording that cannot
    be repeated is listed with the reason.
    """
    from surveyor.cli._support.progress import make_progress
    from surveyor.cli._support.run_ending import print_left_behind, print_not_searched
    from surveyor.cli.conform import default_workers_for, print_recorded, run_folder
    from surveyor.conformance.own_run import check_recordable, record_replay
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.conformance.replay.run import REPLAY_FILE, Status, exit_code, replay
    from surveyor.conformance.run import check_account
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target
    from surveyor.targets.caller import describe_caller
    from surveyor.targets.reachable import check_reachable

    layout = find_layout()
    options = account_options.target_options()
    recordings = _load(from_)
    chosen = [entry.id for entry in _select(recordings, area, claim, recording)]
    known = load_target(target, layout.targets, options)
    workers = workers or (default_workers_for(known, layout) if not (area or claim or recording) else 1)
    if workers > 1 and not known.start and not known.is_one_account:
        raise UsageError(f"{known.name} is running already, and workers would share its clock: use --workers 1")
    if record is not None:
        check_recordable(known)
    if plan:
        import pytest

        from surveyor.claims.selection import Selection
        from surveyor.cli._support.plan_report import print_plan

        def repeat(config: RunConfig, collector: Collector) -> int:
            report = replay(config, recordings, chosen, collector, from_)
            return int(pytest.ExitCode.INTERRUPTED if report.interrupted else pytest.ExitCode.OK)

        print_plan(known, Selection(), layout, workers, seed, repeat)
        return
    out = out or layout.out / run_folder(known.name)
    config = RunConfig(layout, target, out, workers=workers, seed=seed, target_options=options, command="recordings")
    check_reachable(known)
    reserve_folder(out)
    check_account(config)
    if known.is_one_account and not json:
        where = describe_caller(known) or f"account {known.account}, {known.region}"
        typer.echo(f"run {config.run} in {where}; its ledger is in {out}")
    with nullcontext() if json else make_progress(out) as progress:  # progress is printed to the standard output
        report = replay(config, recordings, chosen, progress, from_)
    recorded = record_replay(report, recordings, known, record) if record is not None else 0
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=1))
    else:
        _print_report(report, out / REPLAY_FILE)
        if record is not None:
            print_recorded(recorded, record)
    errors = [f"{row.id}: {row.detail}" for row in report.results if row.status is Status.ERROR]
    if problem := report.failure or (f"{len(errors)} errors, the first of them {errors[0]}" if errors else ""):
        print_error(problem)
    if progress is not None:
        print_not_searched(progress)
    print_left_behind(report.leaked_resources, out, report.started)
    raise typer.Exit(exit_code(report))


def _print_report(report: ReplayReport, path: Path) -> None:
    from surveyor.conformance.replay.run import Status

    silent = (Status.AGREES, Status.NOT_REPLAYED, Status.UNSUPPORTED)
    print_table(
        ("recording", "on the target", "detail"),
        [(row.id, row.status, row.detail) for row in report.results if row.status not in silent],
    )
    print_table(
        ("not repeated", "", "because"),
        [(row.id, row.status, row.detail) for row in report.results if row.status in silent[1:]],
    )
    counts = ", ".join(f"{number} {status}" for status, number in report.counts.items())
    target = report.target if "@" in report.target else f"{report.target} {report.version}".rstrip()
    typer.echo(f"{target}: {counts}")
    typer.echo(f"report: {path}")


def _load(folder: Path | None) -> Recordings:
    layout = find_layout()
    folder = folder or layout.recordings
    recordings = load_recordings(folder, load_claims(layout.claims).by_id)
    if not recordings.areas:
        raise UsageError(f"no recordings in {folder}: expected one <area>.toml per area")
    check_recordings(recordings)
    return recordings


def _select(
    recordings: Recordings, areas: list[str] | None, claims: list[str] | None, ids: list[str] | None
) -> list[Recording]:
    """Return the recordings of these areas, claims and ids. Raise UsageError for an unknown name."""
    known_areas = {area.name: area.recordings for area in recordings.areas}
    for kind, names, known in (
        ("area", areas, known_areas),
        ("recording", ids, recordings.by_id),
    ):
        for name in names or ():
            if name not in known:
                hint = nearest(name, known) or (f"; expected {either(known)}" if kind == "area" else "")
                raise UsageError(f"no {kind} {name!r}{hint}")
    for claim in claims or ():
        if claim not in recordings.by_claim:
            raise UsageError(f"no recording is about the claim {claim!r}{nearest(claim, recordings.by_claim)}")
    return [
        recording
        for area, members in known_areas.items()
        if not areas or area in areas
        for recording in members
        if (not ids or recording.id in ids) and (not claims or set(claims) & set(recording.claims))
    ]


def _is_about(recording: Recording, text: str) -> bool:
    operation = recording.request.operation if recording.request else recording.observation
    fields = (recording.id, recording.fact, recording.source, operation, *recording.claims)
    return any(text.lower() in field.lower() for field in fields)


def _answer_rows(recording: Recording) -> list[tuple[str, str]]:
    defaults = type(recording.answer)()
    rows = []
    for name in recording.answer.__struct_fields__:
        value = getattr(recording.answer, name)
        if value != getattr(defaults, name):
            text = ", ".join(value) if isinstance(value, tuple) else value
            rows.append((name, text if isinstance(text, str) else msgspec.json.encode(text).decode()))
    return rows


def _before(recording: Recording) -> tuple[Call, ...]:
    return recording.replay.before if recording.replay else ()
