"""Promises of the reference model: a set of answers where documents leave them open, one answer otherwise."""

from __future__ import annotations

import pytest

from surveyor.claims import load_claims
from surveyor.layout import find_layout
from surveyor.model_testing.checks import Observation, ObservedAnswer, ObservedError, ObservedInstance
from surveyor.model_testing.claim_ids import CLAIMS, ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.promises import find_divergence, record_revision
from surveyor.model_testing.registry import ModelRegistry, apply_step
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    GetHealth,
    GetInstance,
    ListInstances,
    QueryRecords,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Step,
)

SPACE = CreateNamespace("n1", "private")
RED = (("AWS_INSTANCE_IPV4", "192.0.2.1"), ("colour", "red"))
BLUE = (("AWS_INSTANCE_IPV4", "192.0.2.2"), ("colour", "blue"))
LATER = 10_000.0


def registry_after(*steps: Step, seconds: float = 0.0) -> ModelRegistry:
    """Return the registry after these steps, each of which takes no time; Advance lets time pass."""
    registry, now = ModelRegistry(), seconds
    for step in steps:
        now += step.seconds if isinstance(step, Advance) else 0.0
        registry = apply_step(registry, step, Moment(now, now))
    return registry


def broken_claim(registry: ModelRegistry, step: Step, observed: Observation, time: float = LATER) -> str | None:
    """Return the claim that an answer breaks at that time, or None."""
    divergence = find_divergence(registry, step, observed, Moment(time, time))
    return divergence.promise.claim if divergence else None


def dns_answer(*values: str) -> ObservedAnswer:
    """Return an answer of DNS."""
    return ObservedAnswer(tuple(ObservedInstance(value) for value in values))


def list_answer(*instances: tuple[str, tuple[tuple[str, str], ...]]) -> ObservedAnswer:
    """Return an answer of ListInstances."""
    return ObservedAnswer(tuple(ObservedInstance(name, pairs) for name, pairs in instances))


def test_every_claim_of_the_model_exists() -> None:
    """Every promise of the model has a claim."""
    assert set(load_claims(find_layout().claims).by_id) >= CLAIMS


def test_duplicate_id_is_never_permitted() -> None:
    """However soon after the calls, an id is returned only once."""
    registry = registry_after(
        SPACE, CreateService("n1/a"), RegisterInstance("n1/a", "i-1", RED), RegisterInstance("n1/a", "i-1", BLUE)
    )
    assert (
        broken_claim(registry, ListInstances("n1/a"), list_answer(("i-1", RED), ("i-1", BLUE)), time=0.0)
        == ClaimId.AGAIN_UPDATES
    )


def test_earlier_registration_is_permitted_for_a_minute() -> None:
    """The earlier registration is permitted until the change must be visible, and not after."""
    registry = registry_after(
        SPACE, CreateService("n1/a"), RegisterInstance("n1/a", "i-1", RED), RegisterInstance("n1/a", "i-1", BLUE)
    )
    outcomes = [
        broken_claim(registry, ListInstances("n1/a"), list_answer(("i-1", pairs)), time)
        for pairs in (RED, BLUE)
        for time in (59, 60)
    ]
    assert outcomes == [None, ClaimId.AGAIN_UPDATES, None, None]


def test_omitted_attributes_are_removed() -> None:
    """An attribute that was omitted when registering again must not be returned."""
    registry = registry_after(
        SPACE, CreateService("n1/a"), RegisterInstance("n1/a", "i-1", RED), RegisterInstance("n1/a", "i-1", RED[:1])
    )
    assert broken_claim(registry, ListInstances("n1/a"), list_answer(("i-1", RED))) == ClaimId.AGAIN_REPLACES


def test_deregistered_instances_are_permitted_for_a_minute() -> None:
    """A deregistered instance may be returned for a minute, then not, in each view."""
    registry = registry_after(
        SPACE, CreateService("n1/a", "A"), RegisterInstance("n1/a", "i-1", RED), DeregisterInstance("n1/a", "i-1")
    )
    for step, answer, claim in (
        (ListInstances("n1/a"), list_answer(("i-1", RED)), ClaimId.DEREGISTERED),
        (GetInstance("n1/a", "i-1"), list_answer(("i-1", RED)), ClaimId.DEREGISTERED),
        (QueryRecords("n1/a"), dns_answer("192.0.2.1"), ClaimId.DEREGISTERED_FROM_DNS),
    ):
        assert broken_claim(registry, step, answer, time=30.0) is None
        assert broken_claim(registry, step, answer) == claim
    assert broken_claim(registry, GetInstance("n1/a", "i-1"), ObservedError("InstanceNotFound")) is None
    assert broken_claim(registry, QueryRecords("n1/a"), dns_answer()) is None


