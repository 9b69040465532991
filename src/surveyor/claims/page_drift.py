"""Compare saved pages with the extracts that claims rest on, and find what the pages say now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from surveyor.claims.page_text import EXTENSIONS, PageError, PageText, compact, cut, read_page, similarity
from surveyor.claims.pages import LONGEST, Extract, GuidePage, digest
from surveyor.errors import UsageError

__all__ = ["ChangedExtract", "PageDrift", "compare_pages", "renew"]

_SAME = 0.75
"""Share of equal words from which a changed sentence shows that a page is the expected one under another title."""
_ERROR_TITLE = re.compile(
    r"\b(4\d\d|5\d\d|error|not found|denied|forbidden|unavailable|sign in|timeout|timed out|too many requests)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ChangedExtract:
    """An extract that a page does not have any more, and the sentence that is most like it now ("" if none is)."""

    page: GuidePage
    extract: Extract
    nearest: str


@dataclass(frozen=True)
class PageDrift:
    """The result of `compare_pages`."""

    unchanged: tuple[GuidePage, ...]
    """Pages with all their extracts."""
    changed: tuple[ChangedExtract, ...]
    wrong: tuple[str, ...]
    """A line for each saved file that is not the page that its name says."""
    missing: tuple[GuidePage, ...]
    """Pages that are not in the folder, or only as a wrong file."""
    without_extract: tuple[GuidePage, ...]
    """Saved pages that cannot be compared, as nothing of them was verified."""
    unknown: tuple[Path, ...]
    """Saved files that are no page of a claim."""


def compare_pages(pages: Sequence[GuidePage], folder: Path) -> PageDrift:
    """Compare each saved page in `folder` with its extracts.

    A file belongs to the page whose address ends with its path, without the extension: `service-discovery.md`, or,
    where two pages have one name, `AmazonECS/latest/developerguide/service-discovery.html`.
    Raise UsageError if there is no such folder, or no file in it is a page of a claim.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of saved pages at {folder}")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in EXTENSIONS)
    unchanged: list[GuidePage] = []
    changed: list[ChangedExtract] = []
    without: list[GuidePage] = []
    wrong: list[str] = []
    unknown: list[Path] = []
    seen: set[str] = set()
    for file in files:
        found = _pages_of(file.relative_to(folder), pages)
        if not found:
            unknown.append(file)
        if len({page.address for page in found}) > 1:
            wrong.append(f"{file}: may be {' or '.join(page.address for page in found)}: save it below its folder")
            continue
        try:
            text = read_page(file)
            for page in found:
                _refuse_other_page(page, text)
        except PageError as error:
            wrong += [f"{file}: {error}; expected {found[0].address}"] if found else []
            continue
        for page in found:
            seen.add(page.source)
            differences = _differences(page, text)
            changed += differences
            if not differences:
                (unchanged if page.extracts else without).append(page)
    if len(unknown) == len(files):
        raise UsageError(
            f"{folder} has no page of a claim: `surveyor claims pages` lists their addresses; "
            f"files have the name of the page and end in {', '.join(EXTENSIONS)}"
        )
    missing = tuple(page for page in pages if page.source not in seen)
    return PageDrift(tuple(unchanged), tuple(changed), tuple(wrong), missing, tuple(without), tuple(unknown))


def renew(pages: Sequence[GuidePage], drift: PageDrift, today: date) -> tuple[GuidePage, ...]:
    """Return the pages with the extracts that their saved copies have now.

    An extract without a similar sentence stays as it is, so it remains a drift until its claim rests on another.
    """
    nearest = {(found.page.source, found.extract.text): found.nearest for found in drift.changed}
    compared = {page.source for page in (*drift.unchanged, *(found.page for found in drift.changed))}
    return tuple(_renewed(page, nearest, today) if page.source in compared else page for page in pages)


def _renewed(page: GuidePage, nearest: dict[tuple[str, str], str], today: date) -> GuidePage:
    extracts = []
    for extract in page.extracts:
        sentence = nearest.get((page.source, extract.text), "")
        text = cut(sentence, extract.text, LONGEST) if sentence else extract.text
        extracts.append(Extract(extract.claims, text, digest(text)))
    lost = any(not sentence for (source, _), sentence in nearest.items() if source == page.source)
    read = page.read if lost else today
    return GuidePage(page.source, page.address, page.title, read, "" if not lost else page.copy, "", tuple(extracts))


def _pages_of(file: Path, pages: Sequence[GuidePage]) -> list[GuidePage]:
    """Return the pages whose address shares the longest end with the path of a file; empty if not even the name."""
    parts = (*file.parts[:-1], file.stem)
    shared = [(_common_end(parts, page.path), page) for page in pages]
    longest = max((length for length, _ in shared), default=0)
    return [page for length, page in shared if length == longest] if longest else []


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        length += 1
    return length


def _refuse_other_page(page: GuidePage, text: PageText) -> None:
    """Raise PageError if a text has nothing of the page and another title, or the title of an error."""
    if any(text.contains(extract.text) for extract in page.extracts):
        return
    if page.title and compact(page.title) in compact(text.title):
        return
    if any(similarity(extract.text, text.nearest(extract.text)) >= _SAME for extract in page.extracts):
        return
    if _ERROR_TITLE.search(text.title):
        raise PageError(f"is an error page, {text.title!r}")
    if page.title and text.title:
        raise PageError(f"is another page, {text.title!r}")
    if page.extracts and not any(text.nearest(extract.text) for extract in page.extracts):
        raise PageError("is another page: it has no sentence like those that claims rest on")


def _differences(page: GuidePage, text: PageText) -> list[ChangedExtract]:
    return [
        ChangedExtract(page, extract, text.nearest(extract.text))
        for extract in page.extracts
        if not text.contains(extract.text)
    ]
