"""Experiments in a report: from the history to the chart and to every form, safe whatever a target says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.checkers import Judged, check_of, judge_history
from surveyor.claims import Claims
from surveyor.history import Header, Member, Recorder, TaskSeen, View
from surveyor.report import allure, junit, markdown
from surveyor.report.chart import Chart, chart_of
from surveyor.report.drawing import WIDE, draw
from surveyor.report.experiments import ExperimentReport, experiments_of
from surveyor.report.file import load_report, save_report, schema
from surveyor.report.model import ConformanceReport, TargetReport
from surveyor.report.page import render
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict
from tests.checkers.worlds import Made, World, call, fault, history_of, look, worlds
from tests.report.conftest import HOSTILE

CHECKS = (check_of("no-resurrection"), check_of("gone", within=6), check_of("answered", at_least=0.9, over=30))


def world_with_a_resurrection() -> World:
    """Three tasks; one is killed, is gone, and is back once."""
    world = World(
        (Made("stays", "127.0.0.1", 0.0), Made("killed", "127.0.0.2", 0.0, 104.0), Made("late", "127.0.0.3", 120.0))
    )
    calls = [call(100 + step / 2, 100.1 + step / 2, "127.0.0.2", error="refused") for step in range(30)]
    return world.but(fault(100.0, "task.kill", "killed"), look(140.33, "discover", ["killed", "stays", "late"]), *calls)


def experiment(world: World, name: str = "kill-one") -> ExperimentReport:
    """The report on a made-up history."""
    history = history_of(world, *CHECKS)
    judged = judge_history(history)
    return ExperimentReport(
        name, f"chaos/{name}.py::test_it", judged.verdict, "", judged.detail, f"histories/{name}.jsonl", judged,
        chart_of(history),
    )  # fmt: skip


def report(*experiments: ExperimentReport) -> ConformanceReport:
    """One of experiments only."""
    return ConformanceReport(
        TargetReport("embedded", "0.1.0", "started", ("ecs",), {}), "0.1.0", 7, (), (), "2026-11-20T10:00:00+00:00",
        "2026-11-20T10:00:09+00:00", 9.0, 120.0, (), experiments=experiments,
    )  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(worlds())
def test_verdict_and_chart_survive_the_file(tmp_path_factory: object, world: World) -> None:
    """Any experiment fits the report's schema, and comes out of it as it went in."""
    one = experiment(world)
    assert one.judged is not None
    assert one.chart is not None
    assert Judged.from_json(json.loads(one.judged.dumps())) == one.judged
    assert Chart.from_json(json.loads(json.dumps(one.chart.to_json()))) == one.chart
    jsonschema.validate(report(one).to_json(), schema())


def test_a_report_with_experiments_is_loaded_again(tmp_path: Path) -> None:
    """Whole."""
    saved = report(experiment(world_with_a_resurrection()))
    save_report(saved, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == saved


@settings(max_examples=20, deadline=None)
@given(worlds(), st.integers(0, 3))
def test_everything_is_drawn_inside_the_box(world: World, kills: int) -> None:
    """No rectangle or text begins outside, and nothing has a negative size."""
    drawing = draw(chart_of(history_of(world.but(*(fault(50.0 + n, "task.kill", "task-0") for n in range(kills))))))
    for shape in drawing.shapes:
        x = [float(value) for name, value in shape.attributes.items() if name in ("x", "x1", "x2")]
        y = [float(value) for name, value in shape.attributes.items() if name in ("y", "y1", "y2")]
        size = [float(value) for name, value in shape.attributes.items() if name in ("width", "height")]
        assert all(0 <= one <= WIDE for one in x), shape
        assert all(0 <= one <= drawing.high for one in y), shape
        assert all(one >= 0 for one in size), shape


def test_the_chart_shows_lives_views_and_calls() -> None:
    """Who was killed is marked; calls are counted by outcome; views are stairs."""
    chart = chart_of(history_of(world_with_a_resurrection()))
    killed = next(row for row in chart.rows if row.task == "killed")
    assert killed.victim
    assert [bar.state for bar in killed.bars] == ["running"]
    assert killed.bars[0].end == 100.1
    assert sum(chart.fail) == 30
    assert [one.view for one in chart.stairs] == ["running tasks", "discover", "names"]
    assert max(count for _, count in chart.stairs[1].steps) == 3


def test_a_hundred_tasks_are_not_all_drawn() -> None:
    """Those that something happened to are; how many are left out is said."""
    tasks = tuple(
        Made(f"t{number:03}", f"127.0.1.{number}", 0.0, 150.0 if number == 99 else None) for number in range(100)
    )
    chart = chart_of(history_of(World(tasks, period=20.0, calls=1e9)))
    assert (len(chart.rows), chart.more) == (24, 76)
    assert "t099" in [row.task for row in chart.rows]


def test_junit_allure_and_markdown_tell_of_experiments(claims: Claims) -> None:
    """A failed experiment is red everywhere, with its witness, its figures and its checks."""
    told = report(experiment(world_with_a_resurrection()))
    root = ET.fromstring(junit.render(told, claims))
    [case] = root.findall("testsuite/testcase")
    assert case.get("name") == "kill-one"
    failure, out = case.find("failure"), case.find("system-out")
    assert failure is not None
    assert out is not None
    assert "no resurrection" in str(failure.get("message"))
    assert "danger window" in str(out.text)
    results = [json.loads(file.text) for file in allure.render(told, claims) if file.name.endswith("-result.json")]
    assert [(one["status"], len(one["steps"])) for one in results] == [("failed", 3)]
    text = markdown.render(told, claims)
    assert "**0 of 1** experiments ended as they should" in text
    assert "`kill-one`" in text


def test_what_a_target_says_stays_text(claims: Claims) -> None:
    """Names of tasks, views and errors are hostile input, in the chart too."""
    one = experiment(World((Made(HOSTILE, HOSTILE, 0.0),)))
    assert one.judged is not None
    hostile = replace(one, detail=HOSTILE, judged=replace(one.judged, title=HOSTILE, stopped=HOSTILE))
    page = render([report(hostile)], claims)
    assert "<script>window.stolen" not in page
    assert "<img src=x" not in page
    ET.fromstring(junit.render(report(hostile), claims))
    outside_code = re.sub(r"(`+).*?\1", "", markdown.render(report(hostile), claims))
    assert "@everyone" not in outside_code


def test_experiments_are_read_from_their_histories(tmp_path: Path) -> None:
    """The verdict is written beside the history; one that is cut is said to be so."""
    views, checks = {"discover": View()}, (check_of("no-resurrection"),)
    header = Header("kill-one", "Kill one.", "embedded", 7, 10.0, "2026-11-20T10:00:00+00:00", {}, {}, views, checks)
    path = tmp_path / "histories" / "kill-one.jsonl"
    with Recorder(path, header, iter(range(1_000)).__next__) as recorder:
        recorder.counted(recorder.invoke("tasks", "tasks"), {"t1": TaskSeen("RUNNING")})
        recorder.saw(recorder.invoke("discover", "look", view="discover"), {"t1": Member()})
    result = TestResult("chaos/kill_one.py::test_kill_one", (), Verdict.PASS, history="histories/kill-one.jsonl")
    [found] = experiments_of([result], tmp_path)
    assert found.judged is not None
    assert (found.name, found.verdict) == ("kill-one", Verdict.PASS)
    assert path.with_suffix(".verdict.json").read_text() == found.judged.dumps()
    path.write_text(path.read_text()[:-30])
    [cut] = experiments_of([result], tmp_path)
    assert cut.judged is None
    assert "cut" in cut.detail
