"""The link between a conductor and the process of its callers: what is sent, and what happens when it has ended."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.callers import ServiceEndpoints
from surveyor.chaos import ServiceSetup
from surveyor.errors import SurveyorError
from surveyor.load import callers_link, callers_process
from surveyor.load.callers_link import CallersLink
from surveyor.load.callers_process import start_callers
from surveyor.load.scenario import ConductorInput, Phase, Scenario
from surveyor.typed_json import dump_json, parse_json

INPUT = ConductorInput(
    Scenario("calm", "Nothing happens.", ServiceSetup(), (Phase("calm", 5),)), "embedded", "out", 7, 10.0, {}
)


def test_each_message_is_a_line() -> None:
    """Endpoints arrive as they were sent, after them each phase and the end."""
    sent = io.StringIO()
    link, endpoints = CallersLink(sent, io.StringIO("printed by a locustfile\nsaved\n")), ServiceEndpoints(80, "web.ns")
    link.begin(endpoints)
    link.enter(Phase("calm", 5))
    link.end()
    assert link.collect()
    first, *others = map(json.loads, sent.getvalue().splitlines())
    assert parse_json(json.dumps(first["endpoints"]), ServiceEndpoints) == endpoints
    assert others == [{"phase": "calm", "seconds": 5}, {"phases": "ended"}, {"waiting": "tally"}]


def test_callers_that_ended_have_saved_nothing() -> None:
    """A message to them is an error; waiting for their counts ends."""

    class Broken(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    link = CallersLink(Broken(), io.StringIO())
    with pytest.raises(SurveyorError, match="the callers ended before the scenario did"):
        link.end()
    assert not link.collect()
    assert not CallersLink(io.StringIO(), io.StringIO("printed\n")).collect()


def test_callers_that_do_not_save_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for them for ever."""
    monkeypatch.setattr(callers_link, "SAVE_TIMEOUT", 0.2)
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert not CallersLink(process.stdin, process.stdout, process.kill).collect()


@pytest.mark.parametrize(
    ("program", "status"),
    [
        (f"print('hello'); print('[1]'); print({dump_json(INPUT)!r}, flush=True); import sys; sys.stdin.read()", 0),
        ("print('hello'); raise SystemExit(2)", 2),
        ("", 0),
    ],
    ids=["conducted", "refused", "silent"],
)
def test_what_the_callers_send_first_is_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, status: int
) -> None:
    """Other lines are ignored; without a scenario the exit status says why. The process ends with the block."""
    (tmp_path / "locust.py").write_text(program, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(callers_process, "END_TIMEOUT", 10.0)
    with start_callers(tmp_path / "calm.py", []) as callers:
        assert (callers.conductor_input, callers.status) == (
            INPUT if "hello'); print('[1]" in program else None,
            status,
        )
