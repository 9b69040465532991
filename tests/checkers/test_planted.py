"""Each checker finds what is planted in a made-up history, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.checkers import CHECKERS, check_of, judge
from surveyor.history import Check
from surveyor.verdicts import Verdict
from tests.checkers.worlds import Made, World, call, fault, history_of, look, worlds

CHECKS = {
    "visible": check_of("visible", within=6),
    "gone": check_of("gone", within=6),
    "no-resurrection": check_of("no-resurrection"),
    "no-ghost": check_of("no-ghost", after=10),
    "no-loss-at-rest": check_of("no-loss-at-rest", settle=8),
    "revision-rises-with-membership": check_of("revision-rises-with-membership", settle=8),
    "answered": check_of("answered", at_least=0.9, over=30),
    "no-traffic-to-the-dead": check_of("no-traffic-to-the-dead", after=10),
    "ttl-is-kept": check_of("ttl-is-kept"),
    "drained": check_of("drained", drain=0.0),
    "views-agree-at-rest": check_of("views-agree-at-rest", settle=8),
}
"""Limits that every made-up world keeps."""

EASY = settings(max_examples=20, deadline=None)


def verdict(world: World, check: Check) -> Verdict:
    """What the check says of the world's history."""
    [(_, found)] = judge(history_of(world, check))
    assert found.verdict is not Verdict.FAIL or found.witness, "a failure has a witness"
    return found.verdict


def witness(world: World, name: str) -> tuple[int, ...]:
    """The events that prove a failure."""
    [(_, found)] = judge(history_of(world, CHECKS[name]))
    assert found.verdict is Verdict.FAIL
    return found.witness


def test_every_checker_is_tested_here() -> None:
    """A new checker has a limit here, a world in which it holds, and something planted."""
    assert CHECKS.keys() == CHECKERS.keys() == PLANTS.keys()


@EASY
@given(world=worlds())
@pytest.mark.parametrize("name", CHECKS)
def test_a_sound_history_has_no_failure(name: str, world: World) -> None:
    """Whatever comes, goes and is reused, as long as it does so in time."""
    assert verdict(world, CHECKS[name]) is not Verdict.FAIL


def _hiding(world: World, made: Made) -> World:
    """The task is told by DescribeTasks, and no view ever has it."""

    class Hiding(World):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            for one in found:
                for name in (made.task, made.address):
                    one["told"].get("members", {}).pop(name, None)
            return found

    return Hiding((*world.tasks, made), world.period, world.width, world.lag, world.calls, world.extra)


def _lingering(world: World, at: float) -> World:
    made = Made("gone", "127.9.9.9", 0.0, at)
    shown = [look(at + 5 + 0.37 * step, "discover", ["gone", *_there(world, at)]) for step in range(40)]
    return replace(world, tasks=(*world.tasks, made)).but(*shown)


def _risen(world: World, at: float) -> World:
    made = Made("risen", "127.9.9.9", 0.0, at)
    back = look(at + 20.33, "discover", ["risen", *_there(world, at)], revision=10_000)
    return replace(world, tasks=(*world.tasks, made)).but(back)


def _ghost(world: World, at: float) -> World:
    return world.but(*(look(at + step, "names", ["127.8.8.8"]) for step in (0.33, 8.33, 15.33)))


def _lost(world: World, at: float) -> World:
    return replace(world, tasks=world.tasks[:1]).but(look(at + 0.33, "discover", []))


def _fallen(world: World, at: float) -> World:
    return world.but(look(at + 0.33, "discover", _there(world, at), revision=100_000))


def _refused(world: World, at: float) -> World:
    wrong = [call(at + step / 4, at + step / 4 + 0.01, "127.9.9.9", error="refused") for step in range(60)]
    return world.but(*wrong)


def _haunted(world: World, at: float) -> World:
    made = Made("dead", "127.9.9.9", 0.0, at)
    return replace(world, tasks=(*world.tasks, made)).but(call(at + 30, at + 30.1, "127.9.9.9", error="refused"))


def _stale(world: World, at: float) -> World:
    class Stale(World):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            asked = {"who": "client", "what": "call", "address": world.tasks[0].address, "by": 3}
            return [*found, {"begin": 290.0, "end": 290.1, "asked": asked, "told": {"status": 200}, "outcome": "ok"}]

    # The third event of such a history is the first look at names.
    return Stale(world.tasks, world.period, world.width, world.lag, 1e9)


def _cut_off(world: World, at: float) -> World:
    made = Made("asked", "127.9.9.9", 0.0, at)
    return replace(world, tasks=(*world.tasks, made)).but(call(at - 3, at + 3, "127.9.9.9", error="reset"))


def _disagreeing(world: World, at: float) -> World:
    return replace(world, tasks=world.tasks[:1]).but(look(at + 0.33, "names", ["127.8.8.8"]))


