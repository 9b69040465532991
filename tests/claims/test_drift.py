"""Drift: which documents say something else than when their claims were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveyor.claims import Claim, Claims, ClaimsError, Level, Source
from surveyor.claims.documents import VERSION, Documents
from surveyor.claims.drift import Recorded, accept, compare, read_recorded
from surveyor.claims.model import Area, Place, SourceKind

PLACE = Place(Path("claims/x.toml"), 1)


def claims(*paths: str) -> Claims:
    """One claim for each path of the models."""
    made = tuple(
        Claim(f"x.c{number}", "Says.", Level.MUST, Source(SourceKind.MODEL, path), PLACE, check="Look.")
        for number, path in enumerate(paths)
    )
    return Claims((Area("x", "X", made),))


def documents(**shapes: str) -> Documents:
    """A service `s` with string shapes of the given documentation."""
    told: dict[str, Any] = {name: {"type": "string", "documentation": text} for name, text in shapes.items()}
    return Documents({"s": {"metadata": {}, "operations": {}, "shapes": told}})


def test_an_altered_model_drifts(tmp_path: Path) -> None:
    """Changed, vanished, new and unused sources are told apart, and what says the same is not mentioned."""
    accept(claims("s/Same", "s/Other", "s/Gone", "s/Dropped"), tmp_path,
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
    """What is accepted is read back as written; a source that vanished stays a drift until its claim names another."""
    book, now = claims("s/One", "s/Gone"), documents(One="a")
    written = accept(book, tmp_path, now)
    assert read_recorded(tmp_path) == written
    assert compare(book, written, now).vanished == ("s/Gone",)
    assert not compare(claims("s/One"), written, now)


def test_without_a_file_everything_is_new(tmp_path: Path) -> None:
    """A missing file is no agreement."""
    recorded = read_recorded(tmp_path)
    assert recorded == Recorded("", {})
    assert compare(claims("s/One"), recorded, documents(One="a")).new == ("s/One",)


@pytest.mark.parametrize("text", ["botocore = 1", "[fingerprints]", "x", 'botocore = "1"\n[fingerprints]\n"s/A" = 1\n'])
def test_a_file_that_accept_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    """One line with the file's name."""
    (tmp_path / "fingerprints.toml").write_text(text)
    with pytest.raises(ClaimsError, match=r"fingerprints\.toml:1: "):
        read_recorded(tmp_path)
