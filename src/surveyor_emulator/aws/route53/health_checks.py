"""Create, find, change and delete health checks, and evaluate their results.

The prober reports its results through ``record_observation``; answers use them without delay.
"""

from __future__ import annotations

from dataclasses import replace

from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.shapes import plain_id
from surveyor_emulator.aws.route53.state import HealthCheckConfig, ResourceOwner, Route53HealthCheck, Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.events import Event
from surveyor_emulator.core.world import World

from .health_check_rules import check_config

__all__ = [
    "add_check",
    "change_check",
    "find_check",
    "is_healthy",
    "record_observation",
    "remove_check",
    "remove_check_later",
]

_HEX = "0123456789abcdef"


def find_check(state: Route53State, check_id: str) -> Route53HealthCheck:
    """Return the health check with this id. Raise NoSuchHealthCheck."""
    check = state.health_checks.get(plain_id(check_id))
    if check is None:
        raise ServiceError("NoSuchHealthCheck", f"A health check with id {plain_id(check_id)} does not exist.")
    return check


def add_check(
    world: World, account: str, config: HealthCheckConfig, *, caller_reference: str, owner: ResourceOwner | None = None
) -> Route53HealthCheck:
    """Create a health check. Raise InvalidInput or TooManyHealthChecks; checks that are being deleted do not count."""
    check_config(config, loopback=world.settings.probe_loopback)
    state = world.in_account(Route53State, account)
    active = sum(not check.being_deleted for check in state.health_checks.values())
    if active >= world.settings.quotas.health_checks:
        raise ServiceError("TooManyHealthChecks", f"account {account} has {active} active health checks, its limit")
    check_id = "-".join(world.new_id(length, _HEX) for length in (8, 4, 4, 4, 12))
    check = state.health_checks[check_id] = Route53HealthCheck(check_id, caller_reference, config, owner=owner)
    return check


def change_check(world: World, account: str, changed: Route53HealthCheck) -> None:
    """Replace the health check that has the same id."""
    world.in_account(Route53State, account).health_checks[changed.id] = changed
    published_zones(world).touch()


def remove_check(world: World, account: str, check: Route53HealthCheck) -> None:
    """Remove a health check; its caller reference cannot be used again."""
    state = world.in_account(Route53State, account)
    state.health_checks.pop(check.id, None)
    state.checkers.pop(check.id, None)
    state.followers.pop(check.id, None)
    state.used_references.add(check.caller_reference)
    state.tags.pop(("healthcheck", check.id), None)
    published_zones(world).touch()


def remove_check_later(world: World, account: str, check: Route53HealthCheck) -> None:
    """Remove a health check after the delay that Route 53 documents for checks that another service deleted."""
    state = world.in_account(Route53State, account)
    state.followers.pop(check.id, None)
    gone = state.health_checks[check.id] = replace(check, being_deleted=True)
    world.later(world.settings.health_check_removal, remove_check, world, account, gone)


def record_observation(world: World, account: str, check_id: str, *, healthy: bool) -> None:
    """Record the prober's current conclusion about a check's endpoint; ignore it if the check has been removed."""
    state = world.in_account(Route53State, account)
    check = state.health_checks.get(check_id)
    if check is None or check.observed is healthy:
        return
    changed = state.health_checks[check_id] = replace(check, observed=healthy)
    published_zones(world).touch()
    if changed.healthy is not check.healthy:
        word = "HEALTHY" if changed.healthy else "UNHEALTHY"
        world.events.add(Event(world.clock.now(), "health-check.changed", account, "", check_id, word))
        if check_id in state.followers:
            state.followers[check_id](changed.healthy)


def is_healthy(state: Route53State, check_id: str) -> bool:
    """Whether answers treat a check as healthy: a removed check is healthy, a calculated one counts its children."""
    check = state.health_checks.get(check_id)
    if check is None:
        return True
    if check.config.type != "CALCULATED" or check.config.disabled:
        return check.healthy
    healthy = sum(_is_child_healthy(state, child) for child in check.config.children)
    return (healthy >= (check.config.health_threshold or 0)) is not check.config.inverted


def _is_child_healthy(state: Route53State, child_id: str) -> bool:
    # A calculated check cannot be a child of another (Route 53 Developer Guide, "Values that you specify when you
    # create or update health checks"), so this goes no deeper.
    child = state.health_checks.get(child_id)
    return child is None or child.healthy
