"""Resolvers keep answers as their policy says, ask once for many callers, and go on with old addresses or none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.callers import CachePolicy, Resolver, ViewContents, ask_by_revision, fixed
from surveyor.callers import resolvers as module
from surveyor.errors import NoAnswer
from surveyor.history import ViewMember


class Time:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Return the wall seconds."""
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Return the clock of the resolvers."""
    clock = Time()
    monkeypatch.setattr(module, "time", clock)
    return clock


def answer(*addresses: str, ttl: float = 0.0, negative: float = 0.0) -> ViewContents:
    """Return an answer with these addresses."""
    return ViewContents({address: ViewMember(address) for address in addresses}, ttl=ttl, negative_ttl=negative)


class Asked:
    """Answers a question from a list, whose last item is repeated, and counts."""

    def __init__(self, *answers: ViewContents | Exception) -> None:
        self.answers, self.count = list(answers), 0

    def __call__(self) -> ViewContents:
        """Return the next answer."""
        self.count += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("policy", "given_answer", "lifetime"),
    [
        (CachePolicy(), answer("127.0.0.1", ttl=60), 60.0),
        (CachePolicy(), answer("127.0.0.1", ttl=0), 0.0),
        (CachePolicy(30.0, 10.0), answer("127.0.0.1", ttl=60), 30.0),
        (CachePolicy(30.0, 10.0), answer(negative=300), 10.0),
        (CachePolicy(None, None), answer(negative=24), 24.0),
        (CachePolicy(), answer(negative=24), 0.0),
    ],
)
def test_an_answer_is_kept_for_its_lifetime(
    wall: Time, policy: CachePolicy, given_answer: ViewContents, lifetime: float
) -> None:
    """The lifetime is in service seconds, ten of which pass in a wall second here."""
    asked = Asked(given_answer)
    resolver = Resolver(asked, policy, port=80, scale=10.0)
    assert resolver.resolve().addresses == given_answer.addresses(80)
    wall.now += max(0.0, lifetime / 10 - 0.01)
    resolver.resolve()
    assert asked.count == (1 if lifetime else 2)
    wall.now += 0.02
    resolver.resolve()
    assert asked.count == (2 if lifetime else 3)


def test_the_lifetime_counts_from_the_question_and_ends_before_the_margin(wall: Time) -> None:
    """An answer that took a second is kept a second less; the first one only for a share."""

    def slow() -> ViewContents:
        wall.now += 1.0
        return answer("127.0.0.1", ttl=10)

    resolver = Resolver(slow, CachePolicy(margin=0.5), first_share=0.5)
    resolver.resolve()
    assert wall.now == 1_001.0
    wall.now += 3.4  # 4.4 of 10 * 0.5 - 0.5
    resolver.resolve()
    assert wall.now == 1_004.4
    wall.now += 0.2
    resolver.resolve()
    assert wall.now == pytest.approx(1_005.6)
    wall.now += 8.4  # 9.4 of 10 - 0.5
    resolver.resolve()
    assert wall.now == pytest.approx(1_014.0)


@pytest.mark.parametrize("stale", [True, False])
def test_without_an_answer_old_addresses_are_used_or_none(wall: Time, *, stale: bool) -> None:
    """It is asked again a service second later, and counted."""
    asked = Asked(answer("127.0.0.1", ttl=10), NoAnswer("silence", actual="silence"))
    resolver = Resolver(asked, CachePolicy(serves_stale=stale), port=80)
    resolver.resolve()
    wall.now += 10
    assert resolver.resolve().addresses == ((("127.0.0.1", 80),) if stale else ())
    wall.now += 0.9
    resolver.resolve()
    assert (asked.count, resolver.unanswered) == (2, 1)
    wall.now += 0.2
    resolver.resolve()
    assert (asked.count, resolver.unanswered) == (3, 2)


def test_what_is_no_silence_is_raised(wall: Time) -> None:
    """A mistake in a question is not taken for a resolver that does not answer."""
    with pytest.raises(KeyError):
        Resolver(Asked(KeyError("Instances")), CachePolicy()).resolve()


def test_many_callers_ask_once() -> None:
    """While one asks the others wait for its answer."""
    entered, released, asked = threading.Event(), threading.Event(), []

    def ask() -> ViewContents:
        asked.append(time.monotonic())
        entered.set()
        released.wait(5)
        return answer("127.0.0.1", ttl=60)

    resolver = Resolver(ask, CachePolicy(), port=80)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(resolver.resolve().addresses))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert entered.wait(5)
    released.set()
    for thread in threads:
        thread.join(5)
    assert (found, len(asked)) == ([1] * 8, 1)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_instances_are_discovered_when_the_revision_changes(revisions: list[int]) -> None:
    """DiscoverInstances is called for each new revision, and not for the one that is known."""

    class Registry:
        def __init__(self) -> None:
            self.revision, self.discovered = 0, 0

        def discover_instances_revision(self, **params: Any) -> dict[str, Any]:
            assert params == {"NamespaceName": "ns", "ServiceName": "web", "OwnerAccount": "1"}
            return {"InstancesRevision": self.revision}

        def discover_instances(self, **_: Any) -> dict[str, Any]:
            self.discovered += 1
            attributes = {"AWS_INSTANCE_IPV4": f"127.0.0.{self.revision}", "AWS_INSTANCE_PORT": "90"}
            return {"Instances": [{"InstanceId": "i", "Attributes": attributes}, {"InstanceId": "named"}]}

    registry = Registry()
    ask: Callable[[], ViewContents] = ask_by_revision(registry, "ns", "web", owner="1")
    changes, before = 0, None
    for registry.revision in revisions:
        changes += registry.revision != before
        before = registry.revision
        assert ask().addresses(80) == ((f"127.0.0.{registry.revision}", 90),)
    assert registry.discovered == changes


def test_fixed_addresses_keep_their_ports() -> None:
    """A proxy of the client is known by its address and port."""
    assert fixed(("127.0.0.1", 15_000)).addresses(80) == (("127.0.0.1", 15_000),)