PLANTS = {
    "visible": lambda world, at: _hiding(world, Made("late", "127.9.9.9", at)),
    "gone": _lingering,
    "no-resurrection": _risen,
    "no-ghost": _ghost,
    "no-loss-at-rest": _lost,
    "revision-rises-with-membership": _fallen,
    "answered": _refused,
    "no-traffic-to-the-dead": _haunted,
    "ttl-is-kept": _stale,
    "drained": _cut_off,
    "views-agree-at-rest": _disagreeing,
}


def _there(world: World, at: float) -> list[str]:
    return [one.task for one in world.tasks if one.is_in(at, world.lag)]


@EASY
@given(world=worlds(), at=st.integers(30, 200))
@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(name: str, world: World, at: int) -> None:
    """Whenever it happens, and whatever else happens around it."""
    assert verdict(PLANTS[name](world, float(at)), CHECKS[name]) is Verdict.FAIL


def test_a_resurrection_is_proven_by_three_events() -> None:
    """Seen, not seen, seen again: and no other events than these."""
    world = _risen(World((Made("a", "127.0.0.1", 0.0),)), 100.0)
    first, second, third = witness(world, "no-resurrection")
    history = history_of(world, CHECKS["no-resurrection"])
    found = {look.ended: look for look in history.looks}
    assert [("risen" in found[number].members) for number in (first, second, third)] == [True, False, True]
    assert found[first].end <= found[second].begin <= found[third].begin


def test_who_was_registered_again_has_not_risen() -> None:
    """The change between the two looks tells that somebody did it."""
    again = {
        "begin": 110.0, "end": 110.2, "outcome": "ok", "told": {},
        "asked": {"who": "us", "what": "change", "call": "servicediscovery:RegisterInstance", "told": {"i": "risen"}},
    }  # fmt: skip
    world = _risen(World((Made("a", "127.0.0.1", 0.0),)), 100.0).but(again)
    assert verdict(world, CHECKS["no-resurrection"]) is Verdict.PASS


@pytest.mark.parametrize("name", ["no-resurrection", "no-traffic-to-the-dead", "no-ghost", "gone"])
def test_an_address_of_a_later_task_is_that_tasks(name: str) -> None:
    """One leaves, another gets its address 40 s later, is shown and called: nothing is wrong."""
    world = World((Made("old", "127.0.0.1", 0.0, 80.0), Made("new", "127.0.0.1", 120.0)))
    assert verdict(world, CHECKS[name]) is Verdict.PASS


def test_a_killed_task_is_dead_before_ecs_knows() -> None:
    """Callers are counted from the kill, not from when DescribeTasks first tells of it."""
    world = World((Made("a", "127.0.0.1", 0.0), Made("killed", "127.0.0.2", 0.0, 130.0)))
    late = world.but(fault(100.0, "task.kill", "killed"), call(112.0, 112.1, "127.0.0.2", error="refused"))
    assert verdict(late, CHECKS["no-traffic-to-the-dead"]) is Verdict.FAIL


def test_looks_that_are_too_far_apart_are_inconclusive() -> None:
    """Whether it was visible after 6 s cannot be told by looks every 20 s."""
    world = World((Made("a", "127.0.0.1", 0.0), Made("b", "127.0.0.2", 50.0)), period=20.0)
    assert verdict(world, CHECKS["visible"]) is Verdict.INCONCLUSIVE


def test_calls_without_an_answer_are_nobodys() -> None:
    """Half of the calls get no answer in time: whether 90 % were answered nobody knows."""
    hung = [call(100 + step / 2, 101 + step / 2, "127.0.0.1", outcome="info") for step in range(60)]
    world = World((Made("a", "127.0.0.1", 0.0),), calls=1.0).but(*hung)
    assert verdict(world, CHECKS["answered"]) is Verdict.INCONCLUSIVE


def test_an_answer_of_eight_says_nothing_of_the_ninth() -> None:
    """A view of eight of nine addresses neither lost nor resurrected the ninth."""
    tasks = tuple(Made(f"t{number}", f"127.0.0.{number}", 0.0) for number in range(1, 10))
    eight = [one.address for one in tasks]

    class Eight(World):
        def operations(self) -> list[dict[str, Any]]:
            found = super().operations()
            for number, one in enumerate(found):
                if one["asked"].get("view") == "names":
                    one["told"]["members"].pop(eight[number % 9], None)
            return found

    world = Eight(tasks)
    for name in ("no-resurrection", "no-loss-at-rest", "views-agree-at-rest"):
        assert verdict(world, CHECKS[name]) is Verdict.PASS


@pytest.mark.parametrize(
    ("name", "limits", "says"),
    [("gone", {}, "within"), ("gnoe", {}, "did you mean 'gone'"), ("gone", {"before": 1}, "no limit 'before'"),
     ("gone", {"within": "soon"}, "within")],
)  # fmt: skip
def test_a_check_that_is_none_is_refused(name: str, limits: dict[str, Any], says: str) -> None:
    """Unknown names, unknown limits and limits that are missing are told."""
    with pytest.raises(ValueError, match=says):
        check_of(name, **limits)
