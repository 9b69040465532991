"""Pages of guides behind claims: for each the sentence that a claim rests on, and where and when it was read.

claims/pages.toml holds them. An extract has at most 25 words of the page, and its hash: words are not edited without
reading the page again, and `surveyor claims drift --pages DIR --accept` renews both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from surveyor.claims.loading import PAGES
from surveyor.claims.model import Claims, FileLocation, SourceKind
from surveyor.claims.page_text import compact
from surveyor.errors import UsageError
from surveyor.output_files import write_text
from surveyor.typed_toml import TypedEntry, read_entries
from surveyor.visible_text import toml_string

__all__ = [
    "LONGEST",
    "NOT_VERIFIED",
    "Extract",
    "GuidePage",
    "claims_by_page",
    "digest",
    "load_pages",
    "unused_extracts",
    "write_pages",
]

LONGEST = 25
"""The number of words that an extract may have."""
NOT_VERIFIED = "not verified"
_TITLE = "Pages of guides behind claims"
_HEAD = f"""\
# The sentences that claims rest on (at most {LONGEST} words each), and where they were read. `surveyor claims drift
# --accept` adds pages without an extract and takes out those without a claim; with `--pages DIR` it renews extracts.
"""
_ROOTS = {
    "AWS App Mesh User Guide": "https://docs.aws.amazon.com/app-mesh/latest/userguide/",
    "AWS Cloud Map Developer Guide": "https://docs.aws.amazon.com/cloud-map/latest/dg/",
    "AWS Managed Policy Reference": "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/",
    "AWS PrivateLink Guide": "https://docs.aws.amazon.com/vpc/latest/privatelink/",
    "AWS RAM User Guide": "https://docs.aws.amazon.com/ram/latest/userguide/",
    "Amazon ECS Developer Guide": "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/",
    "Amazon Route 53 Developer Guide": "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/",
    "Amazon VPC User Guide": "https://docs.aws.amazon.com/vpc/latest/userguide/",
    "IAM User Guide": "https://docs.aws.amazon.com/IAM/latest/UserGuide/",
    "Service Authorization Reference": "https://docs.aws.amazon.com/service-authorization/latest/reference/",
}


class Extract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of a page, exactly as they are there, and the claims that rest on them."""

    claims: tuple[str, ...]
    text: str
    sha256: str


class GuidePage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a guide, or a section of a standard, that claims name as their source.

    `title`: its first heading, "" if unknown. `read`: the day on which its extracts were read. `copy`: where they were
    read, if not at the address. `note`: why it has no extract; begins with "not verified".
    """

    source: str
    address: str
    title: str = ""
    read: date | None = None
    copy: str = ""
    note: str = ""
    extracts: tuple[Extract, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """Return the parts of the address, host first, without the extension of the last."""
        *folders, name = self.address.partition("://")[2].rstrip("/").split("/")
        return (*folders, Path(name).stem)


def digest(text: str) -> str:
    """Return the SHA-256, in hex, of the words of an extract, whatever its white space and typography."""
    return hashlib.sha256(compact(text).encode()).hexdigest()


def claims_by_page(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Return every guide that a claim names as its source, with the ids of those claims, sorted."""
    ids: dict[str, list[str]] = {}
    for claim in claims.by_id.values():
        if claim.source.kind is SourceKind.GUIDE:
            ids.setdefault(claim.source.text, []).append(claim.id)
    return {source: tuple(ids[source]) for source in sorted(ids)}


def load_pages(folder: Path) -> tuple[GuidePage, ...]:
    """Return the pages of pages.toml in `folder`; empty if there is no file.

    Raise UsageError with file and line for a file that has not this form, and an extract that is too long or was edited
    without its hash.
    """
    path = folder / PAGES
    if not path.is_file():
        return ()
    entries = read_entries(path, "page", GuidePage).entries
    seen: dict[str, FileLocation] = {}
    for entry in entries:
        if first := seen.get(entry.value.source):
            raise UsageError(f"{entry.location('source')}: {entry.value.source!r} is a second time, first at {first}")
        seen[entry.value.source] = entry.location()
        _check(entry)
    return tuple(entry.value for entry in entries)


