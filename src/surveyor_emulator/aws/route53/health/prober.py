"""Probe endpoints, each from several checkers, and conclude their health from the checkers' results.

HealthCheckConfig of servicediscovery and route53, and Route 53 Developer Guide, "How Amazon Route 53 determines whether
a health check is healthy": every checker probes again 30 (or 10) seconds after its last result, and changes its status
after a threshold of consecutive contrary results; the endpoint is healthy if more than 18 % of the checkers report it
healthy.

A probe takes wall time. On a clock that is advanced, it happens at the instant at which it begins, and a probe that
timed out counts at the end of its limit. There all checkers of a check begin at one instant, so that an endpoint that
does not respond costs one wait for all sixteen. If an endpoint has not responded to any checker three times within one
advance, during which it cannot change, the wait is a tenth as long until that advance is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from surveyor_emulator.aws.ec2.interfaces import interface_at
from surveyor_emulator.aws.ec2.traffic import address_for_checkers
from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import DnsAnswer, ResolutionScope, resolve
from surveyor_emulator.aws.route53.health_check_rules import ENDPOINTS, is_loopback
from surveyor_emulator.aws.route53.health_checks import record_observation
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.state import (
    Checker,
    HealthCheckConfig,
    ProbeReport,
    Route53HealthCheck,
    Route53State,
    VpcKey,
)
from surveyor_emulator.core.world import World

from .probe import ProbeLimits, ProbeOutcome, probe

__all__ = ["REGIONS", "start_probing"]

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
"""The default regions of checkers (route53/HealthCheckConfig.Regions)."""

# Concurrent probes of all checks together; each has a socket.
MAX_CONCURRENT_PROBES = 256
MAX_SILENT_ROUNDS = 3
SHORT_WAIT_SHARE = 0.1


@dataclass(slots=True)
class _Round:
    """Checkers of one check that probe at the same instants; ``silent`` counts rounds in which all timed out."""

    world: World
    account: str
    check_id: str
    all_checkers: list[Checker]
    checkers: Sequence[Checker]
    silent: int = 0
    advance: int = 0


class _Gate(asyncio.Semaphore):
    """The world's limit on concurrent probes."""

    def __init__(self) -> None:
        super().__init__(MAX_CONCURRENT_PROBES)


def start_probing(world: World, account: str, check: Route53HealthCheck) -> None:
    """Start to probe a check's endpoint, unless it is being probed already or must not be probed."""
    state = world.in_account(Route53State, account)
    if check.id in state.checkers or not _is_probed(world, check):
        return
    source = state.health_check_sources.get(check.config.source_id or "")
    places = (source.region,) if source is not None else check.config.regions or REGIONS
    each = len(source.config["SubnetConfigurationList"]) if source is not None else world.settings.checkers_per_region
    all_checkers = [
        # Each has a separate loopback address, so that an endpoint can distinguish them.
        Checker(region, f"127.53.{REGIONS.index(region) + 1 if region in REGIONS else 0}.{number + 1}")
        for region in places
        for number in range(each)
    ]
    state.checkers[check.id] = all_checkers
    for group in [all_checkers] if world.clock.scale is None else [[checker] for checker in all_checkers]:
        first = world.random.uniform(0, check.config.request_interval)
        world.clock.call_later(first, _begin, _Round(world, account, check.id, all_checkers, group))


def _begin(probe_round: _Round) -> None:
    check = _current(probe_round)
    if check is None:
        return
    if not _is_probed(probe_round.world, check):
        del probe_round.world.in_account(Route53State, probe_round.account).checkers[check.id]
    elif check.config.disabled:
        probe_round.world.clock.call_later(check.config.request_interval, _begin, probe_round)
    else:
        probe_round.world.clock.run(_probe(probe_round, check))


async def _probe(probe_round: _Round, check: Route53HealthCheck) -> None:
    clock = probe_round.world.clock
    address = _address(probe_round.world, probe_round.account, check.config)
    is_private = check.config.endpoint_type == "PRIVATE"
    behind = (
        None
        if is_private
        else address_for_checkers(probe_round.world, address, check.config.port or 80)
        if address
        else None
    )
    settings = probe_round.world.settings
    reaches_loopback = settings.probe_loopback or is_private
    # In a sandbox tasks have addresses of their subnets, which may be those of tasks in another account, too.
    is_in_subnet = is_private and settings.task_addresses == "subnet" and not is_loopback(address or "")
    is_here = bool(address) and (is_in_subnet or (reaches_loopback and is_loopback(address or "")))
    is_absent = is_in_subnet and not _is_in_vpc(probe_round, check.config, address or "")
    # A name may lead anywhere; CreateHealthCheck refuses such an address (IPAddress).
    is_own_loopback = check.config.ip_address is None and not is_here and bool(address) and is_loopback(address or "")
    if address == "":
        outcomes = [ProbeOutcome(False, "DNS resolution failed.")] * len(probe_round.checkers)
    elif behind == "" or is_own_loopback or is_absent:
        outcomes = [_silence(probe_round.world, check.config)] * len(probe_round.checkers)
    elif not address or (behind is None and not is_here):
        clock.call_later(check.config.request_interval, _begin, probe_round)
        return
    else:
        if clock.advances != probe_round.advance:
            probe_round.advance, probe_round.silent = clock.advances, 0
        limits = _limits(probe_round)
        gate = probe_round.world.in_account(_Gate, "")

        async def probe_from(checker: Checker) -> ProbeOutcome:
            async with gate:
                return await probe(check.config, check.id, address, checker.address, limits, behind or "")

        outcomes = await asyncio.gather(*map(probe_from, probe_round.checkers))
    probe_round.silent = probe_round.silent + 1 if all(outcome.timed_out_after for outcome in outcomes) else 0
    for timed_out_after in sorted({outcome.timed_out_after for outcome in outcomes}):
        pairs = [
            (checker, outcome)
            for checker, outcome in zip(probe_round.checkers, outcomes, strict=True)
            if outcome.timed_out_after == timed_out_after
        ]
        part = _Round(
            probe_round.world,
            probe_round.account,
            probe_round.check_id,
            probe_round.all_checkers,
            [checker for checker, _ in pairs],
            probe_round.silent,
            probe_round.advance,
        )
        # On a flowing clock the limit has passed; on an advanced clock it is still ahead.
        if timed_out_after and clock.scale is None:
            clock.call_later(timed_out_after, _conclude, part, [outcome for _, outcome in pairs])
        else:
            _conclude(part, [outcome for _, outcome in pairs])