def test_custom_status_takes_about_thirty_seconds() -> None:
    """UNHEALTHY is not permitted earlier, and nothing else once it must be visible everywhere."""
    service = CreateService("n1/a", custom=True)
    registry = registry_after(
        SPACE, service, RegisterInstance("n1/a", "i-1", RED), Advance(100), ReportHealth("n1/a", "i-1", "UNHEALTHY")
    )
    healthy, unhealthy = (
        ObservedAnswer((ObservedInstance("i-1", health=status),)) for status in ("HEALTHY", "UNHEALTHY")
    )
    read = GetHealth("n1/a")
    assert [broken_claim(registry, read, unhealthy, time) for time in (129, 130, 191)] == [
        ClaimId.THIRTY_SECONDS,
        None,
        None,
    ]
    assert [broken_claim(registry, read, healthy, time) for time in (129, 189, 190)] == [
        None,
        None,
        ClaimId.THIRTY_SECONDS,
    ]


def test_opposite_status_cancels() -> None:
    """A status that was cancelled within 30 seconds never takes effect."""
    reports = (ReportHealth("n1/a", "i-1", "UNHEALTHY"), Advance(15), ReportHealth("n1/a", "i-1", "HEALTHY"))
    registry = registry_after(
        SPACE, CreateService("n1/a", custom=True), RegisterInstance("n1/a", "i-1", RED), Advance(100), *reports
    )
    unhealthy = ObservedAnswer((ObservedInstance("i-1", health="UNHEALTHY"),))
    assert broken_claim(registry, GetHealth("n1/a"), unhealthy, time=140.0) == ClaimId.OPPOSITE_CANCELS


def test_health_after_registering_again_is_open() -> None:
    """No document says whether the reported status is kept: both are always permitted."""
    again = (ReportHealth("n1/a", "i-1", "UNHEALTHY"), Advance(200), RegisterInstance("n1/a", "i-1", BLUE))
    registry = registry_after(SPACE, CreateService("n1/a", custom=True), RegisterInstance("n1/a", "i-1", RED), *again)
    for status in ("HEALTHY", "UNHEALTHY"):
        assert (
            broken_claim(registry, GetHealth("n1/a"), ObservedAnswer((ObservedInstance("i-1", health=status),))) is None
        )


@pytest.mark.parametrize(
    ("count", "claim"), [(0, ClaimId.AT_MOST_EIGHT), (1, None), (8, None), (9, ClaimId.AT_MOST_EIGHT)]
)
def test_at_most_eight_records_are_returned(count: int, claim: str | None) -> None:
    """Of more than eight records any one to eight may be returned, not none and not nine."""
    two = (RegisterInstance("n1/a", "i-1", RED), RegisterInstance("n1/a", "i-2", BLUE))
    registry = registry_after(SPACE, CreateService("n1/a", "A"), *two, RegisterMany("n1/a"))
    values = ["192.0.2.1", "192.0.2.2", *(f"192.0.2.{100 + number}" for number in range(7))]
    assert broken_claim(registry, QueryRecords("n1/a"), dns_answer(*values[:count])) == claim


def test_eight_records_are_all_returned() -> None:
    """Of eight records, seven are too few."""
    registry = registry_after(
        SPACE, CreateService("n1/a", "A"), RegisterInstance("n1/a", "i-1", RED), RegisterMany("n1/a")
    )
    values = ["192.0.2.1", *(f"192.0.2.{100 + number}" for number in range(7))]
    assert broken_claim(registry, QueryRecords("n1/a"), dns_answer(*values)) is None
    assert broken_claim(registry, QueryRecords("n1/a"), dns_answer(*values[1:])) == ClaimId.ALL_UP_TO_EIGHT