def _check(entry: TypedEntry[GuidePage]) -> None:
    page = entry.value

    def refuse(key: str, message: str) -> None:
        raise UsageError(f"{entry.location(key)}: {page.source!r} {message}")

    if not page.address.startswith("https://"):
        refuse("address", f"has the address {page.address!r}; expected https://…")
    if bool(page.extracts) == page.note.startswith(NOT_VERIFIED):
        refuse("note", f"needs either extracts, or a note that begins with {NOT_VERIFIED!r}")
    if page.extracts and not page.read:
        refuse("read", "needs the day on which its extracts were read")
    for extract in page.extracts:
        if not extract.claims:
            refuse("extracts", f"has an extract without claims: {extract.text!r}")
        if (words := len(extract.text.split())) > LONGEST or not words:
            refuse("extracts", f"has an extract of {words} words; expected 1 to {LONGEST}")
        if digest(extract.text) != extract.sha256:
            refuse(
                "extracts",
                f"has another hash than {extract.text!r}, which is {digest(extract.text)}",
            )


def unused_extracts(pages: Sequence[GuidePage], sources: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return pages with claims that have an extract of them and do not rest on them (any more)."""
    return [
        (page.source, claim)
        for page in pages
        for extract in page.extracts
        for claim in extract.claims
        if claim not in sources.get(page.source, ())
    ]


def write_pages(folder: Path, pages: Sequence[GuidePage], sources: Mapping[str, tuple[str, ...]]) -> None:
    """Write pages.toml: the pages that claims name, with an entry "not verified" for each that has none.

    Extracts keep the claims that rest on the page; those that keep none are left out.
    Raise UsageError if the file cannot be written.
    """
    known = {page.source: _without_unused(page, sources.get(page.source, ())) for page in pages}
    path = folder / PAGES
    if not sources:
        path.unlink(missing_ok=True)
        return
    text = f'{_HEAD}\ntitle = "{_TITLE}"\n' + "".join(_entry(known.get(source) or _new(source)) for source in sources)
    try:
        write_text(path, text)
    except OSError as error:
        raise UsageError(f"{FileLocation(path, 1)}: cannot be written: {error.strerror or error}") from None


def _new(source: str) -> GuidePage:
    """Return an entry without an extract; its address follows from the names of the guide and of the page."""
    guide, _, page = source.partition(", ")
    standard = re.fullmatch(r"RFC (\d+)", guide)
    root = _ROOTS.get(guide, "https://docs.aws.amazon.com/")
    name = page.partition(" ")[0]
    address = f"https://www.rfc-editor.org/rfc/rfc{standard[1]}.txt" if standard else f"{root}{name}.html"
    return GuidePage(source, address, note=f"{NOT_VERIFIED}: read the page, and add its extract")


def _without_unused(page: GuidePage, claims: tuple[str, ...]) -> GuidePage:
    kept = [(tuple(claim for claim in extract.claims if claim in claims), extract) for extract in page.extracts]
    extracts = tuple(Extract(claims, extract.text, extract.sha256) for claims, extract in kept if claims)
    if page.extracts and not extracts:
        return _new(page.source)
    return msgspec.structs.replace(page, extracts=extracts)


def _entry(page: GuidePage) -> str:
    lines = ["", "[[page]]", f"source = {_quote(page.source)}", f"address = {_quote(page.address)}"]
    lines += [f"{key} = {_quote(text)}" for key in ("title", "copy", "note") if (text := getattr(page, key))]
    lines += [f"read = {page.read}"] if page.read else []
    for extract in page.extracts:
        claims = ", ".join(map(_quote, extract.claims))
        lines += ["[[page.extracts]]", f"claims = [{claims}]"]
        lines += [f"text = {_quote(extract.text)}", f"sha256 = {_quote(extract.sha256)}"]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return toml_string(text)
