"""Injected faults beside the retries of the client, from a history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from surveyor.history import Header, History, Outcome, Recorder, View, ViewMember, load_history
from surveyor.report.injections import InjectedFault, injected_faults

DISCOVER = "servicediscovery:DiscoverInstances"


def written(folder: Path, steps: Callable[[Recorder, Callable[[float], None]], None]) -> History:
    """Return the history that some steps write, which set the time themselves."""
    now = [0.0]
    header = Header(
        "made", "Made.", "none", 1, 1.0, "2026-11-29T00:00:00+00:00", {}, {}, {"healthy": View(), "names": View()}, ()
    )

    def at(seconds: float) -> None:
        now[0] = seconds

    with Recorder(folder / "made.jsonl", header, lambda: now[0]) as recorder:
        steps(recorder, at)
    return load_history(folder / "made.jsonl")


def inject(recorder: Recorder, fault: str, call: str = DISCOVER) -> None:
    """Record one injection."""
    recorder.end(recorder.invoke("faults", "injection", fault=fault, call=call), Outcome.OK)


def test_an_injected_fault_is_beside_the_retry(tmp_path: Path) -> None:
    """The question that was hit and the next one are named, with the fault that hit that one, too."""

    def steps(recorder: Recorder, at: Callable[[float], None]) -> None:
        for start in (1.0, 3.0):
            at(start)
            look = recorder.invoke("client", "look", view="healthy")
            at(start + 0.1)
            inject(recorder, "registry.throttle")
            recorder.end(look, Outcome.FAIL, error="RequestLimitExceeded")
        at(5.0)
        look = recorder.invoke("client", "look", view="healthy")
        recorder.record_view(look, {"t1": ViewMember("127.0.0.1"), "t2": ViewMember("127.0.0.2")})

    first, second = injected_faults(written(tmp_path, steps))
    limit = "RequestLimitExceeded"
    assert first == InjectedFault(1.1, "registry.throttle", DISCOVER, limit, 1.9, limit, "registry.throttle")
    assert second == InjectedFault(3.1, "registry.throttle", DISCOVER, limit, 1.9, "2 instances")


def test_clients_of_both_kinds_may_ask_at_the_same_time(tmp_path: Path) -> None:
    """A changed answer of Cloud Map is beside the question to Cloud Map, that of a resolver beside the name's."""

    def steps(recorder: Recorder, at: Callable[[float], None]) -> None:
        at(1.0)
        name, instances = (recorder.invoke("client", "look", view=view) for view in ("names", "healthy"))
        inject(recorder, "registry.throttle")
        inject(recorder, "dns.servfail", "dns:question")
        recorder.end(instances, Outcome.FAIL, error="RequestLimitExceeded")
        recorder.end(name, Outcome.INFO)

    of_registry, of_names = injected_faults(written(tmp_path, steps))
    assert (of_registry.fault, of_registry.answer) == ("registry.throttle", "RequestLimitExceeded")
    assert (of_names.fault, of_names.answer) == ("dns.servfail", "no answer")


def test_a_late_answer_says_when(tmp_path: Path) -> None:
    """A resolver asks again within one question; a client that never asks again has no retry."""

    def steps(recorder: Recorder, at: Callable[[float], None]) -> None:
        at(2.0)
        look = recorder.invoke("client", "look", view="names")
        inject(recorder, "dns.packet-limit", "dns:question")
        at(5.5)
        recorder.record_view(look, {"127.0.0.1": ViewMember("127.0.0.1")}, ttl=5)

    [only] = injected_faults(written(tmp_path, steps))
    assert (only.answer, only.retry, only.retry_answer) == ("1 address after 3.5 s", None, "")


def test_questions_of_other_processes_are_not_known(tmp_path: Path) -> None:
    """The callers of a load scenario record counts only: the injection stands without an answer."""
    [only] = injected_faults(written(tmp_path, lambda recorder, at: inject(recorder, "registry.empty")))
    assert only == InjectedFault(0.0, "registry.empty", DISCOVER)
