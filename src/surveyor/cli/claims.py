"""`surveyor claims`: list the claims, what proves them, and documents that AWS has changed since.

Exit codes: 0 success, 1 drift found or (coverage --strict) a gap, 2 an unknown name or an invalid file.
"""

from __future__ import annotations

from typing import Annotated

import typer

from surveyor.claims import Area, Article, Claim, Claims, Reason, load_claims
from surveyor.claims.coverage import Coverage, measure_coverage
from surveyor.claims.duplicates import find_duplicates
from surveyor.claims.pages import load_pages
from surveyor.claims.proofs import find_proofs
from surveyor.claims.references import check_operations
from surveyor.cli._support.lazy_commands import help_style
from surveyor.cli._support.tables import print_table
from surveyor.cli.claims_drift import drift, pages
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.messages import nearest
from surveyor.recordings import Recording, load_recordings
from surveyor.recordings.status import status_of

__all__ = ["app"]

app = typer.Typer(
    help="Show documented behaviours, what proves them, and their sources.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=help_style(),
)


@app.command("list")
def list_(
    area: Annotated[str, typer.Option(metavar="AREA", help="List only the claims of this area.")] = "",
    unproven: Annotated[bool, typer.Option("--unproven", help="List only claims that no test proves.")] = False,
    about: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="List only claims with this in their id, statement, source, operations or check."
        ),
    ] = "",
) -> None:
    """List the claims with their level, and how many tests prove them or why none does."""
    claims, coverage = _read()
    selected = _find_area(claims, area).claims if area else tuple(claims.by_id.values())
    rows = [
        (claim.id, claim.level, _status(claim, coverage.proofs[claim.id]), claim.statement)
        for claim in selected
        if not (unproven and coverage.proofs[claim.id]) and _is_about(claim, about)
    ]
    print_table(("claim", "level", "proven by", "statement"), rows, title=f"{len(rows)} claims", header_in_pipe=True)


@app.command()
def show(claim_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a claim, such as dns.srv.value.")]) -> None:
    """Show one claim: its statement, its source, how it is checked, and the tests that prove it."""
    claims, coverage = _read()
    claim = claims.by_id.get(claim_id)
    if claim is None:
        raise UsageError(f"no claim {claim_id!r}{nearest(claim_id, claims.by_id) or '; see: surveyor claims list'}")
    recordings = load_recordings(find_layout().recordings, claims.by_id).by_claim.get(claim.id, ())
    rows = [
        ("claim", claim.id),
        ("statement", claim.statement),
        ("level", claim.level),
        ("source", claim.source),
        *_page_rows(claim),
        ("needs", ", ".join(("cloudmap", *claim.features))),
        ("operations", ", ".join(claim.operations)),
        ("check", claim.check),
        ("unproven", f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else ""),
        *(("proven by", test) for test in coverage.proofs[claim.id]),
        ("status", status_of(recordings, claim.confirmed)),
        ("on an account", claim.confirmed or "never confirmed by a run on a real account"),
        *((recording.relation, f"{recording.fact} ({_provenance(recording)})") for recording in recordings),
        *(("article", _format_article(article)) for article in claims.articles_on(claim.id)),
        ("file", claim.location),
    ]
    print_table(("", ""), [(name, value) for name, value in rows if str(value)])


@app.command()
def coverage(
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit 1 unless each claim has a test or a reason for having none, and no two say almost the same.",
        ),
    ] = False,
) -> None:
    """Count the proven claims by area and by Cloud Map operation, and name claims without test and reason."""
    from surveyor.claims.documents import Documents

    claims, _ = _read()
    measured = measure_coverage(claims, find_proofs(find_layout().suites), Documents().operations("servicediscovery"))
    columns = ("area", "claims", "proven", "open", *Reason, "tests")
    print_table(
        columns,
        [
            (area.name, area.claims, area.proven, area.open, *(area.reasons.get(reason, 0) for reason in Reason),
             area.tests)
            for area in measured.areas
        ],
        title=f"{measured.proven} of {measured.claims} claims proven",
        header_in_pipe=True,
    )  # fmt: skip
    tested = sum(1 for operation in measured.operations if operation.tests)
    print_table(
        ("operation", "claims", "tests"),
        [(operation.name, len(operation.claims), len(operation.tests)) for operation in measured.operations],
        title=f"{tested} of {len(measured.operations)} operations of Cloud Map tested",
        header_in_pipe=True,
    )
    problems = _coverage_problems(claims, measured, strict=strict)
    for line in problems:
        typer.echo(line, err=True)
    if strict and problems:
        raise typer.Exit(1)


def _read() -> tuple[Claims, Coverage]:
    from surveyor.claims.documents import Documents

    layout = find_layout()
    claims = load_claims(layout.claims)
    check_operations(claims.by_id.values(), Documents())
    return claims, measure_coverage(claims, find_proofs(layout.suites))


def _coverage_problems(claims: Claims, measured: Coverage, *, strict: bool) -> list[str]:
    """Return a line for each contradiction between claims and tests; if strict, also for each gap and duplicate."""
    lines = [
        f"{claims.by_id[claim].location}: {claim} has a reason for having no test, but {measured.proofs[claim][0]} "
        "proves it: remove `unproven`"
        for claim in measured.contradictory
    ]
    lines += [
        f"{tests[0]}: proves the unknown claim {claim!r}{nearest(claim, claims.by_id)}"
        for claim, tests in measured.unknown.items()
    ]
    if not strict:
        return lines
    lines += [
        f"{claims.by_id[claim].location}: {claim} has neither a test nor a reason for having none: "
        "write a test or add `unproven`"
        for claim in measured.open
    ]
    return lines + [
        f"{found.claim.location}: {found.claim.id} says almost the same as {found.earlier.id} "
        f"({found.earlier.location}): keep one of them, or state in what they differ"
        for found in find_duplicates(claims)
    ]


def _find_area(claims: Claims, name: str) -> Area:
    areas = {area.name: area for area in claims.areas}
    if name not in areas:
        raise UsageError(f"no area {name!r}{nearest(name, areas) or '; areas are ' + ', '.join(areas)}")
    return areas[name]


def _is_about(claim: Claim, text: str) -> bool:
    fields = (claim.id, claim.statement, str(claim.source), claim.check or "", *claim.operations)
    return any(text.lower() in field.lower() for field in fields)


def _status(claim: Claim, tests: tuple[str, ...]) -> str:
    if tests:
        return f"{len(tests)} test{'s' if len(tests) > 1 else ''}"
    return f"not: {claim.unproven.reason}" if claim.unproven else "nothing yet"


def _page_rows(claim: Claim) -> list[tuple[str, object]]:
    """Return the address of the guide page that a claim rests on, and the words that it rests on."""
    page = next((page for page in load_pages(find_layout().claims) if page.source == claim.source.text), None)
    if page is None:
        return []
    said = [f"{extract.text} (read on {page.read})" for extract in page.extracts if claim.id in extract.claims]
    return [("page", page.address), *(("says", text) for text in said)]


def _provenance(recording: Recording) -> str:
    return ", ".join(
        text for text in (recording.id, recording.source, recording.date, f"{recording.confidence} confidence") if text
    )


def _format_article(article: Article) -> str:
    return f"{article.ref} ({article.opinion}): {article.said}"


for _command in (drift, pages):
    app.command()(_command)
