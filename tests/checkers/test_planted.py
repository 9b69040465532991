"""Each checker finds a planted violation in a simulated history, and nothing in a correct one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.checkers import CHECKERS, judge, make_check
from surveyor.history import Check
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import (
    SimulatedService,
    SimulatedTask,
    call,
    deployments,
    fault,
    history_of,
    look,
    simulated_services,
)

CHECKS = {
    "visible": make_check("visible", within=6),
    "gone": make_check("gone", within=6),
    "no-resurrection": make_check("no-resurrection"),
    "no-ghost": make_check("no-ghost", after=10),
    "no-loss-at-rest": make_check("no-loss-at-rest", settle=8),
    "revision-rises-with-membership": make_check("revision-rises-with-membership", settle=8),
    "answered": make_check("answered", at_least=0.9, over=30),
    "no-traffic-to-the-dead": make_check("no-traffic-to-the-dead", after=10),
    "ttl-is-kept": make_check("ttl-is-kept"),
    "drained": make_check("drained", drain=0.0),
    "views-agree-at-rest": make_check("views-agree-at-rest", settle=8),
    "deployed": make_check("deployed", within=600),
}
"""Checks whose limits every simulated service keeps."""

EASY = settings(max_examples=20, deadline=None)


def verdict(service: SimulatedService, check: Check) -> Verdict:
    """Return the check's verdict on the history of the service."""
    [(_, result)] = judge(history_of(service, check))
    assert result.verdict is not Verdict.FAIL or result.witness, "a failure has a witness"
    return result.verdict


def witness(service: SimulatedService, name: str) -> tuple[int, ...]:
    """Return the events that prove a failure."""
    [(_, result)] = judge(history_of(service, CHECKS[name]))
    assert result.verdict is Verdict.FAIL
    return result.witness


def test_every_checker_is_tested_here() -> None:
    """Every checker has limits here, a service for which it holds, and a planted violation."""
    assert CHECKS.keys() == CHECKERS.keys() == PLANTS.keys()


@pytest.mark.soak
@EASY
@given(service=simulated_services())
@pytest.mark.parametrize("name", CHECKS)
def test_a_correct_history_has_no_failure(name: str, service: SimulatedService) -> None:
    """Tasks that start and stop in time, and reused addresses, fail no check."""
    assert verdict(service, CHECKS[name]) is not Verdict.FAIL


def _hidden_task(service: SimulatedService, task: SimulatedTask) -> SimulatedService:
    """Return the service with a task that DescribeTasks lists and no view shows."""

    class HidingService(SimulatedService):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            for operation in found:
                for name in (task.task, task.address):
                    operation["result"].get("members", {}).pop(name, None)
            return found

    return HidingService(
        (*service.tasks, task), service.period, service.width, service.lag, service.calls, service.extra
    )


def _lingering_task(service: SimulatedService, at: float) -> SimulatedService:
    task = SimulatedTask("gone", "127.9.9.9", 0.0, at)
    shown = [look(at + 5 + 0.37 * step, "discover", ["gone", *_members(service, at)]) for step in range(40)]
    return replace(service, tasks=(*service.tasks, task)).but(*shown)


def _resurrected_task(service: SimulatedService, at: float) -> SimulatedService:
    task = SimulatedTask("risen", "127.9.9.9", 0.0, at)
    back = look(at + 20.33, "discover", ["risen", *_members(service, at)], revision=10_000)
    return replace(service, tasks=(*service.tasks, task)).but(back)


def _ghost(service: SimulatedService, at: float) -> SimulatedService:
    return service.but(*(look(at + step, "names", ["127.8.8.8"]) for step in (0.33, 8.33, 15.33)))


def _lost_task(service: SimulatedService, at: float) -> SimulatedService:
    return replace(service, tasks=service.tasks[:1]).but(look(at + 0.33, "discover", []))


def _fallen_revision(service: SimulatedService, at: float) -> SimulatedService:
    return service.but(look(at + 0.33, "discover", _members(service, at), revision=100_000))


def _refused_calls(service: SimulatedService, at: float) -> SimulatedService:
    refused = [call(at + step / 4, at + step / 4 + 0.01, "127.9.9.9", error="refused") for step in range(60)]
    return service.but(*refused)


def _late_call(service: SimulatedService, at: float) -> SimulatedService:
    task = SimulatedTask("dead", "127.9.9.9", 0.0, at)
    return replace(service, tasks=(*service.tasks, task)).but(call(at + 30, at + 30.1, "127.9.9.9", error="refused"))


def _stale_answer(service: SimulatedService, at: float) -> SimulatedService:
    class StaleService(SimulatedService):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            invoke = {"who": "client", "what": "call", "address": service.tasks[0].address, "by": 3}
            stale = {"begin": 290.0, "end": 290.1, "invoke": invoke, "result": {"status": 200}, "outcome": "ok"}
            return [*found, stale]

    # The third event of such a history is the first reading of the view `names`.
    return StaleService(service.tasks, service.period, service.width, service.lag, 1e9)


def _cut_off_call(service: SimulatedService, at: float) -> SimulatedService:
    task = SimulatedTask("asked", "127.9.9.9", 0.0, at)
    return replace(service, tasks=(*service.tasks, task)).but(call(at - 3, at + 3, "127.9.9.9", error="reset"))


def _disagreeing_views(service: SimulatedService, at: float) -> SimulatedService:
    return replace(service, tasks=service.tasks[:1]).but(look(at + 0.33, "names", ["127.8.8.8"]))


