"""`surveyor compare` and `surveyor diff` with existing reports, valid and invalid."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveyor.layout import find_layout

pytestmark = pytest.mark.soak  # each test starts a program

PUBLISHED = find_layout().root / "reports" / "published"
MOTO = next(PUBLISHED.glob("moto-*.json"))
EMBEDDED = next(PUBLISHED.glob("embedded-*.json"))


def surveyor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, and check that it prints no traceback."""
    command = [sys.executable, "-m", "surveyor", *arguments]
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in completed.stdout + completed.stderr
    return completed


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[Any], object]], str]:
    """Return a function that writes moto's published report with a change and returns its name in `tmp_path`."""

    def write(change: Callable[[Any], object]) -> str:
        value = json.loads(MOTO.read_text(encoding="utf-8"))
        change(value)
        (tmp_path / "changed.json").write_text(json.dumps(value), encoding="utf-8")
        return "changed.json"

    return write


@pytest.mark.soak
@pytest.mark.parametrize("command", [["compare", "--out", "out"], ["diff", str(MOTO)]])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MOTO.read_bytes()[:100_000], "is not complete JSON, was its run cut short?"),
        (b"", "is not complete JSON"),
        (b"\xff\xfe", "is not complete JSON"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"apiVersion": "surveyor/v9", "kind": "ConformanceReport"}', "has apiVersion 'surveyor/v9'"),
        (b'{"results": []}', "is not a ConformanceReport"),
        (b'{"apiVersion": "surveyor/v3", "kind": "ConformanceReport"}', "missing required field 'target'"),
    ],
)
def test_an_invalid_report_is_2_in_one_line(tmp_path: Path, command: list[str], content: bytes, message: str) -> None:
    """A report that is truncated, of another version or of another tool is refused with the file's name."""
    (tmp_path / "bad.json").write_bytes(content)
    completed = surveyor(tmp_path, *command, "bad.json")
    assert completed.returncode == 2
    (line,) = completed.stderr.splitlines()
    assert line.startswith("surveyor: bad.json: ")
    assert message in line


@pytest.mark.soak
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MOTO.read_bytes()[:100_000], "is not complete JSON, was it cut short?"),
        (b"", "has no denial of AWS"),
        (b"\xff\xfe", "has no denial of AWS"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"apiVersion": "surveyor/v9", "kind": "ConformanceReport"}', "has apiVersion 'surveyor/v9'"),
        (b'{"apiVersion": "surveyor/v3", "kind": "ConformanceReport"}', "missing required field 'target'"),
    ],
)
def test_what_explain_cannot_read_is_2_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    """It reads reports, messages of errors and decoded ones."""
    (tmp_path / "bad.json").write_bytes(content)
    completed = surveyor(tmp_path, "explain", "bad.json")
    assert completed.returncode == 2
    (line,) = completed.stderr.splitlines()
    assert line.startswith("surveyor: bad.json: ")
    assert message in line


def test_a_folder_without_a_report_is_2(tmp_path: Path) -> None:
    """A folder without report.json is refused; a folder with it is read as its report."""
    (tmp_path / "run").mkdir()
    completed = surveyor(tmp_path, "diff", "run", str(MOTO))
    assert (completed.returncode, completed.stderr) == (2, "surveyor: run: holds no report.json\n")


def test_diff_says_if_a_version_is_unknown(tmp_path: Path) -> None:
    """The versions of both targets are named, or that one is unknown."""
    report = json.loads(MOTO.read_text("utf-8"))
    report["target"]["version"] = ""
    (tmp_path / "other.json").write_text(json.dumps(report), encoding="utf-8")
    completed = surveyor(tmp_path, "diff", str(MOTO), "other.json")
    assert completed.stdout.splitlines()[0].endswith(" -> moto (version unknown)")


def test_an_unwritable_folder_is_refused_first(tmp_path: Path) -> None:
    """The command ends before anything is tested or printed, and names the option for another folder."""
    (tmp_path / "file").touch()
    completed = surveyor(tmp_path, "compare", "embedded", "--out", "file/out")
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr == "surveyor: cannot write to file/out: Not a directory; choose another folder with --out\n"


@pytest.mark.soak
def test_a_report_without_claims_is_refused(tmp_path: Path, changed: Callable[[Callable[[Any], object]], str]) -> None:
    """`diff` refuses an empty report, and one with claims beside one with experiments: nothing is comparable."""
    experiment = {"name": "x", "test": "x", "verdict": "pass", "symptom": "", "detail": "", "history": "",
                  "judged": None, "chart": None}  # fmt: skip
    empty = changed(lambda report: report.update(claims=[]))
    completed = surveyor(tmp_path, "diff", empty, str(MOTO))
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.startswith("surveyor: changed.json has neither claims nor experiments")
    experiments = changed(lambda report: report.update(claims=[], experiments=[experiment]))
    completed = surveyor(tmp_path, "diff", experiments, str(MOTO))
    assert (completed.returncode, completed.stdout) == (2, "")
    assert "are runs of different commands: one has claims, the other experiments" in completed.stderr
    completed = surveyor(tmp_path, "diff", experiments, experiments)
    assert (completed.returncode, "\nx  pass\n" in completed.stdout) == (0, True)


@pytest.mark.soak
def test_reports_of_different_suites_are_compared_with_a_note(
    tmp_path: Path, changed: Callable[[Callable[[Any], object]], str]
) -> None:
    """A claim that only one report has is new or vanished, the others are compared, and the page has both."""

    def other_suites(report: Any) -> None:
        report["areas"] = ["dns"]
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


@pytest.mark.soak
def test_evidence_of_any_shape_is_rendered(tmp_path: Path, changed: Callable[[Callable[[Any], object]], str]) -> None:
    """Responses may be nested as deeply as JSON can be read, and evidence entries may be of unknown kinds."""

    def add_unusual_evidence(report: Any) -> None:
        test = next(test for claim in report["claims"] for test in claim["tests"] if test["evidence"])
        deep: object = "bottom"
        for _ in range(300):
            deep = {"down": [deep]}
        test["evidence"] += [
            {"kind": "call", "service": "x", "operation": "Y", "params": {}, "response": deep},
            {"kind": "call"},
            {"kind": "dance", "tempo": 7},
        ]

    completed = surveyor(tmp_path, "compare", changed(add_unusual_evidence), "--out", "out")
    assert completed.returncode == 0, completed.stderr
    assert "bottom" in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
