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


def after_a_kill(until: float) -> list[ClientCall]:
    """Return calls that are right at the old task until it is killed, and fail from then until a moment."""
    return [ClientCall(call.at, call.seconds, "10.0.0.1") if call.at < PERIOD.began else call for call in calls(until)]


@pytest.mark.parametrize(
    ("questions", "until", "span"),
    [
        ((80.0, 115.0), 115.0, (0.0, 35.01)),  # keeps answers for 35 s, of which 15 were left
        ((80.0, 115.0), 118.0, (2.5, 38.01)),  # and uses an answer three seconds later
        ((82.0, 88.0, 94.0, 100.5), 100.5, (0.0, 6.51)),  # every six seconds
        ((82.0, 82.1, 100.5), 100.5, None),  # asks because its connection has ended
        ((82.0, 101.0), 101.0, None),  # or because a call failed
        ((80.0,), 101.0, None),  # asks nothing
        ((80.0, 130.0), 110.0, None),  # leaves before it asks
    ],
)
def test_a_client_with_a_rhythm_could_have_ended_it_sooner_or_later(
    questions: tuple[float, ...], until: float, span: tuple[float, float] | None
) -> None:
    """The span is that of all moments between its two questions; one that asks because of the change has none."""
    script = Script()
    for at in questions:
        script.ask(at, "10.0.0.2")
    found = measure(after_a_kill(until), PERIOD, script.traffic, NAME)
    assert found.span == (span and pytest.approx(span))
    assert measure(after_a_kill(until), replace(PERIOD, cached=True), script.traffic, NAME).span is None
    low, high = found.bounds
    assert low <= max(0.0, found.low) <= found.high <= high


def test_a_client_that_has_not_called_before_has_no_rhythm_yet() -> None:
    """What it asks when it starts is due to its start."""
    script = Script()
    for at in (82.0, 101.0):
        script.ask(at, "10.0.0.2")
    since_then = [call for call in calls(101.0) if call.at >= PERIOD.began]
    assert measure(since_then, PERIOD, script.traffic, NAME).span is None


def test_a_client_whose_calls_fail_already_asks_on_its_own_account() -> None:
    """The return of a name, and a task that still answers, change nothing that a client could notice at once."""
    back = Script()
    for at in (99.5, 100.5):
        back.ask(at, "10.0.0.2")
    assert measure(calls(100.5), PERIOD, back.traffic, NAME).span == pytest.approx((0.0, 1.01))


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


def test_a_rhythm_is_shown_as_a_range() -> None:
    """The report has both the measured end and the range, which three runs have in common."""
    measures = dict(result(15.0, 27.0).measures)
    kill = replace(measures["java-http-client"]["kill"], span=(0.2, 30.4))
    measures["java-http-client"] = {**measures["java-http-client"], "kill": kill}
    report = build_report(ScenarioResult(measures, {}, {}), SOFTWARE, DEFAULT, 7)
    cell = report.rows[0].cells["kill"]
    assert (cell.seconds, cell.earliest, cell.latest) == (15.0, 0.2, 30.4)
    assert "0.2 to 30.4 s, 29 failed" in table_lines(report)[1]
    assert "0.2 to 30.4 s" in render_runtimes(report)


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
