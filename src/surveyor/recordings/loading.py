"""Read the files of recordings strictly; the first error is reported with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.recordings.model import Recording, RecordingArea, Recordings, Relation
from surveyor.toml_lines import FileLocation
from surveyor.typed_toml import TypedEntry, read_entries

__all__ = ["load_recordings"]

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def load_recordings(folder: Path, claims: Collection[str]) -> Recordings:
    """Return all recordings of `folder`: one `<area>.toml` per area, or none. `claims`: the ids of all claims.

    Raise UsageError at the first error; its message is one line that begins with file and line.
    """
    areas = []
    locations: dict[str, FileLocation] = {}
    for path in sorted(folder.glob("*.toml")):
        file = read_entries(path, "recording", Recording)
        for entry in file.entries:
            _check(entry, claims)
            if first := locations.get(entry.value.id):
                raise UsageError(f"{entry.location('id')}: duplicate recording {entry.value.id!r}, first at {first}")
            locations[entry.value.id] = entry.location()
        areas.append(RecordingArea(path.stem, file.title, tuple(entry.value for entry in file.entries)))
    return Recordings(tuple(areas), locations)


def _check(entry: TypedEntry[Recording], claims: Collection[str]) -> None:
    """Raise UsageError for what the types of the members do not say."""
    recording = entry.value

    def refuse(key: str, message: str) -> None:
        raise UsageError(f"{entry.location(key)}: recording {recording.id!r} {message}")

    for claim in recording.claims:
        if claim not in claims:
            refuse("claims", f"names the unknown claim {claim!r}{nearest(claim, claims)}")
    if bool(recording.claims) == (recording.relation is Relation.NONE):
        refuse("relation", "needs claims and a relation to them, or neither (relation = 'none')")
    if not _REPOSITORY.fullmatch(recording.repository):
        refuse("repository", f"has the repository {recording.repository!r}; expected owner/name")
    if bool(recording.replay) == bool(recording.not_replayed):
        refuse("not_replayed", "needs either replay or not_replayed")
    if recording.replay and bool(recording.request) == bool(recording.observation):
        refuse("request", "needs either a request or an observation to be replayed")
    if recording.date and not _is_date(recording.date):
        refuse("date", f"has the date {recording.date!r}; expected 2024, 2024-07, 2024-07-31 or a range 2022/2024-07")


def _is_date(text: str) -> bool:
    """Return whether a text is a year, a month or a day, or two of them in order."""
    ends = text.split("/")
    if len(ends) > 2 or not all(map(_DATE.fullmatch, ends)) or ends != sorted(ends):
        return False
    try:
        for end in ends:
            date.fromisoformat(f"{end}-01-01"[:10] if len(end) < 10 else end)
    except ValueError:
        return False
    return True
