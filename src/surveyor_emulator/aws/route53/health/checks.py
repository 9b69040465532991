"""Health checks as objects: made, found, changed, deleted. The prober probes them.

The seam between the two is ``observe``: it tells what was concluded, and answers go by it at once.
"""

from __future__ import annotations

from dataclasses import replace

from surveyor_emulator.aws.route53.published import published
from surveyor_emulator.aws.route53.shapes import plain_id
from surveyor_emulator.aws.route53.state import HealthCheck, HealthCheckConfig, Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.events import Event
from surveyor_emulator.core.world import World

from .rules import check_config

__all__ = ["add_check", "change_check", "find_check", "is_healthy", "leave_later", "observe", "remove_check"]

_HEX = "0123456789abcdef"


def find_check(state: Route53State, check_id: str) -> HealthCheck:
    """The health check with this id; NoSuchHealthCheck."""
    check = state.health_checks.get(plain_id(check_id))
    if check is None:
        raise ServiceError("NoSuchHealthCheck", f"no health check has the id {plain_id(check_id)}")
    return check


def add_check(
    world: World, account: str, config: HealthCheckConfig, *, caller_reference: str, owner: str | None = None
) -> HealthCheck:
    """A new health check. Raises InvalidInput, and TooManyHealthChecks; those that are leaving do not count."""
    check_config(config, loopback=world.settings.probe_loopback)
    state = world.in_account(Route53State, account)
    active = sum(not check.leaving for check in state.health_checks.values())
    if active >= world.settings.quotas.health_checks:
        raise ServiceError("TooManyHealthChecks", f"account {account} has {active} active health checks, its limit")
    check_id = "-".join(world.new_id(length, _HEX) for length in (8, 4, 4, 4, 12))
    check = state.health_checks[check_id] = HealthCheck(check_id, caller_reference, config, owner=owner)
    return check


def change_check(world: World, account: str, changed: HealthCheck) -> None:
    """Put it in the place of the one with its id."""
    world.in_account(Route53State, account).health_checks[changed.id] = changed
    published(world).touch()


def remove_check(world: World, account: str, check: HealthCheck) -> None:
    """Forget a health check; its caller reference stays spent."""
    state = world.in_account(Route53State, account)
    state.health_checks.pop(check.id, None)
    state.checkers.pop(check.id, None)
    state.followers.pop(check.id, None)
    state.spent_references.add(check.caller_reference)
    state.tags.pop(("healthcheck", check.id), None)
    published(world).touch()


def leave_later(world: World, account: str, check: HealthCheck) -> None:
    """Forget it after the delay that Route 53 documents for checks that another service deleted."""
    state = world.in_account(Route53State, account)
    state.followers.pop(check.id, None)
    gone = state.health_checks[check.id] = replace(check, leaving=True)
    world.later(world.settings.health_check_removal, remove_check, world, account, gone)


def observe(world: World, account: str, check_id: str, *, healthy: bool) -> None:
    """What the prober concluded about a check's endpoint now; of a check that is gone, nothing."""
    state = world.in_account(Route53State, account)
    check = state.health_checks.get(check_id)
    if check is None or check.observed is healthy:
        return
    now = state.health_checks[check_id] = replace(check, observed=healthy)
    published(world).touch()
    if now.healthy is not check.healthy:
        word = "HEALTHY" if now.healthy else "UNHEALTHY"
        world.events.add(Event(world.clock.now(), "health-check.changed", account, "", check_id, word))
        if check_id in state.followers:
            state.followers[check_id](now.healthy)


def is_healthy(state: Route53State, check_id: str) -> bool:
    """What answers go by: a check that is gone counts as healthy, a calculated one asks its children."""
    check = state.health_checks.get(check_id)
    if check is None:
        return True
    if check.config.type != "CALCULATED" or check.config.disabled:
        return check.healthy
    well = sum(_is_child_healthy(state, child) for child in check.config.children)
    return (well >= (check.config.health_threshold or 0)) is not check.config.inverted


def _is_child_healthy(state: Route53State, child_id: str) -> bool:
    # A calculated check cannot be a child of another (Route 53 Developer Guide, "Values that you specify when you
    # create or update health checks"), so this goes no deeper.
    child = state.health_checks.get(child_id)
    return child is None or child.healthy
