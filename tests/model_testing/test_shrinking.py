"""Shortening of histories: unnecessary steps are removed."""

from __future__ import annotations

from surveyor.model_testing.shrinking import is_possible, shorten
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    GetInstance,
    History,
    ListInstances,
    QueryRecords,
    RegisterInstance,
    RegisterMany,
    describe_step,
)

RED = (("AWS_INSTANCE_IPV4", "192.0.2.1"), ("colour", "red"))
LONG: History = (
    CreateNamespace("n2", "private"),
    CreateService("n2/b", "A", custom=True),
    RegisterInstance("n2/b", "i-3", RED),
    GetInstance("n2/b", "i-1"),
    Advance(61.0),
    CreateNamespace("n1", "http"),
    RegisterMany("n2/b"),
    RegisterInstance("n2/b", "i-3", RED),
    DeregisterInstance("n2/b", "i-2"),
    ListInstances("n2/b"),
)


def registered_twice(history: History) -> bool:
    """Return whether an id is registered twice and the last step lists instances."""
    registered = [step.instance for step in history if isinstance(step, RegisterInstance)]
    return isinstance(history[-1], ListInstances) and len(set(registered)) < len(registered)


def test_only_necessary_steps_stay() -> None:
    """Five calls with canonical names and default values remain of ten."""
    assert [describe_step(step) for step in shorten(LONG, registered_twice)] == [
        "CreateNamespace n1",
        "CreateService n1/a",
        "RegisterInstance n1/a i-1 colour=red",
        "RegisterInstance n1/a i-1 colour=red",
        "ListInstances n1/a settle",
    ]


def test_impossible_histories_are_recognised() -> None:
    """A history is impossible if a step uses something that was not created, or queries a service without records."""
    assert is_possible(LONG)
    start: History = (CreateNamespace("n1", "http"), CreateService("n1/a"))
    assert not is_possible(LONG[1:])
    assert not is_possible((*start, QueryRecords("n1/a")))
    assert not is_possible((*start, DeleteService("n1/a"), DiscoverInstances("n1/a")))
    assert not is_possible((start[0], CreateService("n1/a", "A")))
