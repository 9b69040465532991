"""A written report.json is read back, and anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from surveyor.errors import UsageError
from surveyor.evidence import EvidenceEntry
from surveyor.recordings import Confidence, Relation
from surveyor.recordings.status import ClaimStatus
from surveyor.report.file import load_report, save_report
from surveyor.report.model import (
    ClaimReport,
    ConformanceReport,
    KnownReport,
    RecordingReport,
    ReportFile,
    TargetReport,
    TestReport,
)
from surveyor.typed_json import dump_json
from surveyor.verdicts import Verdict

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
many = st.lists(texts, max_size=3).map(tuple)
verdicts = st.sampled_from(Verdict)
entries = st.builds(
    lambda operation, at, params: EvidenceEntry(kind="call", operation=operation, at=at, params=params),
    texts, st.floats(0, 2e9), st.dictionaries(texts, texts, max_size=3),
)  # fmt: skip
tests = st.builds(TestReport, texts, verdicts, texts, texts, st.lists(entries, max_size=3).map(tuple))
recordings = st.builds(
    RecordingReport, texts, st.sampled_from(Relation), texts, texts, texts, st.sampled_from(Confidence)
)
claims = st.builds(
    ClaimReport,
    id=texts, area=texts, statement=texts, verdict=verdicts, expected=st.booleans(), note=texts, symptom=texts,
    detail=texts, tests=st.lists(tests, max_size=3, unique_by=lambda test: test.id).map(tuple),
    unproven=st.none() | texts, confirmed_on_account=st.none() | texts, status=st.sampled_from(ClaimStatus),
    recordings=st.lists(recordings, max_size=2).map(tuple),
    known=st.none() | st.builds(KnownReport, verdicts, texts, texts, texts),
)  # fmt: skip
reports = st.builds(
    ConformanceReport,
    target=st.builds(
        TargetReport, texts, texts, st.sampled_from(["started", "endpoint"]), many,
        st.dictionaries(texts, texts, max_size=2), texts, texts,
        st.sampled_from(["", "per-test", "environment", "profile"]),
    ),
    surveyor=texts, seed=st.integers(-(2**63), 2**63 - 1), areas=many, selected=many, started=texts, finished=texts,
    wall_seconds=st.floats(0, 1e6), service_seconds=st.floats(-1e6, 1e9),
    claims=st.lists(claims, max_size=4).map(tuple),
    failure=texts, unexpected=many, leaked_resources=many, interrupted=st.booleans(),
)  # fmt: skip


@pytest.mark.soak
@given(reports)
@settings(max_examples=50, deadline=None)
def test_a_saved_report_is_loaded(tmp_path_factory: pytest.TempPathFactory, report: ConformanceReport) -> None:
    """Any report fits its schema and survives the file."""
    path = tmp_path_factory.mktemp("report") / "report.json"
    save_report(report, path)
    jsonschema.validate(json.loads(path.read_text()), msgspec.json.schema(ReportFile))
    assert load_report(path) == report
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


REPORT = ConformanceReport(
    TargetReport("moto", "5.2.5", "started", ("cloudmap",), {}), "0.1.0", 7, (), (), "2026-11-20T10:00:00+00:00",
    "2026-11-20T10:00:09+00:00", 9.0, 120.0,
    (ClaimReport("dns.a", "dns", "It is so.", Verdict.FAIL, False, "moved", "s", "d", (), None),),
)  # fmt: skip


VALUE = json.loads(dump_json(ReportFile.of(REPORT)))


def change(path: Path, **values: Any) -> None:
    """Write the report with other values at its top level."""
    path.write_text(json.dumps(VALUE | values))


def test_invalid_files_are_refused_in_one_line(tmp_path: Path) -> None:
    """The message for a cut file, another version or kind, an unknown verdict and no file starts with the path."""
    path = tmp_path / "report.json"
    save_report(REPORT, path)
    whole = path.read_text()

    def refusal() -> str:
        with pytest.raises(UsageError) as refused:
            load_report(path)
        assert str(refused.value).startswith(f"{path}: ")
        assert "\n" not in str(refused.value)
        return str(refused.value)

    path.write_text(whole[: len(whole) // 2])
    assert "not complete JSON" in refusal()
    path.write_text(whole[: len(whole) - 3])
    assert "not complete JSON" in refusal()
    change(path, apiVersion="surveyor/v1")
    assert "has apiVersion 'surveyor/v1'; this Surveyor reads 'surveyor/v3'" in refusal()
    change(path, kind="LoadReport")
    assert "is not a ConformanceReport" in refusal()
    path.write_text("[]")
    assert "is not a ConformanceReport" in refusal()
    path.write_text("[" * 100_000)
    assert "nested too deeply" in refusal()
    change(path, seed="seven")
    assert "at seed: expected 'int', got 'str'" in refusal()
    change(path, claims=[VALUE["claims"][0] | {"verdict": "green"}])
    assert "at claims/0/verdict: invalid enum value 'green'" in refusal()
    path.unlink()
    assert "cannot be read" in refusal()


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If writing fails, the old report is unchanged."""
    path = tmp_path / "report.json"
    save_report(REPORT, path)
    before = path.read_text()

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        save_report(REPORT, path)
    assert path.read_text() == before


def test_summary_counts_every_mark() -> None:
    """The summary has the marks that the score counts or names, including those with no claim."""
    (failed,) = REPORT.claims
    without = structs.replace(failed, id="dns.srv.b", verdict=Verdict.NOT_RUN, unproven="nothing shows it")
    written = ReportFile.of(structs.replace(REPORT, claims=(failed, without)))
    assert written.summary == {
        "pass": 0, "fail": 1, "inconclusive": 0, "error": 0, "unsupported": 0, "not-run": 0, "no-suite": 1,
    }  # fmt: skip
    assert written.summary.items() >= written.score.not_counted.items()
