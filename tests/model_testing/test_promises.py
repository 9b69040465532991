"""What the model promises of answers: sets where documents leave room, one answer where they do not."""

from __future__ import annotations

import pytest

from surveyor.claims import load_claims
from surveyor.layout import find_layout
from surveyor.model_testing.checks import Answer, Entry, Observation, Refused
from surveyor.model_testing.claim_ids import CLAIMS, ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.promises import diverges, revision_seen
from surveyor.model_testing.registry import Registry, after
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteService,
    Deregister,
    Discover,
    Get,
    HealthOf,
    List,
    Register,
    RegisterMany,
    Report,
    Step,
)

SPACE = CreateNamespace("n1", "private")
RED = (("AWS_INSTANCE_IPV4", "192.0.2.1"), ("colour", "red"))
BLUE = (("AWS_INSTANCE_IPV4", "192.0.2.2"), ("colour", "blue"))
LATER = 10_000.0


def made(*steps: Step, seconds: float = 0.0) -> Registry:
    """The registry after these steps, each of which takes no time; Advance moves the time."""
    registry, now = Registry(), seconds
    for step in steps:
        now += step.seconds if isinstance(step, Advance) else 0.0
        registry = after(registry, step, Moment(now, now))
    return registry


def judged(registry: Registry, step: Step, seen: Observation, time: float = LATER) -> str | None:
    """The claim that an answer breaks at that time, or None."""
    broken = diverges(registry, step, seen, Moment(time, time))
    return broken.promise.claim if broken else None


def names(*those: str) -> Answer:
    """An answer of DNS."""
    return Answer(tuple(Entry(one) for one in those))


def listed(*those: tuple[str, tuple[tuple[str, str], ...]]) -> Answer:
    """An answer of ListInstances."""
    return Answer(tuple(Entry(name, pairs) for name, pairs in those))


def test_every_claim_that_the_model_rests_on_exists() -> None:
    """A promise without a claim would be an opinion."""
    assert set(load_claims(find_layout().claims).by_id) >= CLAIMS


def test_one_id_twice_is_a_ghost_at_any_time() -> None:
    """However soon after the calls: an id comes once."""
    registry = made(SPACE, CreateService("n1/a"), Register("n1/a", "i-1", RED), Register("n1/a", "i-1", BLUE))
    assert judged(registry, List("n1/a"), listed(("i-1", RED), ("i-1", BLUE)), time=0.0) == ClaimId.AGAIN_UPDATES


def test_either_registration_may_be_seen_for_a_minute_and_then_the_last() -> None:
    """What was registered before is permitted until the change is to be seen, and not after."""
    registry = made(SPACE, CreateService("n1/a"), Register("n1/a", "i-1", RED), Register("n1/a", "i-1", BLUE))
    outcomes = [judged(registry, List("n1/a"), listed(("i-1", one)), time) for one in (RED, BLUE) for time in (59, 60)]
    assert outcomes == [None, ClaimId.AGAIN_UPDATES, None, None]


def test_left_out_attributes_are_gone() -> None:
    """An attribute that survives being left out is told as that."""
    registry = made(SPACE, CreateService("n1/a"), Register("n1/a", "i-1", RED), Register("n1/a", "i-1", RED[:1]))
    assert judged(registry, List("n1/a"), listed(("i-1", RED))) == ClaimId.AGAIN_REPLACES


def test_deregistered_instances_may_linger_for_a_minute() -> None:
    """Both answers are permitted for a minute, then only their absence, in each view."""
    registry = made(SPACE, CreateService("n1/a", "A"), Register("n1/a", "i-1", RED), Deregister("n1/a", "i-1"))
    for step, seen, claim in (
        (List("n1/a"), listed(("i-1", RED)), ClaimId.GONE),
        (Get("n1/a", "i-1"), listed(("i-1", RED)), ClaimId.GONE),
        (Ask("n1/a"), names("192.0.2.1"), ClaimId.GONE_FROM_DNS),
    ):
        assert judged(registry, step, seen, time=30.0) is None
        assert judged(registry, step, seen) == claim
    assert judged(registry, Get("n1/a", "i-1"), Refused("InstanceNotFound")) is None
    assert judged(registry, Ask("n1/a"), names()) is None


def test_custom_status_takes_about_thirty_seconds() -> None:
    """UNHEALTHY is not permitted before, and nothing else when it must be seen everywhere."""
    service = CreateService("n1/a", custom=True)
    registry = made(SPACE, service, Register("n1/a", "i-1", RED), Advance(100), Report("n1/a", "i-1", "UNHEALTHY"))
    healthy, unhealthy = (Answer((Entry("i-1", health=one),)) for one in ("HEALTHY", "UNHEALTHY"))
    look = HealthOf("n1/a")
    assert [judged(registry, look, unhealthy, time) for time in (129, 130, 191)] == [ClaimId.THIRTY_SECONDS, None, None]
    assert [judged(registry, look, healthy, time) for time in (129, 189, 190)] == [None, None, ClaimId.THIRTY_SECONDS]


def test_opposite_status_cancels() -> None:
    """What was taken back within 30 seconds never shows."""
    reports = (Report("n1/a", "i-1", "UNHEALTHY"), Advance(15), Report("n1/a", "i-1", "HEALTHY"))
    registry = made(SPACE, CreateService("n1/a", custom=True), Register("n1/a", "i-1", RED), Advance(100), *reports)
    unhealthy = Answer((Entry("i-1", health="UNHEALTHY"),))
    assert judged(registry, HealthOf("n1/a"), unhealthy, time=140.0) == ClaimId.OPPOSITE_CANCELS


