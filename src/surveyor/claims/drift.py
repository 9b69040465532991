"""Says which documents AWS has rewritten since the claims that rest on them were read.

claims/fingerprints.toml keeps the fingerprint of every member that a claim names as its source, and the botocore
version that it was read in. A difference is no verdict: someone reads the member again, and then accepts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor.claims.documents import VERSION, Documents
from surveyor.claims.loading import FINGERPRINTS
from surveyor.claims.model import Claims, ClaimsError, Place, SourceKind

__all__ = ["Drift", "Recorded", "accept", "compare", "model_sources", "read_recorded"]

_HEAD = "# Written by `surveyor claims drift --accept`: what the sources of the claims said when they were last read."


@dataclass(frozen=True)
class Recorded:
    """The content of fingerprints.toml: version and fingerprint by source path; both empty if there is no file."""

    botocore: str
    fingerprints: Mapping[str, str]


@dataclass(frozen=True)
class Drift:
    """How the models of today differ from those that were recorded; paths in order."""

    before: str
    """The botocore version that was recorded, "" if none was."""
    now: str
    changed: tuple[str, ...]
    """Says something else now: read it again and see whether its claims still hold."""
    vanished: tuple[str, ...]
    """Named by a claim and not in the models: the claim needs another source."""
    new: tuple[str, ...]
    """Named by a claim and not recorded yet."""
    unused: tuple[str, ...]
    """Recorded and no longer named by any claim."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.vanished or self.new or self.unused)


def model_sources(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Every botocore path that a claim names as its source, with the ids of those claims, in order of the paths."""
    found: dict[str, list[str]] = {}
    for claim in claims.by_id.values():
        if claim.source.kind is SourceKind.MODEL:
            found.setdefault(claim.source.text, []).append(claim.id)
    return {path: tuple(found[path]) for path in sorted(found)}


def read_recorded(folder: Path) -> Recorded:
    """What fingerprints.toml in `folder` holds. Raises ClaimsError if it is not what `accept` writes."""
    path = folder / FINGERPRINTS
    if not path.is_file():
        return Recorded("", {})
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise ClaimsError(f"{Place(path, 1)}: cannot be read: {broken}") from None
    version, prints = table.get("botocore"), table.get("fingerprints")
    if not isinstance(version, str) or not isinstance(prints, dict) or set(table) != {"botocore", "fingerprints"}:
        raise ClaimsError(
            f"{Place(path, 1)}: expected botocore and [fingerprints]; `claims drift --accept` writes both"
        )
    if wrong := [name for name, value in prints.items() if not isinstance(value, str)]:
        raise ClaimsError(f"{Place(path, 1)}: the fingerprint of {wrong[0]!r} must be text")
    return Recorded(version, prints)


def compare(claims: Claims, recorded: Recorded, documents: Documents) -> Drift:
    """How the sources of `claims` differ between what was recorded and what `documents` say."""
    today = {path: documents.fingerprint(path) for path in model_sources(claims)}
    there = {path: print_ for path, print_ in today.items() if print_ is not None}
    then = recorded.fingerprints
    return Drift(
        before=recorded.botocore,
        now=VERSION,
        changed=tuple(path for path, print_ in there.items() if path in then and then[path] != print_),
        vanished=tuple(path for path in today if path not in there),
        new=tuple(path for path in there if path not in then),
        unused=tuple(sorted(path for path in then if path not in today)),
    )


def accept(claims: Claims, folder: Path, documents: Documents) -> Recorded:
    """Rewrites fingerprints.toml in `folder` with what the sources say now, and returns it.

    A source that is not in the models is left out, so it stays a drift until its claim names another.
    Raises ClaimsError if the file cannot be written.
    """
    today = {path: documents.fingerprint(path) for path in model_sources(claims)}
    recorded = Recorded(VERSION, {path: print_ for path, print_ in today.items() if print_ is not None})
    lines = [_HEAD, "", f'botocore = "{recorded.botocore}"', "", "[fingerprints]"]
    lines += [f'"{path}" = "{print_}"' for path, print_ in recorded.fingerprints.items()]
    path = folder / FINGERPRINTS
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as broken:
        raise ClaimsError(f"{Place(path, 1)}: cannot be written: {broken.strerror or broken}") from None
    return recorded
