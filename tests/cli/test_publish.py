"""`surveyor publish` and `surveyor targets`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec import structs

from surveyor.cli import main
from surveyor.layout import find_layout
from surveyor.report.file import load_report, save_report
from surveyor.report.model import ConformanceReport
from surveyor.report.publication import renew_table
from surveyor.verdicts import Verdict

PUBLISHED = find_layout().root / "reports" / "published"
HEAD = "| report | claims that hold | claims that could be judged | claims about features that it lacks |"


def run(*arguments: str) -> int:
    """Run one command and return its exit code."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def report_with_evidence() -> ConformanceReport:
    """Return a report of mine 1.2 in which also a claim that holds has evidence."""
    report = load_report(next(PUBLISHED.glob("moto-*.json")))
    evidence = next(test.evidence for claim in report.claims for test in claim.tests if test.evidence)
    holding = next(claim for claim in report.claims if claim.verdict is Verdict.PASS)
    full = structs.replace(holding, tests=tuple(structs.replace(test, evidence=evidence) for test in holding.tests))
    target = structs.replace(report.target, name="mine", version="1.2")
    return structs.replace(
        report, target=target, claims=tuple(full if claim is holding else claim for claim in report.claims)
    )


@pytest.mark.soak
def test_a_report_is_published_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The published report is one line, without the evidence of claims that hold; everything else is unchanged."""
    report = report_with_evidence()
    save_report(report, tmp_path / "report.json")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "README.md").write_text(
        f"# Kept\n\n{HEAD}\n|---|---|---|---|\n| gone | 1 | 2 | 3 |\n\nText.\n"
    )
    assert run("publish", str(tmp_path / "report.json"), "--out", str(tmp_path / "kept")) == 0
    assert "table renewed" in capsys.readouterr().out
    path = tmp_path / "kept" / "mine-1.2.json"
    assert path.read_text().count("\n") == 1
    small = load_report(path)
    assert [claim.verdict for claim in small.claims] == [claim.verdict for claim in report.claims]
    for claim, before in zip(small.claims, report.claims, strict=True):
        evidence = [test.evidence for test in claim.tests]
        assert evidence == [() if claim.verdict is Verdict.PASS else test.evidence for test in before.tests]
    table = (tmp_path / "kept" / "README.md").read_text()
    assert "| gone |" not in table
    assert "| [mine-1.2.json](mine-1.2.json) | " in table
    assert table.endswith("\n\nText.\n")
    assert run("publish", str(tmp_path / "report.json"), "--out", str(tmp_path / "kept")) == 0
    assert "table renewed" not in capsys.readouterr().out


def test_a_document_without_the_table_stays(tmp_path: Path) -> None:
    """Only a table with the known columns is renewed."""
    (tmp_path / "README.md").write_text("| a | b |\n|---|---|\n")
    assert not renew_table(tmp_path / "README.md", tmp_path, links=True)
    assert (tmp_path / "README.md").read_text() == "| a | b |\n|---|---|\n"


@pytest.mark.parametrize(("document", "links"), [("README.md", False), ("reports/published/README.md", True)])
def test_the_tables_of_the_documents_are_those_of_the_reports(document: str, links: bool, tmp_path: Path) -> None:
    """The tables list the published reports; otherwise run `make publish`."""
    copy = tmp_path / "copy.md"
    shutil.copy(find_layout().root / document, copy)
    assert not renew_table(copy, PUBLISHED, links=links)
    assert HEAD.partition("| report ")[2] in copy.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["moto@9"], "moto has no version '9'"),
        (["moto", "nope.json"], "unknown target 'nope.json'"),
        (
            ["moto", "--out", "file/kept"],
            "cannot write to file/kept: Not a directory; choose another folder",
        ),
    ],
)
def test_wrong_sources_are_refused_before_any_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """An unknown target or version, and a folder that cannot be written, end the command with 2 and one line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "kept").mkdir()
    assert run("publish", *arguments, *([] if "--out" in arguments else ["--out", "kept"])) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("surveyor: ")
    assert message in printed.err
    assert "testing" not in printed.err


def test_targets_are_listed_with_versions_and_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each version has a line; the one that the name alone means is marked; nothing is created."""
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "cache"))
    assert run("targets") == 0
    head, *lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert head == ["target", "", "environment", "description"]
    rows = {row[0]: row[1:] for row in lines}
    assert rows["moto@5.0.5"] == ["", "created at first use", "moto in server mode"]
    assert rows["moto@5.2.5"][0] == "is moto"
    assert rows["embedded"][1] == "that of Surveyor"
    assert rows["aws"][1] == "none, it is not started here"
    assert not (tmp_path / "cache").exists()
    assert run("targets", "moto") == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        name for name in rows if name.startswith("moto@")
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embedded", "--create"], "embedded: no separate environment is needed"),
        (["moto@1"], "moto has no version '1'; known are "),
    ],
)
def test_wrong_targets_are_2(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """A target without an environment cannot have it created, and an unknown version is named."""
    assert run("targets", *arguments) == 2
    assert message in capsys.readouterr().err
