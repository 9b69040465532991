"""What is measured of a client, and whether it lies in the interval of documents or runtime."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.clients.comparison import build_report, table_lines
from surveyor.clients.measures import Measure, Period, is_within, measure
from surveyor.clients.models import MODEL
from surveyor.clients.pages import markdown_table, render_runtimes
from surveyor.clients.running import ClientCall
from surveyor.clients.runtimes import NEVER, RUNTIMES, Expected, FoundSoftware, MissingSoftware
from surveyor.clients.scenario import ScenarioResult
from surveyor.clients.scenarios import DEFAULT
from tests.clients.traffic_of import NAME, Script

PERIOD = Period("kill", 100.0, 160.0, ("10.0.0.2",))


def calls(wrong_until: float, *, error: str = "refused") -> list[ClientCall]:
    """Return calls twice a second that are wrong until a moment, by an error or, without one, by the old task."""
    return [
        ClientCall(at, 0.01, "10.0.0.2")
        if at >= wrong_until
        else ClientCall(at, 0.01, "" if error else "10.0.0.1", error)
        for at in (90.0 + number / 2 for number in range(140))
    ]


def test_the_end_lies_between_the_last_wrong_call_and_the_first_right_one() -> None:
    """Questions are counted from the one before the fault."""
    script = Script()
    for at in (80.0, 110.0, 140.0):
        script.ask(at, "10.0.0.2")
    found = measure(calls(110.0), PERIOD, script.traffic, NAME)
    assert found.high == pytest.approx(10.01)
    assert (found.low, found.errors, found.calls) == (9.5, 20, 120)
    assert (found.asked, found.since_question) == (10.0, 30.0)


def test_a_client_that_never_leaves() -> None:
    """A task that still answers is wrong too, though no call fails; one right call ends nothing."""
    drained = measure(calls(1e9, error=""), PERIOD, Script().traffic, NAME)
    assert (drained.is_never, drained.errors, drained.low) == (True, 0, 59.5)
    lucky = [replace(call, address="10.0.0.2") if call.at == 120 else call for call in calls(1e9)]
    assert measure(lucky, PERIOD, Script().traffic, NAME).is_never


def test_a_lasting_behaviour_ends_with_the_last_wrong_call() -> None:
    """Right calls before count for nothing; the tasks that were reached are counted."""
    period = replace(PERIOD, addresses=("10.0.0.2", "10.0.0.3"), lasting=True)
    back = [replace(call, address="10.0.0.1") if call.at == 130 else call for call in calls(110.0)]
    found = measure(back, period, Script().traffic, NAME)
    assert (found.low, found.reached) == (30.0, 1)
    assert found.high == pytest.approx(30.51)
    late = [replace(call, address="") if call.at == 159 else call for call in calls(110.0)]
    assert measure(late, period, Script().traffic, NAME).is_never


@pytest.mark.parametrize(
    ("low", "high", "expected", "holds"),
    [
        (9.5, 10.0, Expected(0, 30), True),
        (31.0, 31.5, Expected(0, 30), True),
        (40.0, 40.5, Expected(0, 30), False),
        (59.5, NEVER, Expected(0, 30), False),
        (59.5, NEVER, Expected(0, 60), True),
        (59.5, NEVER, Expected(NEVER, NEVER), True),
        (9.5, 10.0, Expected(NEVER, NEVER), False),
        (1.0, 1.5, Expected(30, 31), False),
    ],
)
def test_intervals(low: float, high: float, expected: Expected, *, holds: bool) -> None:
    """An end may be seen late by a call; one that is not seen contradicts only bounds that were observed."""
    assert is_within(Measure("kill", low, high, 0, 100), expected) is holds


def result(model_kill: float, runtime_drain: float = NEVER, gap: float = 6.0) -> ScenarioResult:
    """Return a scenario of a JVM and its model."""
    jvm = {
        "kill": Measure("kill", 14.5, 15.0, 29, 130),
        "gap": Measure("gap", gap - 0.5, gap, 12, 130),
        "drain": Measure("drain", 26.0, runtime_drain, 0, 90),
    }
    model = jvm | {"kill": Measure("kill", model_kill - 0.5, model_kill, 30, 130)}
    return ScenarioResult({"java-http-client": jvm, MODEL + "dns-jvm": model}, {"java-http-client": 9}, {})


SOFTWARE: dict[str, FoundSoftware | MissingSoftware] = {
    "java-http-client": FoundSoftware("17.0.15", "java"),
    "go": MissingSoftware("the program go is not installed", "apt install golang-go"),
}


def test_a_model_outside_the_interval_of_its_runtime_is_a_failed_check() -> None:
    """One inside is none; the report says how far apart both are."""
    good = build_report(result(20.0, 27.0), SOFTWARE, DEFAULT, 7)
    assert good.failures == ()
    assert good.models[0].cells["kill"].apart == 5.0
    wrong = build_report(result(55.0, 27.0), SOFTWARE, DEFAULT, 7)
    [failure] = wrong.failures
    assert failure.startswith("the model dns-jvm, kill: 55.0 s; its runtime java-http-client: 15.0 s")


def test_a_runtime_outside_its_documents_is_a_failed_check() -> None:
    """The line names figure and bounds."""
    found = build_report(result(15.0, NEVER), SOFTWARE, DEFAULT, 7)
    assert found.failures == ()  # never within 26 s contradicts nothing
    late = result(15.0, 27.0, gap=41.0)
    assert "java-http-client, gap: 41.0 s, expected 0 to 30 s" in build_report(late, SOFTWARE, DEFAULT, 7).failures


def test_the_table_names_what_is_missing() -> None:
    """Table, page and Markdown have a line for each runtime that was wanted."""
    report = build_report(result(15.0, 27.0), SOFTWARE, DEFAULT, 7)
    assert any("go" in line and "not installed (apt install golang-go)" in line for line in table_lines(report))
    assert "the program go is not installed" in render_runtimes(report)
    assert "| Go, net/http (`go`) | not here | | | | |" in markdown_table(report)


def test_runtimes_are_complete() -> None:
    """Each has sources, an existing model or runtime that it mends, and problems have advice."""
    from surveyor.clients.models import RUNTIME_MODELS

    for runtime in RUNTIMES.values():
        assert runtime.documented, runtime.name
        sources = [*(entry.source for entry in runtime.documented), *(entry.source for entry in runtime.advice)]
        assert all(source.startswith("https://") for source in sources)
        assert runtime.model in {"", *RUNTIME_MODELS}, runtime.name
        assert runtime.mends in {"", *RUNTIMES}, runtime.name
        assert runtime.model or runtime.mends, runtime.name
    stood_for = {runtime.model for runtime in RUNTIMES.values()}
    assert set(RUNTIME_MODELS) <= stood_for
