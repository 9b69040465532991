"""`surveyor claims`: what is claimed, what proves it, and whether AWS has rewritten the documents since.

Exit codes: 0 as it should be, 1 drift found or (coverage --strict) a gap, 2 an unknown name or a wrong file.
"""

from __future__ import annotations

from typing import Annotated

import typer

from surveyor.claims import Area, Article, Claim, Claims, Reason, load_claims
from surveyor.claims.coverage import Coverage, cover
from surveyor.claims.proofs import find_proofs
from surveyor.cli._support.tables import print_table
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.messages import nearest

__all__ = ["app"]

app = typer.Typer(help="Documented behaviours, what proves them, and their sources.", no_args_is_help=True)


@app.command("list")
def list_(
    area: Annotated[str, typer.Option(help="Only the claims of this area.")] = "",
    unproven: Annotated[bool, typer.Option("--unproven", help="Only what no test proves.")] = False,
) -> None:
    """Lists the claims with their level and what proves them, or why nothing does."""
    claims, coverage = _read()
    chosen = _area(claims, area).claims if area else tuple(claims.by_id.values())
    rows = [
        (claim.id, claim.level, _standing(claim, coverage.proofs[claim.id]), claim.statement)
        for claim in chosen
        if not (unproven and coverage.proofs[claim.id])
    ]
    print_table(("claim", "level", "proven by", "statement"), rows, title=f"{len(rows)} claims")


@app.command()
def show(claim_id: Annotated[str, typer.Argument(metavar="ID", help="A claim, such as dns.srv.value.")]) -> None:
    """Shows one claim: what it says, where that is documented, how it is checked, and which tests do."""
    claims, coverage = _read()
    claim = claims.by_id.get(claim_id)
    if claim is None:
        raise UsageError(f"no claim {claim_id!r}{nearest(claim_id, claims.by_id) or '; see: surveyor claims list'}")
    rows = [
        ("claim", claim.id),
        ("says", claim.statement),
        ("level", claim.level),
        ("source", claim.source),
        ("needs", ", ".join(("cloudmap", *claim.features))),
        ("operations", ", ".join(claim.operations)),
        ("check", claim.check),
        ("unproven", f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else ""),
        *(("proven by", test) for test in coverage.proofs[claim.id]),
        ("confirmed", claim.confirmed or "never on a real account"),
        *(("article", _told(article)) for article in claims.articles_on(claim.id)),
        ("refs", ", ".join(claim.refs)),
        ("file", claim.place),
    ]
    print_table(("", ""), [(name, value) for name, value in rows if str(value)])


@app.command()
def coverage(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 unless each claim is either proven or says why it is not.")
    ] = False,
) -> None:
    """Counts what is proven, by area and by operation of Cloud Map, and names what neither is nor says why."""
    from surveyor.claims.documents import Documents

    claims, _ = _read()
    found = cover(claims, find_proofs(find_layout().suites), Documents().operations("servicediscovery"))
    columns = ("area", "claims", "proven", "open", *Reason, "tests")
    print_table(
        columns,
        [
            (area.name, area.claims, area.proven, area.open, *(area.reasons.get(reason, 0) for reason in Reason),
             area.tests)
            for area in found.areas
        ],
        title=f"{found.proven} of {found.claims} claims proven",
    )  # fmt: skip
    tested = sum(1 for operation in found.operations if operation.tests)
    print_table(
        ("operation", "claims", "tests"),
        [(operation.name, len(operation.claims), len(operation.tests)) for operation in found.operations],
        title=f"{tested} of {len(found.operations)} operations of Cloud Map tested",
    )
    for claim in found.torn:
        typer.echo(f"{claims.by_id[claim].place}: {claim} is proven by {found.proofs[claim][0]} and says why it is not")
    for claim, tests in found.unknown.items():
        typer.echo(f"{tests[0]}: proves the unknown claim {claim!r}{nearest(claim, claims.by_id)}")
    if strict:
        for claim in found.open:
            typer.echo(f"{claims.by_id[claim].place}: {claim} is neither proven nor says why not")
        if not found.complete:
            raise typer.Exit(1)


@app.command()
def drift(
    accept: Annotated[bool, typer.Option("--accept", help="Write down what the documents say now.")] = False,
) -> None:
    """Compares the botocore models with what they said when the claims were written; exit 1 if they differ."""
    from surveyor.claims import drift as drifting
    from surveyor.claims.documents import Documents

    layout = find_layout()
    if accept and not layout.is_checkout:
        raise UsageError(f"--accept writes to {layout.claims}, which belongs to an installed package: use a checkout")
    folder = layout.claims
    claims, documents = load_claims(folder), Documents()
    sources = drifting.model_sources(claims)
    found = drifting.compare(claims, drifting.read_recorded(folder), documents)
    for kind, paths in (("changed", found.changed), ("vanished", found.vanished), ("new", found.new)):
        for path in paths:
            typer.echo(f"{kind}\t{path}\t{', '.join(sources[path])}")
    for path in found.unused:
        typer.echo(f"unused\t{path}\t")
    since = f"botocore {found.before or 'none'} recorded, {found.now} here"
    if accept:
        drifting.accept(claims, folder, documents)
        typer.echo(f"recorded {len(sources) - len(found.vanished)} sources as botocore {found.now} has them")
        raise typer.Exit(1 if found.vanished else 0)
    if found:
        typer.echo(f"{since}; read these again, then: surveyor claims drift --accept")
        raise typer.Exit(1)
    typer.echo(f"no drift in {len(sources)} sources ({since})")


def _read() -> tuple[Claims, Coverage]:
    layout = find_layout()
    claims = load_claims(layout.claims)
    return claims, cover(claims, find_proofs(layout.suites))


def _area(claims: Claims, name: str) -> Area:
    areas = {area.name: area for area in claims.areas}
    if name not in areas:
        raise UsageError(f"no area {name!r}{nearest(name, areas) or '; areas are ' + ', '.join(areas)}")
    return areas[name]


def _standing(claim: Claim, tests: tuple[str, ...]) -> str:
    if tests:
        return f"{len(tests)} test{'s' if len(tests) > 1 else ''}"
    return f"not: {claim.unproven.reason}" if claim.unproven else "nothing yet"


def _told(article: Article) -> str:
    return f"{article.ref} ({article.opinion}): {article.said}"
