"""Find the documents that AWS has changed since the claims that rest on them were written.

claims/fingerprints.toml holds the fingerprint of every member that a claim names as its source, and the botocore
version in which it was read. A difference is not a verdict: a person reads the member again and then accepts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor.claims.documents import Documents
from surveyor.claims.loading import FINGERPRINTS
from surveyor.claims.model import Claims, FileLocation, SourceKind
from surveyor.errors import UsageError
from surveyor.input_files import read_text
from surveyor.output_files import write_text
from surveyor.typed_toml import parse_toml

__all__ = ["Drift", "RecordedFingerprints", "accept_drift", "compare", "model_sources", "read_recorded"]

_HEAD = "# Written by `surveyor claims drift --accept`: what the sources of the claims said when they were last read."


@dataclass(frozen=True)
class RecordedFingerprints:
    """The content of fingerprints.toml: version, and fingerprint by source path; both empty if there is no file."""

    botocore: str
    fingerprints: Mapping[str, str]


@dataclass(frozen=True)
class Drift:
    """The differences between the recorded models and those of today; paths in order."""

    before: str
    """The recorded botocore version, "" if there is none."""
    now: str
    changed: tuple[str, ...]
    """Sources with another text now: read them again and see whether their claims still hold."""
    vanished: tuple[str, ...]
    """Sources that a claim names and the models lack: the claim needs another source."""
    new: tuple[str, ...]
    """Sources that a claim names and that are not recorded yet."""
    unused: tuple[str, ...]
    """Recorded sources that no claim names any more."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.vanished or self.new or self.unused)


def model_sources(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Return every botocore path that a claim names as its source, with the ids of those claims, sorted by path."""
    ids_by_path: dict[str, list[str]] = {}
    for claim in claims.by_id.values():
        if claim.source.kind is SourceKind.MODEL:
            ids_by_path.setdefault(claim.source.text, []).append(claim.id)
    return {path: tuple(ids_by_path[path]) for path in sorted(ids_by_path)}


def read_recorded(folder: Path) -> RecordedFingerprints:
    """Return the content of fingerprints.toml in `folder`.

    Raise UsageError if the file does not have the form that `accept_drift` writes.
    """
    path = folder / FINGERPRINTS
    if not path.exists():
        return RecordedFingerprints("", {})
    table = parse_toml(path, read_text(path))
    version, fingerprints = table.get("botocore"), table.get("fingerprints")
    if not isinstance(version, str) or not isinstance(fingerprints, dict) or set(table) != {"botocore", "fingerprints"}:
        raise UsageError(
            f"{FileLocation(path, 1)}: expected botocore and [fingerprints]; `claims drift --accept` writes both"
        )
    if invalid := [name for name, value in fingerprints.items() if not isinstance(value, str)]:
        raise UsageError(f"{FileLocation(path, 1)}: the fingerprint of {invalid[0]!r} must be text")
    return RecordedFingerprints(version, fingerprints)


def compare(claims: Claims, recorded: RecordedFingerprints, documents: Documents) -> Drift:
    """Return the differences between the recorded sources of `claims` and what `documents` say."""
    today = {path: documents.fingerprint(path) for path in model_sources(claims)}
    present = {path: current for path, current in today.items() if current is not None}
    known = recorded.fingerprints
    return Drift(
        before=recorded.botocore,
        now=documents.version,
        changed=tuple(path for path, current in present.items() if path in known and known[path] != current),
        vanished=tuple(path for path in today if path not in present),
        new=tuple(path for path in present if path not in known),
        unused=tuple(sorted(path for path in known if path not in today)),
    )


def accept_drift(claims: Claims, folder: Path, documents: Documents) -> RecordedFingerprints:
    """Write what the sources say now to fingerprints.toml in `folder`, and return it.

    A source that the models lack is left out, so it remains a drift until its claim names another.
    Raise UsageError if the file cannot be written.
    """
    today = {path: documents.fingerprint(path) for path in model_sources(claims)}
    present = {path: current for path, current in today.items() if current is not None}
    recorded = RecordedFingerprints(documents.version, present)
    lines = [_HEAD, "", f'botocore = "{recorded.botocore}"', "", "[fingerprints]"]
    lines += [f'"{path}" = "{current}"' for path, current in recorded.fingerprints.items()]
    path = folder / FINGERPRINTS
    try:
        write_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise UsageError(f"{FileLocation(path, 1)}: cannot be written: {error.strerror or error}") from None
    return recorded