def _rolled_back(service: SimulatedService, at: float) -> SimulatedService:
    state = {"status": "ROLLBACK_SUCCESSFUL", "created": 1.0, "finished": at}
    return service.but(deployments(at + 1, "d", d=state))


PLANTS = {
    "visible": lambda service, at: _hidden_task(service, SimulatedTask("late", "127.9.9.9", at)),
    "gone": _lingering_task,
    "no-resurrection": _resurrected_task,
    "no-ghost": _ghost,
    "no-loss-at-rest": _lost_task,
    "revision-rises-with-membership": _fallen_revision,
    "answered": _refused_calls,
    "no-traffic-to-the-dead": _late_call,
    "ttl-is-kept": _stale_answer,
    "drained": _cut_off_call,
    "views-agree-at-rest": _disagreeing_views,
    "deployed": _rolled_back,
}


def _members(service: SimulatedService, at: float) -> list[str]:
    return [task.task for task in service.tasks if task.is_in(at, service.lag)]


@pytest.mark.soak
@EASY
@given(service=simulated_services(), at=st.integers(30, 200))
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_violation_is_found(name: str, service: SimulatedService, at: int) -> None:
    """A checker fails on its violation at any time, whatever else happens."""
    assert verdict(PLANTS[name](service, float(at)), CHECKS[name]) is Verdict.FAIL


def test_a_resurrection_is_proven_by_three_events() -> None:
    """The witness is exactly three snapshots: present, absent, present again."""
    service = _resurrected_task(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),)), 100.0)
    first, second, third = witness(service, "no-resurrection")
    history = history_of(service, CHECKS["no-resurrection"])
    found = {snapshot.end_event: snapshot for snapshot in history.view_snapshots}
    assert [("risen" in found[number].members) for number in (first, second, third)] == [True, False, True]
    assert found[first].end <= found[second].begin <= found[third].begin


def test_a_task_that_is_registered_again_is_no_resurrection() -> None:
    """A RegisterInstance call between the two snapshots explains the return."""
    again = {
        "begin": 110.0, "end": 110.2, "outcome": "ok", "result": {},
        "invoke": {
            "who": "us", "what": "change", "call": "servicediscovery:RegisterInstance", "parameters": {"i": "risen"},
        },
    }  # fmt: skip
    service = _resurrected_task(SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),)), 100.0).but(again)
    assert verdict(service, CHECKS["no-resurrection"]) is Verdict.PASS


@pytest.mark.parametrize("name", ["no-resurrection", "no-traffic-to-the-dead", "no-ghost", "gone"])
def test_a_reused_address_belongs_to_the_later_task(name: str) -> None:
    """A task that gets the address of a task that left 40 s before may be shown and called."""
    service = SimulatedService((SimulatedTask("old", "127.0.0.1", 0.0, 80.0), SimulatedTask("new", "127.0.0.1", 120.0)))
    assert verdict(service, CHECKS[name]) is Verdict.PASS


def test_a_killed_task_has_ended_before_ecs_reports_it() -> None:
    """Calls count from the kill, not from the first DescribeTasks answer that shows it."""
    service = SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0), SimulatedTask("killed", "127.0.0.2", 0.0, 130.0)))
    late = service.but(fault(100.0, "task.kill", "killed"), call(112.0, 112.1, "127.0.0.2", error="refused"))
    assert verdict(late, CHECKS["no-traffic-to-the-dead"]) is Verdict.FAIL


def test_snapshots_that_are_too_far_apart_are_inconclusive() -> None:
    """Snapshots every 20 s cannot show whether a task was visible after 6 s."""
    service = SimulatedService(
        (SimulatedTask("a", "127.0.0.1", 0.0), SimulatedTask("b", "127.0.0.2", 50.0)), period=20.0
    )
    assert verdict(service, CHECKS["visible"]) is Verdict.INCONCLUSIVE


def test_calls_without_an_answer_are_inconclusive() -> None:
    """If half of the calls get no answer in time, it is unknown whether 90 % were answered."""
    hung = [call(100 + step / 2, 101 + step / 2, "127.0.0.1", outcome="info") for step in range(60)]
    service = SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),), calls=1.0).but(*hung)
    assert verdict(service, CHECKS["answered"]) is Verdict.INCONCLUSIVE


def test_a_full_answer_proves_nothing_about_missing_members() -> None:
    """A view that shows eight of nine addresses has neither lost nor resurrected the ninth."""
    tasks = tuple(SimulatedTask(f"t{number}", f"127.0.0.{number}", 0.0) for number in range(1, 10))
    addresses = [task.address for task in tasks]

    class EightAnswersService(SimulatedService):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            for number, operation in enumerate(found):
                if operation["invoke"].get("view") == "names":
                    operation["result"]["members"].pop(addresses[number % 9], None)
            return found

    service = EightAnswersService(tasks)
    for name in ("no-resurrection", "no-loss-at-rest", "views-agree-at-rest"):
        assert verdict(service, CHECKS[name]) is Verdict.PASS


@pytest.mark.parametrize(
    ("name", "limits", "message"),
    [("gone", {}, "within"), ("gnoe", {}, "did you mean 'gone'"), ("gone", {"before": 1}, "no limit 'before'"),
     ("gone", {"within": "soon"}, "within")],
)  # fmt: skip
def test_an_invalid_check_is_refused(name: str, limits: dict[str, Any], message: str) -> None:
    """Unknown checkers, unknown limits and missing limits raise ValueError."""
    with pytest.raises(ValueError, match=message):
        make_check(name, **limits)
