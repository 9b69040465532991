"""Shortening: nothing that is not needed stays."""

from __future__ import annotations

from surveyor.model_testing.shrinking import is_possible, shortened
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteService,
    Deregister,
    Discover,
    Get,
    History,
    List,
    Register,
    RegisterMany,
    told,
)

RED = (("AWS_INSTANCE_IPV4", "192.0.2.1"), ("colour", "red"))
LONG: History = (
    CreateNamespace("n2", "private"),
    CreateService("n2/b", "A", custom=True),
    Register("n2/b", "i-3", RED),
    Get("n2/b", "i-1"),
    Advance(61.0),
    CreateNamespace("n1", "http"),
    RegisterMany("n2/b"),
    Register("n2/b", "i-3", RED),
    Deregister("n2/b", "i-2"),
    List("n2/b"),
)


def registered_twice(history: History) -> bool:
    """Whether one id is registered twice before an end that lists."""
    registered = [step.instance for step in history if isinstance(step, Register)]
    return isinstance(history[-1], List) and len(set(registered)) < len(registered)


def test_only_what_is_needed_stays() -> None:
    """Five calls show what ten showed, with first names and nothing that does not matter."""
    assert [told(step) for step in shortened(LONG, registered_twice)] == [
        "CreateNamespace n1",
        "CreateService n1/a",
        "Register n1/a i-1 colour=red",
        "Register n1/a i-1 colour=red",
        "List n1/a settle",
    ]


def test_nothing_impossible_is_tried() -> None:
    """A step about something that was not made, or has no records to ask for, is no history."""
    assert is_possible(LONG)
    start: History = (CreateNamespace("n1", "http"), CreateService("n1/a"))
    assert not is_possible(LONG[1:])
    assert not is_possible((*start, Ask("n1/a")))
    assert not is_possible((*start, DeleteService("n1/a"), Discover("n1/a")))
    assert not is_possible((start[0], CreateService("n1/a", "A")))
