"""Drift lists the documents that have changed since their claims were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveyor.claims import Claim, Claims, Level, Source
from surveyor.claims.documents import VERSION, Documents
from surveyor.claims.drift import RecordedFingerprints, accept_drift, compare, read_recorded
from surveyor.claims.model import Area, FileLocation, SourceKind

PLACE = FileLocation(Path("claims/x.toml"), 1)


def claims(*paths: str) -> Claims:
    """Return one claim for each path of the models."""
    entries = tuple(
        Claim(f"x.c{number}", "Says.", Level.MUST, Source(SourceKind.MODEL, path), PLACE, check="Look.")
        for number, path in enumerate(paths)
    )
    return Claims((Area("x", "X", entries),))


def documents(**shapes: str) -> Documents:
    """Return the documents of a service `s` with string shapes that have the given documentation."""
    models: dict[str, Any] = {name: {"type": "string", "documentation": text} for name, text in shapes.items()}
    return Documents({"s": {"metadata": {}, "operations": {}, "shapes": models}})


def test_an_altered_model_drifts(tmp_path: Path) -> None:
    """Changed, vanished, new and unused sources are listed separately; an unchanged source is not listed."""
    accept_drift(claims("s/Same", "s/Other", "s/Gone", "s/Dropped"), tmp_path,
           documents(Same="a", Other="b", Gone="c", Dropped="d"))  # fmt: skip
    drift = compare(claims("s/Same", "s/Other", "s/Gone", "s/New"), read_recorded(tmp_path),
                    documents(Same="<p>a</p>", Other="B", New="e"))  # fmt: skip
    assert (drift.changed, drift.vanished, drift.new, drift.unused) == (
        ("s/Other",),
        ("s/Gone",),
        ("s/New",),
        ("s/Dropped",),
    )
    assert (drift.before, drift.now, bool(drift)) == (VERSION, VERSION, True)


def test_accepting_ends_the_drift(tmp_path: Path) -> None:
    """Accepted fingerprints are read back as written; a vanished source is a drift until its claim names another."""
    known, now = claims("s/One", "s/Gone"), documents(One="a")
    written = accept_drift(known, tmp_path, now)
    assert read_recorded(tmp_path) == written
    assert compare(known, written, now).vanished == ("s/Gone",)
    assert not compare(claims("s/One"), written, now)


def test_without_a_file_everything_is_new(tmp_path: Path) -> None:
    """Without a file every source is reported as new."""
    recorded = read_recorded(tmp_path)
    assert recorded == RecordedFingerprints("", {})
    assert compare(claims("s/One"), recorded, documents(One="a")).new == ("s/One",)


@pytest.mark.parametrize("text", ["botocore = 1", "[fingerprints]", "x", 'botocore = "1"\n[fingerprints]\n"s/A" = 1\n'])
def test_a_file_that_accept_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    """The error is one line with the name of the file."""
    (tmp_path / "fingerprints.toml").write_text(text)
    with pytest.raises(match=r"fingerprints\.toml:1: "):
        read_recorded(tmp_path)