def test_without_a_healthy_instance_all_are_returned() -> None:
    """Unhealthy instances are omitted if a healthy one exists, and returned if none does."""
    down = (*RED, ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY"))
    service = CreateService("n1/a", "A", custom=True)
    alone = registry_after(SPACE, service, RegisterInstance("n1/a", "i-1", down))
    beside = registry_after(
        SPACE, service, RegisterInstance("n1/a", "i-1", down), RegisterInstance("n1/a", "i-2", BLUE)
    )
    assert broken_claim(alone, QueryRecords("n1/a"), dns_answer("192.0.2.1")) is None
    assert broken_claim(alone, QueryRecords("n1/a"), dns_answer()) == ClaimId.ALL_UP_TO_EIGHT
    assert broken_claim(beside, QueryRecords("n1/a"), dns_answer("192.0.2.2")) is None
    assert broken_claim(beside, QueryRecords("n1/a"), dns_answer("192.0.2.1", "192.0.2.2")) == ClaimId.FAILS_OPEN


def test_failing_open_beside_a_query_may_go_either_way() -> None:
    """It is not documented whether "none is healthy" concerns all instances or the matching ones."""
    down = (*RED, ("AWS_INIT_HEALTH_STATUS", "UNHEALTHY"))
    service = CreateService("n1/a", custom=True)
    registry = registry_after(
        SPACE, service, RegisterInstance("n1/a", "i-1", down), RegisterInstance("n1/a", "i-2", BLUE)
    )
    read = DiscoverInstances("n1/a", "HEALTHY_OR_ELSE_ALL", (("colour", "red"),))
    assert broken_claim(registry, read, ObservedAnswer((), 1)) is None
    assert broken_claim(registry, read, ObservedAnswer((ObservedInstance("i-1", RED, "UNHEALTHY"),), 1)) is None


def test_match_by_former_attributes_is_not_a_wrong_filter() -> None:
    """A match by former attributes breaks the claim about replacement; any other match breaks that about the filter."""
    registry = registry_after(
        SPACE, CreateService("n1/a"), RegisterInstance("n1/a", "i-1", RED), RegisterInstance("n1/a", "i-1", BLUE)
    )
    former, never = (DiscoverInstances("n1/a", query=(("colour", colour),)) for colour in ("red", "green"))
    assert (
        broken_claim(registry, former, ObservedAnswer((ObservedInstance("i-1", RED, "UNKNOWN"),), 1))
        == ClaimId.AGAIN_UPDATES
    )
    assert (
        broken_claim(registry, never, ObservedAnswer((ObservedInstance("i-1", BLUE, "UNKNOWN"),), 1)) == ClaimId.QUERY
    )


def test_revision_rises_with_members_only() -> None:
    """Other members without a larger revision diverge, and so does a larger revision without other members."""
    registry = registry_after(SPACE, CreateService("n1/a"), RegisterInstance("n1/a", "i-1", RED))
    first = ObservedInstance("i-1", RED, "UNKNOWN")
    read, at = DiscoverInstances("n1/a"), Moment(LATER, LATER)
    seen = record_revision(registry, read, ObservedAnswer((first,), 5), at)
    assert broken_claim(seen, read, ObservedAnswer((first,), 5)) is None
    assert broken_claim(seen, read, ObservedAnswer((first,), 6)) == ClaimId.REVISION
    more = apply_step(seen, RegisterInstance("n1/a", "i-2", BLUE), Moment(LATER, LATER))
    both = (first, ObservedInstance("i-2", BLUE, "UNKNOWN"))
    assert broken_claim(more, read, ObservedAnswer(both, 5), time=2 * LATER) == ClaimId.REVISION
    assert broken_claim(more, read, ObservedAnswer(both, 6), time=2 * LATER) is None


def test_documented_refusals_are_expected() -> None:
    """Calls that the documents refuse must be refused, and change nothing in the model."""
    registry = registry_after(SPACE, CreateService("n1/a", "A"), RegisterInstance("n1/a", "i-1", RED))
    for step, code in (
        (DeleteService("n1/a"), "ResourceInUse"),
        (CreateService("n1/a"), "ServiceAlreadyExists"),
        (RegisterInstance("n1/a", "i-2", (("colour", "red"),)), "InvalidInput"),
        (ReportHealth("n1/a", "i-1", "UNHEALTHY"), "CustomHealthNotFound"),
        (DeregisterInstance("n1/a", "i-2"), "InstanceNotFound"),
    ):
        assert broken_claim(registry, step, ObservedError(code)) is None
        assert broken_claim(registry, step, ObservedAnswer()) is not None
        assert apply_step(registry, step, Moment(LATER, LATER)) == registry
