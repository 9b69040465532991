"""Health checks have a result that answers use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor_emulator.aws.route53.health_checks import add_check, is_healthy, record_observation, remove_check
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.state import HealthCheckConfig, Route53HealthCheck, Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT = "111111111111"
TCP = HealthCheckConfig("TCP", "192.0.2.1", 80)


@pytest.fixture
def state(world: World) -> Route53State:
    """Return the account's state."""
    return world.in_account(Route53State, ACCOUNT)


def test_a_check_is_healthy_until_it_has_a_result(world: World, state: Route53State) -> None:
    """Afterwards it is as observed, and answers change with it (Developer Guide, determining health)."""
    check = add_check(world, ACCOUNT, TCP, caller_reference="1")
    before = published_zones(world).generation
    assert is_healthy(state, check.id)
    record_observation(world, ACCOUNT, check.id, healthy=True)
    record_observation(world, ACCOUNT, check.id, healthy=False)
    assert not is_healthy(state, check.id)
    assert published_zones(world).generation == before + 2
    record_observation(world, ACCOUNT, check.id, healthy=False)
    assert published_zones(world).generation == before + 2


def test_results_for_a_deleted_check_are_ignored(world: World, state: Route53State) -> None:
    """A probe may end after its check was deleted."""
    check = add_check(world, ACCOUNT, TCP, caller_reference="1")
    remove_check(world, ACCOUNT, check)
    record_observation(world, ACCOUNT, check.id, healthy=False)
    assert not state.health_checks
    assert is_healthy(state, check.id)


@pytest.mark.parametrize(
    ("changes", "observed", "expected"),
    [
        ({"disabled": True}, False, True),
        ({"disabled": True, "inverted": True}, True, False),
        ({"inverted": True}, None, True),
        ({"inverted": True}, True, False),
        ({"inverted": True}, False, True),
    ],
)
def test_disabled_and_inverted_checks(changes: dict[str, bool], *, observed: bool | None, expected: bool) -> None:
    """A disabled check is healthy, an inverted check inverts its state (route53/HealthCheckConfig.Disabled)."""
    config = replace(TCP, **changes)  # type: ignore[arg-type]  # fields by name
    assert Route53HealthCheck("1", "1", config, observed=observed).healthy is expected


@pytest.mark.parametrize(("threshold", "expected"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_calculated_checks_count_their_children(
    world: World, state: Route53State, threshold: int, *, expected: bool
) -> None:
    """A calculated check is healthy if enough children are healthy (route53/HealthCheckConfig.HealthThreshold)."""
    children = [add_check(world, ACCOUNT, TCP, caller_reference=str(n)).id for n in range(3)]
    record_observation(world, ACCOUNT, children[0], healthy=False)
    config = HealthCheckConfig("CALCULATED", health_threshold=threshold, children=tuple(children))
    parent = add_check(world, ACCOUNT, config, caller_reference="parent")
    assert is_healthy(state, parent.id) is expected
    inverted = add_check(world, ACCOUNT, replace(config, inverted=True), caller_reference="inverted")
    assert is_healthy(state, inverted.id) is not expected


def test_accounts_have_a_quota_of_checks(world: World) -> None:
    """A check beyond the quota is TooManyHealthChecks."""
    for n in range(world.settings.quotas.health_checks):
        add_check(world, ACCOUNT, TCP, caller_reference=str(n))
    with pytest.raises(ServiceError, match="TooManyHealthChecks"):
        add_check(world, ACCOUNT, TCP, caller_reference="one more")
