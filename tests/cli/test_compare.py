"""`surveyor compare` and `surveyor diff` with reports that are there already, fit and unfit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveyor.layout import find_layout

PUBLISHED = find_layout().root / "reports" / "published"
MOTO = next(PUBLISHED.glob("moto-*.json"))
EMBEDDED = next(PUBLISHED.glob("embedded-*.json"))


def surveyor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder; nothing that it meets is a traceback."""
    command = [sys.executable, "-c", "import sys; from surveyor.cli import main; sys.exit(main())", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Any], object]], str]:
    """Writes moto's published report after a change and returns its name in `tmp_path`."""

    def write(change: Callable[[Any], object]) -> str:
        value = json.loads(MOTO.read_text(encoding="utf-8"))
        change(value)
        (tmp_path / "changed.json").write_text(json.dumps(value), encoding="utf-8")
        return "changed.json"

    return write


@pytest.mark.parametrize("command", [["compare", "--out", "out"], ["diff", str(MOTO)], ["explain"]])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (MOTO.read_bytes()[:100_000], "is not whole JSON, was its run cut short?"),
        (b"", "is not whole JSON"),
        (b"\xff\xfe", "is not whole JSON"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"apiVersion": "surveyor/v9", "kind": "ConformanceReport"}', "has apiVersion 'surveyor/v9'"),
        (b'{"results": []}', "is no ConformanceReport"),
        (b'{"apiVersion": "surveyor/v1", "kind": "ConformanceReport"}', "is a required property"),
    ],
)
def test_an_unfit_report_is_2_in_one_line(tmp_path: Path, command: list[str], content: bytes, said: str) -> None:
    """Cut short, of another version, somebody else's: whoever reads it says so, with the file's name."""
    (tmp_path / "bad.json").write_bytes(content)
    done = surveyor(tmp_path, *command, "bad.json")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("surveyor: bad.json: ")
    assert said in line


def test_a_folder_without_a_report_is_2(tmp_path: Path) -> None:
    """A folder stands for the report in it, and one without is told."""
    (tmp_path / "run").mkdir()
    done = surveyor(tmp_path, "diff", "run", str(MOTO))
    assert (done.returncode, done.stderr) == (2, "surveyor: run: holds no report.json\n")


def test_a_place_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    """Before anything is surveyed or printed, with the option that names another place."""
    (tmp_path / "file").touch()
    done = surveyor(tmp_path, "compare", "embedded", "--out", "file/out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "surveyor: cannot write to file/out: Not a directory; --out names another place\n"


def test_reports_of_different_suites_are_compared_with_a_note(
    tmp_path: Path, changed: Callable[[Callable[[Any], object]], str]
) -> None:
    """A claim that one of them lacks is new or vanished, the rest is compared, and the page has both."""

    def other_suites(report: Any) -> None:
        report["selection"]["areas"] = ["dns"]
        report["claims"] = [claim for claim in report["claims"] if claim["area"] == "dns"]
        report["claims"][0]["id"] = "dns.of.another.time"

    other = changed(other_suites)
    differs = surveyor(tmp_path, "diff", other, str(MOTO))
    assert differs.returncode == 1
    assert "note: the two runs did not select the same claims" in differs.stdout
    assert "1 vanished:\ndns.of.another.time" in differs.stdout
    beside = surveyor(tmp_path, "compare", other, str(EMBEDDED), "--out", "out")
    assert beside.returncode == 0
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "dns.of.another.time" in page
    assert "no report" in page


def test_evidence_of_any_shape_becomes_a_page(
    tmp_path: Path, changed: Callable[[Callable[[Any], object]], str]
) -> None:
    """What a target sent may be nested as deeply as JSON is read, and entries may be of kinds nobody knows."""

    def strange(report: Any) -> None:
        claim = next(claim for claim in report["claims"] if claim["evidence"])
        deep: object = "bottom"
        for _ in range(300):
            deep = {"down": [deep]}
        claim["evidence"][0]["entries"] += [
            {"kind": "call", "service": "x", "operation": "Y", "params": {}, "response": deep},
            {"kind": "call"},
            {"kind": 7, "at": "noon"},
        ]

    done = surveyor(tmp_path, "compare", changed(strange), "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "bottom" in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
