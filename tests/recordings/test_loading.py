"""Recordings are read strictly: an error names file, line and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.recordings import Confidence, Provenance, Recordings, Relation, load_recordings

CLAIMS = ("dns.one", "dns.two")
VALID = """\
title = "DNS"

[[recording]]
id = "a-fact"
fact = "It answers."
claims = ["dns.one"]
relation = "confirms"
provenance = "recorded"
repository = "owner/name"
path = "data.json"
date = "2024-07"
confidence = "high"
replay = { situation = "nothing" }
[recording.request]
service = "sts"
operation = "GetCallerIdentity"
[recording.answer]
present = ["Arn"]
"""


def load(folder: Path, text: str) -> Recordings:
    """Load one file of recordings with this text."""
    (folder / "recordings").mkdir()
    (folder / "recordings" / "dns.toml").write_text(text, encoding="utf-8")
    return load_recordings(folder / "recordings", CLAIMS)


def test_those_of_the_project_load() -> None:
    """All files load, and the recordings of a claim are found by its id."""
    layout = find_layout()
    recordings = load_recordings(layout.recordings, load_claims(layout.claims).by_id)
    found, *_ = recordings.by_claim["iam.session-policies-only-narrow"]
    assert found.id == "sts-no-packed-size"
    assert (found.provenance, found.confidence, found.relation) == (
        Provenance.RECORDED,
        Confidence.HIGH,
        Relation.BOUNDS,
    )
    assert recordings.by_id["sts-no-packed-size"] is found
    assert str(recordings.locations[found.id]).startswith("recordings/iam-sts.toml:")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('date = "2024-07"', 'dated = "2024-07"', 11, "'dated'; did you mean 'date'?"),
        ('present = ["Arn"]', 'presents = ["Arn"]', 18, "'presents'; did you mean 'present'?"),
        ('operation = "GetCallerIdentity"', 'opertion = "x"', 16, "'opertion'"),
        ('claims = ["dns.one"]', 'claims = ["dns.on"]', 6, "unknown claim 'dns.on'; did you mean 'dns.one'?"),
        ('"2024-07"', '"2024-13"', 11, "has the date '2024-13'; expected 2024, 2024-07"),
        ('"2024-07"', '"2024/2022"', 11, "has the date '2024/2022'"),
        ('"2024-07"', '"2024-02-30"', 11, "has the date '2024-02-30'"),
        ('"2024-07"', '"yesterday"', 11, "has the date 'yesterday'"),
        ('"high"', '"sure"', 12, "sure"),
        ('"confirms"', '"none"', 7, "needs claims and a relation to them, or neither"),
        ('"owner/name"', '"owner"', 9, "expected owner/name"),
        ('replay = { situation = "nothing" }\n', "", 3, "needs either replay or not_replayed"),
        ('fact = "It answers."\n', "", 3, "fact"),
        ('fact = "It answers."', "fact = 3", 5, "fact: expected text, got a whole number (3)"),
        ('fact = "It answers."', 'fact = "', 5, "not valid TOML"),
        ('title = "DNS"', 'tittle = "DNS"', 1, "unknown key 'tittle'"),
    ],
)
def test_an_error_names_the_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    """Each kind of mistake is refused in one line."""
    assert old in VALID
    with pytest.raises(UsageError) as error:
        load(tmp_path, VALID.replace(old, new))
    message = str(error.value)
    assert message.startswith(f"recordings/dns.toml:{line}: ")
    assert words in message
    assert "\n" not in message


def test_a_folder_without_files(tmp_path: Path) -> None:
    """A project may have no recordings."""
    assert load_recordings(tmp_path / "none", CLAIMS).by_id == {}


def test_an_id_occurs_once(tmp_path: Path) -> None:
    """A second recording of one id is refused, with the place of the first."""
    with pytest.raises(UsageError, match=r"dns\.toml:21: duplicate recording 'a-fact', first at .*:3"):
        load(tmp_path, VALID + VALID.partition("\n")[2])


@pytest.mark.parametrize("date", ["2024", "2024-07", "2024-07-31", "2022-11/2024-07", "2019/2019-02"])
def test_forms_of_dates(tmp_path: Path, date: str) -> None:
    """Years, months, days and ranges are dates."""
    loaded = load(tmp_path, VALID.replace("2024-07", date))
    assert [recording.date for recording in loaded.by_id.values()] == [date]