def _conclude(probe_round: _Round, outcomes: Sequence[ProbeOutcome]) -> None:
    check = _current(probe_round)
    if check is None:
        return
    world = probe_round.world
    for checker, outcome in zip(probe_round.checkers, outcomes, strict=True):
        checker.last = ProbeReport(outcome.succeeded, outcome.reason, world.clock.now())
        if not outcome.succeeded:
            checker.last_failure = checker.last
        checker.streak = checker.streak + 1 if outcome.succeeded is not checker.healthy else 0
        if checker.streak >= check.config.failure_threshold:
            checker.healthy, checker.streak = outcome.succeeded, 0
    share = sum(checker.healthy for checker in probe_round.all_checkers) / len(probe_round.all_checkers)
    record_observation(world, probe_round.account, check.id, healthy=share > world.settings.healthy_share)
    world.clock.call_later(check.config.request_interval, _begin, probe_round)


def _current(probe_round: _Round) -> Route53HealthCheck | None:
    """Return the current check; None if it has been deleted or has other checkers."""
    state = probe_round.world.in_account(Route53State, probe_round.account)
    check = state.health_checks.get(probe_round.check_id)
    if check is None or check.being_deleted or state.checkers.get(check.id) is not probe_round.all_checkers:
        return None
    return check


def _is_in_vpc(probe_round: _Round, config: HealthCheckConfig, address: str) -> bool:
    """Return whether an address is of a network interface in the VPC of a private check's source."""
    world, account = probe_round.world, probe_round.account
    source = world.in_account(Route53State, account).health_check_sources.get(config.source_id or "")
    found = interface_at(world, address)
    return source is not None and found is not None and (found.account, found.vpc) == (account, source.config["VpcId"])


def _is_probed(world: World, check: Route53HealthCheck) -> bool:
    config = check.config
    if config.type not in ENDPOINTS:
        return False
    if config.endpoint_type == "PRIVATE":
        return True
    if config.ip_address is not None and address_for_checkers(world, config.ip_address, config.port or 80) is not None:
        return True
    return config.ip_address is None or (world.settings.probe_loopback and is_loopback(config.ip_address))


def _silence(world: World, config: HealthCheckConfig) -> ProbeOutcome:
    """Return the outcome where a security group admits no probe, or where a checker's loopback has no endpoint."""
    limit = world.settings.probe_tcp_connect if config.type == "TCP" else world.settings.probe_connect
    return ProbeOutcome(False, "The connection timed out.", limit)


def _limits(probe_round: _Round) -> ProbeLimits:
    settings, scale = probe_round.world.settings, probe_round.world.clock.scale
    wall = settings.probe_wall
    if scale is not None:
        wall = max(1 / scale, wall)
    elif probe_round.silent >= MAX_SILENT_ROUNDS:
        wall *= SHORT_WAIT_SHARE
    return ProbeLimits(settings.probe_tcp_connect, settings.probe_connect, settings.probe_answer, wall)


def _address(world: World, account: str, config: HealthCheckConfig) -> str | None:
    """Return the address to probe; "" if a name has no IPv4 address, None if no zone has the name.

    The name of a private endpoint is resolved in the VPC of its source.
    """
    if config.ip_address is not None:
        return config.ip_address
    try:
        name = names.canonical(config.fully_qualified_domain_name or "")
    except ValueError:
        return ""
    source = world.in_account(Route53State, account).health_check_sources.get(config.source_id or "")
    zones = published_zones(world)
    private = zones.private(VpcKey(source.config["VpcId"], source.region)) if source is not None else {}
    answer: DnsAnswer = resolve(ResolutionScope(world, private, zones.public(), recursive=True), name, "A")
    while answer.weighted:
        answer = world.random.choice(answer.weighted)[1]
    if answer.rcode == "REFUSED":
        return None
    records = [*answer.fixed, *(record for option in answer.shuffled for record in option)]
    return next((record.value for record in records if record.type == "A"), "")