def test_health_after_registering_again_is_open() -> None:
    """No document says whether the reported status survives: both are permitted for ever."""
    again = (Report("n1/a", "i-1", "UNHEALTHY"), Advance(200), Register("n1/a", "i-1", BLUE))
    registry = made(SPACE, CreateService("n1/a", custom=True), Register("n1/a", "i-1", RED), *again)
    for status in ("HEALTHY", "UNHEALTHY"):
        assert judged(registry, HealthOf("n1/a"), Answer((Entry("i-1", health=status),))) is None


@pytest.mark.parametrize(
    ("count", "claim"), [(0, ClaimId.AT_MOST_EIGHT), (1, None), (8, None), (9, ClaimId.AT_MOST_EIGHT)]
)
def test_more_than_eight_records_give_up_to_eight(count: int, claim: str | None) -> None:
    """Which eight is open; none, and nine, are not."""
    two = (Register("n1/a", "i-1", RED), Register("n1/a", "i-2", BLUE))
    registry = made(SPACE, CreateService("n1/a", "A"), *two, RegisterMany("n1/a"))
    every = ["192.0.2.1", "192.0.2.2", *(f"192.0.2.{100 + number}" for number in range(7))]
    assert judged(registry, Ask("n1/a"), names(*every[:count])) == claim


def test_eight_records_all_come() -> None:
    """With eight, seven are too few."""
    registry = made(SPACE, CreateService("n1/a", "A"), Register("n1/a", "i-1", RED), RegisterMany("n1/a"))
    every = ["192.0.2.1", *(f"192.0.2.{100 + number}" for number in range(7))]
    assert judged(registry, Ask("n1/a"), names(*every)) is None
    assert judged(registry, Ask("n1/a"), names(*every[1:])) == ClaimId.ALL_UP_TO_EIGHT


def test_without_a_healthy_instance_all_are_answered() -> None:
    """Unhealthy ones are left out beside a healthy one, and answered where there is none."""
    down = (*RED, ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY"))
    service = CreateService("n1/a", "A", custom=True)
    alone = made(SPACE, service, Register("n1/a", "i-1", down))
    beside = made(SPACE, service, Register("n1/a", "i-1", down), Register("n1/a", "i-2", BLUE))
    assert judged(alone, Ask("n1/a"), names("192.0.2.1")) is None
    assert judged(alone, Ask("n1/a"), names()) == ClaimId.ALL_UP_TO_EIGHT
    assert judged(beside, Ask("n1/a"), names("192.0.2.2")) is None
    assert judged(beside, Ask("n1/a"), names("192.0.2.1", "192.0.2.2")) == ClaimId.FAILS_OPEN


def test_failing_open_beside_a_query_may_go_either_way() -> None:
    """Whether "none is healthy" is about all or about those that match is not documented."""
    down = (*RED, ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY"))
    service = CreateService("n1/a", custom=True)
    registry = made(SPACE, service, Register("n1/a", "i-1", down), Register("n1/a", "i-2", BLUE))
    look = Discover("n1/a", "HEALTHY_OR_ELSE_ALL", (("colour", "red"),))
    assert judged(registry, look, Answer((), 1)) is None
    assert judged(registry, look, Answer((Entry("i-1", RED, "UNHEALTHY"),), 1)) is None


def test_former_attributes_found_by_a_query_are_no_wrong_filter() -> None:
    """Found by what was registered before: the blame is on what should have been replaced; else on the filter."""
    registry = made(SPACE, CreateService("n1/a"), Register("n1/a", "i-1", RED), Register("n1/a", "i-1", BLUE))
    former, never = (Discover("n1/a", query=(("colour", colour),)) for colour in ("red", "green"))
    assert judged(registry, former, Answer((Entry("i-1", RED, "UNKNOWN"),), 1)) == ClaimId.AGAIN_UPDATES
    assert judged(registry, never, Answer((Entry("i-1", BLUE, "UNKNOWN"),), 1)) == ClaimId.QUERY


def test_revision_rises_with_members_only() -> None:
    """Other members with no larger revision diverge, and so does a revision that moves by itself."""
    registry = made(SPACE, CreateService("n1/a"), Register("n1/a", "i-1", RED))
    one = Entry("i-1", RED, "UNKNOWN")
    look, at = Discover("n1/a"), Moment(LATER, LATER)
    seen = revision_seen(registry, look, Answer((one,), 5), at)
    assert judged(seen, look, Answer((one,), 5)) is None
    assert judged(seen, look, Answer((one,), 6)) == ClaimId.REVISION
    more = after(seen, Register("n1/a", "i-2", BLUE), Moment(LATER, LATER))
    both = (one, Entry("i-2", BLUE, "UNKNOWN"))
    assert judged(more, look, Answer(both, 5), time=2 * LATER) == ClaimId.REVISION
    assert judged(more, look, Answer(both, 6), time=2 * LATER) is None


def test_refusals_that_documents_demand() -> None:
    """A full service stays, a taken name is refused, an incomplete instance too; a refused call changes nothing."""
    registry = made(SPACE, CreateService("n1/a", "A"), Register("n1/a", "i-1", RED))
    for step, code in (
        (DeleteService("n1/a"), "ResourceInUse"),
        (CreateService("n1/a"), "ServiceAlreadyExists"),
        (Register("n1/a", "i-2", (("colour", "red"),)), "InvalidInput"),
        (Report("n1/a", "i-1", "UNHEALTHY"), "CustomHealthNotFound"),
        (Deregister("n1/a", "i-2"), "InstanceNotFound"),
    ):
        assert judged(registry, step, Refused(code)) is None
        assert judged(registry, step, Answer()) is not None
        assert after(registry, step, Moment(LATER, LATER)) == registry
