"""`surveyor claims drift` and `surveyor claims pages`: the documents behind the claims, and what changed in them.

Exit codes: 0 no drift, 1 drift, 2 an invalid file, or a saved page that is not the page (and no drift).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.claims import Claims, load_claims
from surveyor.cli._support.tables import print_table
from surveyor.errors import UsageError
from surveyor.layout import Layout, find_layout
from surveyor.terminal import print_error

if TYPE_CHECKING:
    from surveyor.claims.documents import Documents
    from surveyor.claims.drift import Drift
    from surveyor.claims.page_drift import PageDrift
    from surveyor.claims.pages import GuidePage

__all__ = ["drift", "pages"]


def drift(
    accept: Annotated[
        bool, typer.Option("--accept", help="Record what the documents, and the saved pages, say now.")
    ] = False,
    pages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare guide pages saved in this folder (.md, .html or .txt) as well."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare with the unpacked botocore in this folder, not the installed one."),
    ] = None,
) -> None:
    """Compare the documents with what they said when the claims were written; exit 1 if they differ.

    Reported are changed sources of claims, and operations, members and values that no claim or reason explains.
    """
    layout = find_layout()
    if accept and against:
        raise UsageError("--accept records the installed botocore; leave out --against")
    if accept and not layout.is_checkout:
        raise UsageError(
            f"--accept writes to {layout.claims}, which belongs to an installed package; use it in a checkout"
        )
    from surveyor.claims.documents import Documents

    claims = load_claims(layout.claims)
    models = _compare_models(claims, layout, Documents(folder=against), accept=accept)
    api = _compare_apis(claims, layout, against)
    guides = _compare_guides(claims, layout, pages, accept=accept)
    for line in (*models.lines, *api.lines, *guides.lines):
        typer.echo(line)
    for line in guides.errors:
        print_error(line)
    typer.echo(f"{models.summary}; {api.summary}; {guides.summary}")
    if advice := [result.advice for result in (models, api, guides) if result.advice]:
        typer.echo("\n".join(advice))
        raise typer.Exit(1)
    if guides.errors:
        raise typer.Exit(2)


def pages() -> None:
    """List the guide pages behind claims: address, page, its extracts, and when they were read."""
    from surveyor.claims.pages import load_pages

    entries = load_pages(find_layout().claims)
    rows = [(page.address, page.source, len(page.extracts), page.read or page.note) for page in entries]
    print_table(("address", "page", "extracts", "read"), rows, title=f"{len(rows)} pages")


@dataclass(frozen=True)
class _Result:
    """Lines to print, and what to do if any of them is a drift. `errors` are inputs that could not be judged."""

    lines: tuple[str, ...]
    summary: str
    advice: str
    errors: tuple[str, ...] = ()


def _compare_models(claims: Claims, layout: Layout, documents: Documents, *, accept: bool) -> _Result:
    """Compare the members that claims name as their sources."""
    from surveyor.claims.drift import accept_drift, compare, model_sources, read_recorded
    from surveyor.claims.references import check_sources

    sources, recorded = model_sources(claims), read_recorded(layout.claims)
    check_sources(claims.by_id.values(), documents, recorded.fingerprints)
    found: Drift = compare(claims, recorded, documents)
    kinds = (("changed", found.changed), ("vanished", found.vanished), ("new", found.new), ("unused", found.unused))
    lines = tuple(f"{kind}\t{path}\t{', '.join(sources.get(path, ()))}" for kind, paths in kinds for path in paths)
    if accept:
        accept_drift(claims, layout.claims, documents)
        count = len(sources) - len(found.vanished)
        return _Result(lines, f"recorded {count} sources from botocore {found.now}", _models_advice(found, accept=True))
    versions = f"botocore {found.before or 'none'} recorded, {found.now} compared"
    return _Result(lines, f"{len(lines)} of {len(sources)} sources drifted ({versions})", _models_advice(found))


def _models_advice(found: Drift, *, accept: bool = False) -> str:
    """Return what to do about a drift; "" if there is none, or if it was accepted."""
    if found.vanished:
        return "the claims of what vanished need another source; then run: surveyor claims drift --accept"
    return "read these sources again, then run: surveyor claims drift --accept" if found and not accept else ""


def _compare_apis(claims: Claims, layout: Layout, against: Path | None) -> _Result:
    """Explain what the watched part of the APIs has; with `against` also list what is new and what is gone there."""
    from surveyor.claims.documents import Documents
    from surveyor.claims.surface import explain, read_knowledge

    knowledge = read_knowledge(claims, layout.claims, layout.suites)
    installed = surface = explain(Documents(), knowledge)
    lines = []
    if against:
        documents = Documents(folder=against)
        new = explain(documents, knowledge).paths - installed.paths
        surface = explain(documents, knowledge, new)
        lines += [f"new\t{path}\t{_reason(path, surface.reasons)}" for path in sorted(new - surface.unexplained)]
        lines += [f"gone\t{path}\t" for path in sorted(installed.paths - surface.paths)]
    lines += [f"unexplained\t{path}\t" for path in sorted(surface.unexplained)]
    unused = () if against else tuple(knowledge.unused(surface))
    lines += [f"unused\t{pattern}\t" for pattern in unused]
    summary = f"{len(surface.unexplained)} of {len(surface.paths)} operations, members and values unexplained"
    advice = "explain what is unexplained by a claim, or in claims/not-covered.toml"
    return _Result(tuple(lines), summary, advice if surface.unexplained or unused else "")


def _reason(path: str, reasons: dict[str, str]) -> str:
    return f"not covered: {reasons[path]}" if path in reasons else "the source of a claim"


def _compare_guides(claims: Claims, layout: Layout, folder: Path | None, *, accept: bool) -> _Result:
    """Check that each guide has an entry in pages.toml, and compare the saved pages in `folder`."""
    from surveyor.claims.page_drift import compare_pages, renew
    from surveyor.claims.pages import claims_by_page, load_pages, unused_extracts, write_pages

    sources = claims_by_page(claims)
    entries = load_pages(layout.claims)
    listed = {page.source for page in entries}
    found = compare_pages([page for page in entries if page.source in sources], folder) if folder else None
    lines = [f"new\tguide: {source}\t{', '.join(sources[source])}" for source in sources if source not in listed]
    lines += [f"unused\tguide: {source}\t{claim}" for source, claim in unused_extracts(entries, sources)]
    lines += [f"unused\tguide: {source}\t" for source in sorted(listed - sources.keys())]
    is_drift = bool(lines)
    lines += _guide_lines(found) if found else []
    errors = found.wrong if found else ()
    summary = _guide_summary(entries, sources, found)
    is_drift |= bool(found and found.changed)
    if accept:
        write_pages(layout.claims, renew(entries, found, datetime.now(UTC).date()) if found else entries, sources)
        is_drift = found is not None and any(not changed.nearest for changed in found.changed)
    advice = "read these pages again, then run: surveyor claims drift --pages DIR --accept"
    return _Result(tuple(lines), summary, advice if is_drift else "", errors)


def _guide_lines(found: PageDrift) -> Iterator[str]:
    for changed in found.changed:
        yield f"changed\tguide: {changed.page.source}\t{', '.join(changed.extract.claims)}"
        yield f"\twas\t{changed.extract.text}"
        yield f"\tnow\t{changed.nearest or '(no similar sentence)'}"
    for kind, pages in (("ok", found.unchanged), ("no extract", found.without_extract), ("missing", found.missing)):
        for page in pages:
            yield f"{kind}\tguide: {page.source}\t{page.address}"
    for path in found.unknown:
        yield f"not compared\t{path}\tno page of a claim has this name"


def _guide_summary(entries: tuple[GuidePage, ...], sources: dict[str, tuple[str, ...]], found: PageDrift | None) -> str:
    verified = {claim for page in entries for extract in page.extracts for claim in extract.claims}
    known = sum(map(len, sources.values()))
    summary = f"{len(sources)} guide pages with extracts for {len(verified)} of {known} claims"
    if found is None:
        return summary
    changed = len({extract.page.source for extract in found.changed})
    return (
        f"{summary}: {len(found.unchanged)} unchanged, {changed} changed, {len(found.wrong)} not the page, "
        f"{len(found.without_extract)} without an extract, {len(found.missing)} missing"
    )
