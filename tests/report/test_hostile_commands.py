"""Commands that print a report full of attacks print none, and write none into files that people read."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs

from surveyor.cli import main
from surveyor.report.file import save_report
from surveyor.report.model import ConformanceReport

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
GATE = '[[threshold]]\nclaim = "dns.srv.value"\n'


@pytest.mark.soak
@pytest.mark.parametrize(
    "words",
    [["explain", "OLD"], ["diff", "OLD", "NEW"], ["diff", "NEW", "OLD"], ["compare", "OLD", "NEW", "--out", "OUT"],
     ["compare", "OLD", "NEW", "--all", "--out", "OUT"], ["gate", "GATE", "OLD", "--summary", "SUMMARY.md"],
     ["advise", "OLD/report.json"]],
    ids=" ".join,
)  # fmt: skip
def test_a_hostile_report_controls_no_terminal(
    words: list[str],
    hostile_report: ConformanceReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Names, ids, versions, errors and evidence are shown with escapes; report.json itself has escapes of JSON."""
    monkeypatch.chdir(tmp_path)
    save_report(hostile_report, Path("OLD/report.json"))
    save_report(structs.replace(hostile_report, claims=hostile_report.claims[::2]), Path("NEW/report.json"))
    Path("GATE").write_text(GATE)
    with suppress(SystemExit):  # click's way to end without an error
        main(words)
    shown = capfd.readouterr()
    assert shown.out + shown.err
    kept = {path.name: path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    for name, text in {"stdout": shown.out, "stderr": shown.err, **kept}.items():
        assert not CONTROLS.search(text), name
    assert "Traceback" not in shown.err


def test_a_hostile_file_name_is_visible(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A path in an error is shown like other text."""
    folder = tmp_path / "a\x1b]0;owned\x07\u202eb"
    folder.mkdir()
    (folder / "report.json").write_text("{")
    assert main(["explain", str(folder)]) == 2
    shown = capfd.readouterr().err
    assert not CONTROLS.search(shown)
    assert "\\x1b]0;owned\\x07\\u202e" in shown
    assert len(shown.splitlines()) == 1
