"""Experiments in a report: judgement, chart and every output, safe whatever a target sends."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from surveyor.checkers import Judgement, judge_file, judge_history, make_check
from surveyor.claims import Claims
from surveyor.history import Header, Recorder, TaskState, View, ViewMember
from surveyor.report import allure, junit, markdown
from surveyor.report.chart import BUCKET_SECONDS, BUCKETS, Chart, chart_of
from surveyor.report.drawing import NARROW, WIDE, Drawing, DrawingLayout, draw, draw_narrow, view_title
from surveyor.report.experiments import ExperimentReport, experiments_of
from surveyor.report.file import load_report, save_report
from surveyor.report.model import ConformanceReport, ReportFile, TargetReport
from surveyor.report.page import render
from surveyor.report.test_results import TestResult
from surveyor.typed_json import dump_json, parse_json
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import (
    SimulatedService,
    SimulatedTask,
    call,
    fault,
    history_of,
    look,
    simulated_services,
)
from tests.report.conftest import HOSTILE

CHECKS = (make_check("no-resurrection"), make_check("gone", within=6), make_check("answered", at_least=0.9, over=30))


def service_with_a_resurrection() -> SimulatedService:
    """Return three tasks, of which one is killed, disappears and reappears once."""
    service = SimulatedService(
        (
            SimulatedTask("stays", "127.0.0.1", 0.0),
            SimulatedTask("killed", "127.0.0.2", 0.0, 104.0),
            SimulatedTask("late", "127.0.0.3", 120.0),
        )
    )
    calls = [call(100 + step / 2, 100.1 + step / 2, "127.0.0.2", error="refused") for step in range(30)]
    return service.but(
        fault(100.0, "task.kill", "killed"), look(140.33, "discover", ["killed", "stays", "late"]), *calls
    )


def experiment(service: SimulatedService, name: str = "kill-one") -> ExperimentReport:
    """Return the report on a simulated history."""
    history = history_of(service, *CHECKS)
    judged = judge_history(history)
    return ExperimentReport(
        name, f"chaos/{name}.py::test_it", judged.verdict, "", judged.detail, f"histories/{name}.jsonl", judged,
        chart_of(history),
    )  # fmt: skip


@cache
def measured_experiment(name: str = "kill-one") -> ExperimentReport:
    """Return the report on a service with a resurrection, computed once for each name."""
    return experiment(service_with_a_resurrection(), name)


def report(*experiments: ExperimentReport) -> ConformanceReport:
    """Return a report of experiments only."""
    return ConformanceReport(
        TargetReport("embedded", "0.1.0", "started", ("ecs",), {}), "0.1.0", 7, (), (), "2026-11-20T10:00:00+00:00",
        "2026-11-20T10:00:09+00:00", 9.0, 120.0, (), experiments=experiments,
    )  # fmt: skip


@pytest.mark.soak
@settings(max_examples=20, deadline=None)
@given(simulated_services())
def test_verdict_and_chart_survive_the_file(tmp_path_factory: object, service: SimulatedService) -> None:
    """Any experiment conforms to the schema and is equal after saving and loading."""
    found = experiment(service)
    assert found.judged is not None
    assert found.chart is not None
    assert parse_json(dump_json(found.judged), Judgement) == found.judged
    assert parse_json(dump_json(found.chart), Chart) == found.chart
    jsonschema.validate(json.loads(dump_json(ReportFile.of(report(found)))), msgspec.json.schema(ReportFile))


def test_a_report_with_experiments_is_loaded(tmp_path: Path) -> None:
    """A saved report is equal after loading."""
    saved = report(measured_experiment())
    save_report(saved, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == saved


def bars_of(drawing: Drawing) -> list[str]:
    """Return the kinds of all bars of a drawing, in their order."""
    return [shape.attributes["class"] for shape in drawing.shapes if shape.tag == "rect"]


@pytest.mark.soak
@settings(max_examples=20, deadline=None)
@given(simulated_services(), st.integers(0, 3), st.sampled_from([WIDE, NARROW]))
def test_everything_is_drawn_inside_the_box(service: SimulatedService, kills: int, layout: DrawingLayout) -> None:
    """Nothing begins outside the box or has a negative size, and the narrow drawing has the same bars as the wide."""
    chart = chart_of(history_of(service.but(*(fault(50.0 + n, "task.kill", "task-0") for n in range(kills)))))
    drawing = draw(chart, layout)
    assert bars_of(draw(chart)) == bars_of(draw_narrow(chart))
    for shape in drawing.shapes:
        x = [float(value) for name, value in shape.attributes.items() if name in ("x", "x1", "x2")]
        y = [float(value) for name, value in shape.attributes.items() if name in ("y", "y1", "y2")]
        size = [float(value) for name, value in shape.attributes.items() if name in ("width", "height")]
        if "width" in shape.attributes:
            assert x[0] + float(shape.attributes["width"]) <= layout.width + 0.1, shape
        assert all(0 <= value <= layout.width for value in x), shape
        assert all(0 <= value <= drawing.high for value in y), shape
        assert all(value >= 0 for value in size), shape


def test_the_chart_shows_tasks_views_and_calls() -> None:
    """A killed task is marked, calls are counted by outcome, and views are stairs."""
    chart = chart_of(history_of(service_with_a_resurrection()))
    killed = next(row for row in chart.rows if row.task == "killed")
    assert killed.victim
    assert [bar.state for bar in killed.bars] == ["running"]
    assert killed.bars[0].end == 100.1
    assert sum(chart.fail) == 30
    assert [stairs.view for stairs in chart.stairs] == ["running tasks", "discover", "names"]
    assert max(count for _, count in chart.stairs[1].steps) == 3


@pytest.mark.parametrize(
    ("view", "title"),
    [
        ("running tasks", "RUNNING tasks (ECS)"),
        ("healthy", "DiscoverInstances, healthy"),
        ("names, asked by client", "DNS answers, to callers"),
        ("a new view, asked by someone", "a new view, to someone"),
    ],
)
def test_a_view_is_named_for_its_source(view: str, title: str) -> None:
    """The title says which operation a view comes from, and if it is what the callers got."""
    assert view_title(view) == title


@pytest.mark.soak
@settings(deadline=None)
@given(st.floats(0.1, 1e6))
def test_bars_of_calls_have_a_round_width(seconds: float) -> None:
    """At most ninety bars are drawn, and their width is a round number of seconds where there is one."""
    history = replace(history_of(SimulatedService((SimulatedTask("t", "127.0.0.1", 0.0),))), end=seconds)
    chart = chart_of(history)
    assert seconds / chart.bucket <= BUCKETS
    assert chart.bucket in BUCKET_SECONDS or chart.bucket == int(chart.bucket)


def test_a_hundred_tasks_are_not_all_drawn() -> None:
    """Affected tasks are drawn, and the number of omitted tasks is given."""
    tasks = tuple(
        SimulatedTask(f"t{number:03}", f"127.0.1.{number}", 0.0, 150.0 if number == 99 else None)
        for number in range(100)
    )
    chart = chart_of(history_of(SimulatedService(tasks, period=20.0, calls=1e9)))
    assert (len(chart.rows), chart.more) == (24, 76)
    assert "t099" in [row.task for row in chart.rows]


def test_junit_allure_and_markdown_contain_experiments(claims: Claims) -> None:
    """A failed experiment is a failure in each output, with its witness, figures and checks."""
    failed = report(measured_experiment())
    root = ET.fromstring(junit.render(failed, claims))
    [case] = root.findall("testsuite/testcase")
    assert case.get("name") == "kill-one"
    failure, out = case.find("failure"), case.find("system-out")
    assert failure is not None
    assert out is not None
    assert "no resurrection" in str(failure.get("message"))
    assert "danger window" in str(out.text)
    results = [json.loads(file.text) for file in allure.render(failed, claims) if file.name.endswith("-result.json")]
    assert [(result["status"], len(result["steps"])) for result in results] == [("failed", 3)]
    text = markdown.render(failed, claims)
    assert "**0 of 1** experiments passed" in text
    assert "`kill-one`" in text


def test_text_of_a_target_stays_text(claims: Claims) -> None:
    """Names of tasks, views and errors are escaped, in the chart as well."""
    found = experiment(SimulatedService((SimulatedTask(HOSTILE, HOSTILE, 0.0),)))
    assert found.judged is not None
    hostile = structs.replace(
        found, detail=HOSTILE, judged=structs.replace(found.judged, title=HOSTILE, stopped=HOSTILE)
    )
    page = render([report(hostile)], claims)
    assert "<script>window.stolen" not in page
    assert "<img src=x" not in page
    ET.fromstring(junit.render(report(hostile), claims))
    outside_code = re.sub(r"(`+).*?\1", "", markdown.render(report(hostile), claims))
    assert "@everyone" not in outside_code


def test_experiments_are_read_from_their_histories(tmp_path: Path) -> None:
    """The judgement is read from the file beside the history, where the run wrote it; a cut history is reported."""
    views, checks = {"discover": View()}, (make_check("no-resurrection"),)
    header = Header("kill-one", "Kill one.", "embedded", 7, 10.0, "2026-11-20T10:00:00+00:00", {}, {}, views, checks)
    path = tmp_path / "histories" / "kill-one.jsonl"
    with Recorder(path, header, iter(range(1_000)).__next__) as recorder:
        recorder.record_tasks(recorder.invoke("tasks", "tasks"), {"t1": TaskState("RUNNING")})
        recorder.record_view(recorder.invoke("discover", "look", view="discover"), {"t1": ViewMember()})
    result = TestResult("chaos/kill_one.py::test_kill_one", (), Verdict.PASS, history="histories/kill-one.jsonl")
    judge_file(path)
    [found] = experiments_of([result], tmp_path)
    assert found.judged is not None
    assert (found.name, found.verdict) == ("kill-one", Verdict.PASS)
    assert path.with_suffix(".verdict.json").read_text() == dump_json(found.judged, indent=1)
    kept = structs.replace(found.judged, title="Written by the experiment.")
    path.with_suffix(".verdict.json").write_text(dump_json(kept))
    assert experiments_of([result], tmp_path)[0].judged == kept
    path.with_suffix(".verdict.json").write_text("{}")
    [broken] = experiments_of([result], tmp_path)
    assert broken.judged is None
    assert "kill-one.verdict.json" in broken.detail
    path.write_text(path.read_text()[:-30])
    [cut] = experiments_of([result], tmp_path)
    assert cut.judged is None
    assert "cut" in cut.detail
