"""What each view of a service may show at a moment: listing, one instance, its health, discovery, DNS.

Each function gives pairs of a claim and a check. What is bound to show is checked by `Present`, what may not show by
`Absent` with the reason why, and between the two lies what the documents leave open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from surveyor.model_testing.checks import ANSWERED, Absent, Attributes, Check, Count, Health, Only, Outcome, Present
from surveyor.model_testing.claim_ids import ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import INITIAL, Instance, Service
from surveyor.model_testing.steps import Ask, Discover, HealthOf, List, Look, Pairs

__all__ = ["Member", "get", "look", "members"]

_MOST_RECORDS = 8  # route53/ResourceRecordSet.MultiValueAnswer


@dataclass(frozen=True)
class Member:
    """One instance id at a moment: what it may be registered with (None: it may be absent), and its health."""

    name: str
    attributes: frozenset[Pairs | None]
    health: frozenset[str]

    @property
    def versions(self) -> tuple[Pairs, ...]:
        """The attributes that it may have."""
        return tuple(sorted(one for one in self.attributes if one is not None))

    @property
    def must(self) -> bool:
        """Whether it is there for sure."""
        return None not in self.attributes

    @property
    def may(self) -> bool:
        """Whether it can be there."""
        return bool(self.versions)

    def every(self, pairs: Pairs) -> bool:
        """Whether it has these attributes for sure, if it is there."""
        return all(set(pairs) <= set(one) for one in self.versions)

    def some(self, pairs: Pairs) -> bool:
        """Whether it can have these attributes."""
        return any(set(pairs) <= set(one) for one in self.versions)


def members(service: Service, at: Moment) -> list[Member]:
    """Every id that ever was registered, as it may be seen."""
    return [
        Member(name, one.attributes.permitted(at), frozenset(one.health.permitted(at)))
        for name, one in service.instances.items()
    ]


def get(service: Service, instance: str, at: Moment) -> Iterator[tuple[str, Check]]:
    """GetInstance."""
    known = service.instances.get(instance)
    found = known.attributes.permitted(at) if known else frozenset({None})
    absent, there = "InstanceNotFound", bool(found - {None})
    permitted = ({absent} if None in found else set()) | ({ANSWERED} if there else set())
    gone = ClaimId.NOT_FOUND if known is None else ClaimId.GONE
    yield gone if not there else ClaimId.REGISTERED, Outcome(frozenset(permitted))
    if known is not None and there:
        yield from _attributes(instance, known, found, ClaimId.REGISTERED)


def look(service: Service, step: Look, at: Moment) -> Iterator[tuple[str, Check]]:
    """Any other look."""
    seen = members(service, at)
    match step:
        case List():
            yield from _those(seen, {one.name for one in seen if one.must}, {one.name for one in seen if one.may})
            yield from _all_attributes(service, seen, ClaimId.REGISTERED)
        case HealthOf():
            yield from _those(seen, set(), {one.name for one in seen if one.may})
            yield from _statuses(service, seen)
        case Discover():
            yield from _discovered(service, seen, step)
        case Ask():
            yield from _dns(service, seen)


def _those(seen: list[Member], must: set[str], may: set[str]) -> Iterator[tuple[str, Check]]:
    gone = frozenset(one.name for one in seen if not one.may)
    if gone:
        yield ClaimId.GONE, Absent(gone, "deregistered")
    yield ClaimId.RETURNED, Only(frozenset(may) | gone)
    if must:
        yield ClaimId.REGISTERED, Present(frozenset(must))


def _all_attributes(service: Service, seen: list[Member], otherwise: str) -> Iterator[tuple[str, Check]]:
    for one in seen:
        yield from _attributes(one.name, service.instances[one.name], one.attributes, otherwise)


def _attributes(
    name: str, instance: Instance, permitted: frozenset[Pairs | None], otherwise: str
) -> Iterator[tuple[str, Check]]:
    versions = sorted(_shown(one) for one in permitted if one is not None)
    if not versions:
        return
    claim: str = otherwise
    if instance.times_registered > 1:
        former = {key for write in instance.attributes.writes[:-1] for key, _ in write.value or ()}
        left_out = former - {key for key, _ in instance.attributes.last or ()} - {INITIAL}
        claim = ClaimId.AGAIN_REPLACES if left_out else ClaimId.AGAIN_UPDATES
    yield claim, Attributes(name, tuple(dict.fromkeys(versions)))


def _shown(pairs: Pairs) -> Pairs:
    """The attributes without the initial health, of which no document says whether it is told again."""
    return tuple(pair for pair in pairs if pair[0] != INITIAL)


def _statuses(service: Service, seen: list[Member]) -> Iterator[tuple[str, Check]]:
    for one in seen:
        claim: str = ClaimId.THREE_STATUSES
        permitted = frozenset({"HEALTHY", "UNHEALTHY", "UNKNOWN"})
        if service.custom and one.must:
            claim, permitted = _claim_of_health(service.instances[one.name]), one.health
        yield claim, Health(one.name, permitted)


def _claim_of_health(instance: Instance) -> str:
    if not instance.reports:
        return ClaimId.INITIAL_HEALTH
    if instance.cancelled:
        return ClaimId.OPPOSITE_CANCELS
    return ClaimId.REPETITION if instance.repeated else ClaimId.THIRTY_SECONDS


def _discovered(service: Service, seen: list[Member], step: Discover) -> Iterator[tuple[str, Check]]:
    matching = [one for one in seen if one.may and one.some(step.query)]
    sure = [one for one in matching if one.must and one.every(step.query)]
    claim: str = ClaimId.QUERY if step.query else ClaimId.RETURNED
    gone = frozenset(one.name for one in seen if not one.may)
    if gone:
        yield ClaimId.GONE, Absent(gone, "deregistered")
    yield ClaimId.RETURNED, Only(frozenset(one.name for one in seen))
    left_out = frozenset(one.name for one in seen if one.may) - _names(matching)
    # Who matched by an earlier registration is found by what should have been replaced, not by a wrong filter.
    stale = left_out & {one.name for one in seen if any(set(step.query) <= set(old) for old in _ever(service, one))}
    yield ClaimId.AGAIN_UPDATES, Absent(stale, "registered anew with other attributes")
    yield claim, Absent(left_out - stale, "filtered out")
    if service.custom:
        claim, sure, matching = _by_health(seen, sure, matching, step)
    elif step.optional:
        claim = ClaimId.OPTIONAL
        sure, matching = _optional(sure, matching, step.optional)
    elif step.health is not None:
        claim = ClaimId.FILTER_IGNORED
    # The status that comes with an instance is looked at before the choice, which would be blamed for it otherwise.
    yield from _statuses(service, seen)
    yield claim, Absent(frozenset(one.name for one in seen if one.may) - _names(matching) - stale, "filtered out")
    yield claim, Present(_names(sure))
    yield from _all_attributes(service, seen, ClaimId.RETURNED)


def _by_health(
    seen: list[Member], sure: list[Member], maybe: list[Member], step: Discover
) -> tuple[str, list[Member], list[Member]]:
    """The claim, and who is returned for sure and who may be, by health; `sure` and `maybe` match the query."""
    claim = ClaimId.HEALTHY_BY_DEFAULT if step.health is None else ClaimId.HEALTH_FILTER
    if step.health == "ALL":
        return claim, sure, maybe
    wanted = step.health if step.health == "UNHEALTHY" else "HEALTHY"
    chosen = [one for one in sure if one.health == {wanted}]
    perhaps = [one for one in maybe if wanted in one.health or not one.must]
    if step.health in ("HEALTHY", "UNHEALTHY") or chosen:
        return claim, chosen, perhaps
    # "Unless there are none": among those that match the query or among all, no document says. And what the call
    # without HealthStatus gives then is not said at all.
    if step.health is None or perhaps or any("HEALTHY" in one.health for one in seen if one.may):
        return claim, [], maybe
    return claim, sure, maybe


def _optional(sure: list[Member], maybe: list[Member], pairs: Pairs) -> tuple[list[Member], list[Member]]:
    chosen = [one for one in sure if one.every(pairs)]
    perhaps = [one for one in maybe if one.some(pairs)]
    if chosen:
        return chosen, perhaps
    return ([], maybe) if perhaps else (sure, maybe)


def _dns(service: Service, seen: list[Member]) -> Iterator[tuple[str, Check]]:
    there, sure = _eligible(service, seen)
    may = frozenset(_value(service, one, pairs) for one in there for pairs in one.versions)
    ever = {_value(service, one, pairs) for one in seen for pairs in _ever(service, one)}
    current = {_value(service, one, pairs) for one in seen for pairs in one.versions}
    yield (
        ClaimId.SRV_VALUE if service.records == "SRV" else ClaimId.DNS_NAME,
        Only(frozenset(ever)),
    )
    superseded = frozenset(ever - current)
    if superseded:
        again = any(service.instances[one.name].times_registered > 1 and one.may for one in seen)
        gone = ClaimId.GONE_FROM_DNS
        yield ClaimId.AGAIN_UPDATES if again else gone, Absent(superseded, "superseded" if again else "deregistered")
    several = service.routing == "MULTIVALUE"
    no_healthy = ClaimId.FAILS_OPEN if several else ClaimId.WEIGHTED_FAILS_OPEN
    one_of = ClaimId.ONE_AT_RANDOM
    if service.custom:
        yield no_healthy if several else one_of, Absent(frozenset(current) - may, "unhealthy")
    if not several:
        claim = no_healthy if service.custom else one_of
        yield claim, Count(1 if any(one.must for one in seen) else 0, 1)
    elif len(there) > _MOST_RECORDS:
        yield ClaimId.AT_MOST_EIGHT, Count(1 if any(one.must for one in seen) else 0, _MOST_RECORDS)
    else:
        certain = (
            values for one in sure if len(values := {_value(service, one, pairs) for pairs in one.versions}) == 1
        )
        yield ClaimId.ALL_UP_TO_EIGHT, Present(frozenset[str]().union(*certain))


def _eligible(service: Service, seen: list[Member]) -> tuple[list[Member], list[Member]]:
    """Whose records an answer may hold, and whose it holds if it holds all."""
    there, sure = [one for one in seen if one.may], [one for one in seen if one.must]
    if service.custom:
        healthy = [one for one in sure if one.health == {"HEALTHY"}]
        perhaps = [one for one in there if "HEALTHY" in one.health or not one.must]
        if healthy:
            return perhaps, healthy
        if perhaps:  # all are answered if it turns out that none of them is healthy
            return there, []
    return there, sure


def _ever(service: Service, one: Member) -> Iterator[Pairs]:
    return (write.value for write in service.instances[one.name].attributes.writes if write.value is not None)


def _value(service: Service, one: Member, pairs: Pairs) -> str:
    """The record of an instance: its address, or for SRV priority, weight, port and the instance's id."""
    given: Mapping[str, str] = dict(pairs)
    if service.records == "SRV":
        return f"1 1 {given['AWS_INSTANCE_PORT']} {one.name}"
    return given["AWS_INSTANCE_IPV4"]


def _names(those: list[Member]) -> frozenset[str]:
    return frozenset(one.name for one in those)
