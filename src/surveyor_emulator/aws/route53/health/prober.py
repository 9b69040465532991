"""Probes endpoints, each from several checkers, and concludes from what they think.

HealthCheckConfig of servicediscovery and route53, and Route 53 Developer Guide, "How Amazon Route 53 determines whether
a health check is healthy": every checker probes again 30 (or 10) seconds after its last result, and thinks otherwise
once the threshold of results in a row says so; the endpoint is healthy if more than 18 % of the checkers think so.

A probe is wall time. On a clock that is advanced it belongs to the instant at which it begins, and a result that took
a limit's time counts at the end of that limit. There the checkers of a check begin at one instant, so that an endpoint
that hangs costs one wait for all sixteen; an endpoint that hung for them all three times within one advance, when
nobody outside can have changed it, is waited for a tenth of the time until that advance is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import Answer, Scope, resolve
from surveyor_emulator.aws.route53.published import published
from surveyor_emulator.aws.route53.state import Checker, HealthCheck, HealthCheckConfig, Report, Route53State
from surveyor_emulator.core.world import World

from .checks import observe
from .probe import Limits, Outcome, probe
from .rules import ENDPOINTS, is_loopback

__all__ = ["REGIONS", "watch"]

REGIONS = (
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-1",
    "us-west-2",
)
"""Where checkers are unless a check names regions (route53/HealthCheckConfig.Regions)."""

# Probes at once, of all checks together; each has a socket.
AT_ONCE = 256
PATIENT_ROUNDS = 3
IMPATIENCE = 0.1


@dataclass(slots=True)
class _Round:
    """Checkers of one check that probe at the same instants. ``silent`` counts rounds in which all of them hung."""

    world: World
    account: str
    check_id: str
    everyone: list[Checker]
    checkers: Sequence[Checker]
    silent: int = 0
    advance: int = 0


class _Gate(asyncio.Semaphore):
    """The world's limit on probes at once."""

    def __init__(self) -> None:
        super().__init__(AT_ONCE)


def watch(world: World, account: str, check: HealthCheck) -> None:
    """Begin to probe a check's endpoint; nothing where that has begun, or where it may not be probed."""
    state = world.in_account(Route53State, account)
    if check.id in state.checkers or not _is_probed(world, check):
        return
    everyone = [
        # Each at a loopback address of its own, so that an endpoint can tell them apart.
        Checker(region, f"127.53.{REGIONS.index(region) + 1}.{number + 1}")
        for region in check.config.regions or REGIONS
        for number in range(world.settings.checkers_per_region)
    ]
    state.checkers[check.id] = everyone
    for together in [everyone] if world.clock.scale is None else [[checker] for checker in everyone]:
        first = world.chance.uniform(0, check.config.request_interval)
        world.clock.call_later(first, _begin, _Round(world, account, check.id, everyone, together))


def _begin(turn: _Round) -> None:
    check = _current(turn)
    if check is None:
        return
    if not _is_probed(turn.world, check):
        del turn.world.in_account(Route53State, turn.account).checkers[check.id]
    elif check.config.disabled:
        turn.world.clock.call_later(check.config.request_interval, _begin, turn)
    else:
        turn.world.clock.run(_probe(turn, check))


async def _probe(turn: _Round, check: HealthCheck) -> None:
    clock = turn.world.clock
    address = _address(turn.world, check.config)
    if address == "":
        outcomes = [Outcome(False, "DNS resolution failed.")] * len(turn.checkers)
    elif address is None or not is_loopback(address):
        clock.call_later(check.config.request_interval, _begin, turn)
        return
    else:
        if clock.advances != turn.advance:
            turn.advance, turn.silent = clock.advances, 0
        limits = _limits(turn)
        gate = turn.world.in_account(_Gate, "")

        async def one(checker: Checker) -> Outcome:
            async with gate:
                return await probe(check.config, check.id, address, checker.address, limits)

        outcomes = await asyncio.gather(*map(one, turn.checkers))
    turn.silent = turn.silent + 1 if all(outcome.waited for outcome in outcomes) else 0
    for waited in sorted({outcome.waited for outcome in outcomes}):
        some = [(who, actual) for who, actual in zip(turn.checkers, outcomes, strict=True) if actual.waited == waited]
        part = _Round(
            turn.world, turn.account, turn.check_id, turn.everyone, [who for who, _ in some], turn.silent, turn.advance
        )
        # On a flowing clock the wait is over; one that stands still has it before it.
        if waited and clock.scale is None:
            clock.call_later(waited, _conclude, part, [actual for _, actual in some])
        else:
            _conclude(part, [actual for _, actual in some])


def _conclude(turn: _Round, outcomes: Sequence[Outcome]) -> None:
    check = _current(turn)
    if check is None:
        return
    world = turn.world
    for checker, outcome in zip(turn.checkers, outcomes, strict=True):
        checker.last = Report(outcome.well, outcome.reason, world.clock.now())
        if not outcome.well:
            checker.last_failure = checker.last
        checker.streak = checker.streak + 1 if outcome.well is not checker.healthy else 0
        if checker.streak >= check.config.failure_threshold:
            checker.healthy, checker.streak = outcome.well, 0
    share = sum(checker.healthy for checker in turn.everyone) / len(turn.everyone)
    observe(world, turn.account, check.id, healthy=share > world.settings.healthy_share)
    world.clock.call_later(check.config.request_interval, _begin, turn)


def _current(turn: _Round) -> HealthCheck | None:
    """The check as it is now; None once it is gone or has other checkers."""
    state = turn.world.in_account(Route53State, turn.account)
    check = state.health_checks.get(turn.check_id)
    if check is None or check.leaving or state.checkers.get(check.id) is not turn.everyone:
        return None
    return check


def _is_probed(world: World, check: HealthCheck) -> bool:
    config = check.config
    if not world.settings.probe_loopback or config.type not in ENDPOINTS:
        return False
    return config.ip_address is None or is_loopback(config.ip_address)


def _limits(turn: _Round) -> Limits:
    settings, scale = turn.world.settings, turn.world.clock.scale
    wall = settings.probe_wall
    if scale is not None:
        wall = max(1 / scale, wall)
    elif turn.silent >= PATIENT_ROUNDS:
        wall *= IMPATIENCE
    return Limits(settings.probe_tcp_connect, settings.probe_connect, settings.probe_answer, wall)


def _address(world: World, config: HealthCheckConfig) -> str | None:
    """What is probed; "" for a name of a public zone that has no IPv4 address, None for a name of no zone of ours."""
    if config.ip_address is not None:
        return config.ip_address
    try:
        name = names.canonical(config.fully_qualified_domain_name or "")
    except ValueError:
        return ""
    answer: Answer = resolve(Scope(world, {}, published(world).public(), recursive=True), name, "A")
    while answer.weighted:
        answer = world.chance.choice(answer.weighted)[1]
    if answer.rcode == "REFUSED":
        return None
    rows = [*answer.rows, *(row for option in answer.shuffled for row in option)]
    return next((row.value for row in rows if row.type == "A"), "")
