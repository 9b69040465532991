"""What each view of a service may return at a moment: listing, one instance, its health, discovery, DNS.

Each function yields pairs of a claim and a check. `Present` checks what must be returned, `Absent` what must not be,
with the reason; anything between the two is left open by the documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from surveyor.model_testing.checks import (
    ANSWERED,
    Absent,
    Attributes,
    Check,
    Count,
    Health,
    Only,
    PermittedOutcome,
    Present,
)
from surveyor.model_testing.claim_ids import ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import INITIAL_HEALTH, ModelInstance, ModelService
from surveyor.model_testing.steps import DiscoverInstances, GetHealth, ListInstances, Pairs, QueryRecords, ReadStep

__all__ = ["PossibleMember", "checks_of_instance", "checks_of_view", "possible_members"]

_MAX_RECORDS = 8  # route53/ResourceRecordSet.MultiValueAnswer


@dataclass(frozen=True)
class PossibleMember:
    """One instance id at a moment: its possible attributes (None: it may be absent) and health statuses."""

    name: str
    attributes: frozenset[Pairs | None]
    health: frozenset[str]

    @property
    def versions(self) -> tuple[Pairs, ...]:
        """The attributes that it may have."""
        return tuple(sorted(pairs for pairs in self.attributes if pairs is not None))

    @property
    def must_exist(self) -> bool:
        """Whether it is certainly registered."""
        return None not in self.attributes

    @property
    def may_exist(self) -> bool:
        """Whether it may be registered."""
        return bool(self.versions)

    def must_have(self, pairs: Pairs) -> bool:
        """Return whether it certainly has these attributes, if it is registered."""
        return all(set(pairs) <= set(version) for version in self.versions)

    def may_have(self, pairs: Pairs) -> bool:
        """Return whether it may have these attributes."""
        return any(set(pairs) <= set(version) for version in self.versions)


Members = list[PossibleMember]


def possible_members(service: ModelService, at: Moment) -> Members:
    """Return every id that was ever registered, with what may be observed of it."""
    return [
        PossibleMember(name, instance.attributes.permitted(at), frozenset(instance.health.permitted(at)))
        for name, instance in service.instances.items()
    ]


def checks_of_instance(service: ModelService, instance: str, at: Moment) -> Iterator[tuple[str, Check]]:
    """Yield the checks of an answer of GetInstance."""
    known = service.instances.get(instance)
    versions = known.attributes.permitted(at) if known else frozenset({None})
    may_exist = bool(versions - {None})
    permitted = ({"InstanceNotFound"} if None in versions else set()) | ({ANSWERED} if may_exist else set())
    absent_claim = ClaimId.NOT_FOUND if known is None else ClaimId.DEREGISTERED
    yield ClaimId.REGISTERED if may_exist else absent_claim, PermittedOutcome(frozenset(permitted))
    if known is not None and may_exist:
        yield from _attributes(instance, known, versions, ClaimId.REGISTERED)


def checks_of_view(service: ModelService, step: ReadStep, at: Moment) -> Iterator[tuple[str, Check]]:
    """Yield the checks of an answer of any other read step."""
    members = possible_members(service, at)
    match step:
        case ListInstances():
            yield from _membership(members, _names(member for member in members if member.must_exist))
            yield from _all_attributes(service, members, ClaimId.REGISTERED)
        case GetHealth():
            yield from _membership(members, frozenset())
            yield from _statuses(service, members)
        case DiscoverInstances():
            yield from _discovered(service, members, step)
        case QueryRecords():
            yield from _dns(service, members)


def _membership(members: Members, required: frozenset[str]) -> Iterator[tuple[str, Check]]:
    deregistered = _names(member for member in members if not member.may_exist)
    if deregistered:
        yield ClaimId.DEREGISTERED, Absent(deregistered, "deregistered")
    yield ClaimId.RETURNED, Only(_names(members))
    if required:
        yield ClaimId.REGISTERED, Present(required)


def _all_attributes(service: ModelService, members: Members, otherwise: str) -> Iterator[tuple[str, Check]]:
    for member in members:
        yield from _attributes(member.name, service.instances[member.name], member.attributes, otherwise)


def _attributes(
    name: str, instance: ModelInstance, permitted: frozenset[Pairs | None], otherwise: str
) -> Iterator[tuple[str, Check]]:
    versions = sorted(_without_initial_health(pairs) for pairs in permitted if pairs is not None)
    if not versions:
        return
    claim: str = otherwise
    if instance.times_registered > 1:
        former = {key for write in instance.attributes.writes[:-1] for key, _ in write.value or ()}
        omitted = former - {key for key, _ in instance.attributes.last or ()} - {INITIAL_HEALTH}
        claim = ClaimId.AGAIN_REPLACES if omitted else ClaimId.AGAIN_UPDATES
    yield claim, Attributes(name, tuple(dict.fromkeys(versions)))


def _without_initial_health(pairs: Pairs) -> Pairs:
    """Return the attributes without the initial health: no document says whether it is returned."""
    return tuple(pair for pair in pairs if pair[0] != INITIAL_HEALTH)


def _statuses(service: ModelService, members: Members) -> Iterator[tuple[str, Check]]:
    for member in members:
        claim: str = ClaimId.THREE_STATUSES
        permitted = frozenset({"HEALTHY", "UNHEALTHY", "UNKNOWN"})
        if service.custom and member.must_exist:
            claim, permitted = _health_claim(service.instances[member.name]), member.health
        yield claim, Health(member.name, permitted)


def _health_claim(instance: ModelInstance) -> str:
    if not instance.reports:
        return ClaimId.INITIAL_HEALTH
    if instance.cancelled:
        return ClaimId.OPPOSITE_CANCELS
    return ClaimId.REPETITION if instance.repeated else ClaimId.THIRTY_SECONDS


def _discovered(service: ModelService, members: Members, step: DiscoverInstances) -> Iterator[tuple[str, Check]]:
    existing = [member for member in members if member.may_exist]
    possible = [member for member in existing if member.may_have(step.query)]
    certain = [member for member in possible if member.must_exist and member.must_have(step.query)]
    claim: str = ClaimId.QUERY if step.query else ClaimId.RETURNED
    deregistered = _names(member for member in members if not member.may_exist)
    if deregistered:
        yield ClaimId.DEREGISTERED, Absent(deregistered, "deregistered")
    yield ClaimId.RETURNED, Only(_names(members))
    no_match = _names(existing) - _names(possible)
    # An instance that matched by an earlier registration shows that this was not replaced, not a wrong filter.
    stale = no_match & _names(
        member for member in members if any(set(step.query) <= set(old) for old in _all_versions(service, member))
    )
    yield ClaimId.AGAIN_UPDATES, Absent(stale, "registered again with other attributes")
    yield claim, Absent(no_match - stale, "filtered out")
    if service.custom:
        claim, certain, possible = _by_health(existing, certain, possible, step)
    elif step.optional:
        claim = ClaimId.OPTIONAL
        certain, possible = _optional(certain, possible, step.optional)
    elif step.health is not None:
        claim = ClaimId.FILTER_IGNORED
    # Check the status of each instance before the selection by status, which would be blamed for it otherwise.
    yield from _statuses(service, members)
    yield claim, Absent(_names(existing) - _names(possible) - stale, "filtered out")
    yield claim, Present(_names(certain))
    yield from _all_attributes(service, members, ClaimId.RETURNED)


def _by_health(
    existing: Members, certain: Members, possible: Members, step: DiscoverInstances
) -> tuple[str, Members, Members]:
    """Return the claim, the members that must be returned and those that may be, by health.

    `certain` and `possible` are the members that match the query.
    """
    claim = ClaimId.HEALTHY_BY_DEFAULT if step.health is None else ClaimId.HEALTH_FILTER
    if step.health == "ALL":
        return claim, certain, possible
    status = step.health if step.health == "UNHEALTHY" else "HEALTHY"
    certain_now = [member for member in certain if member.health == {status}]
    possible_now = [member for member in possible if status in member.health or not member.must_exist]
    if step.health in ("HEALTHY", "UNHEALTHY") or certain_now:
        return claim, certain_now, possible_now
    # "Unless there are none": no document says whether that means none that matches the query or none at all. And for
    # a call without HealthStatus, no document says what is returned then.
    if step.health is None or possible_now or any("HEALTHY" in member.health for member in existing):
        return claim, [], possible
    return claim, certain, possible


def _optional(certain: Members, possible: Members, pairs: Pairs) -> tuple[Members, Members]:
    """Return the members that must be returned and those that may be, by OptionalParameters."""
    certain_now = [member for member in certain if member.must_have(pairs)]
    possible_now = [member for member in possible if member.may_have(pairs)]
    if certain_now:
        return certain_now, possible_now
    return ([], possible) if possible_now else (certain, possible)


def _dns(service: ModelService, members: Members) -> Iterator[tuple[str, Check]]:
    possible, certain = _eligible(service, members)
    permitted = frozenset(_value(service, member, pairs) for member in possible for pairs in member.versions)
    all_values = {_value(service, member, pairs) for member in members for pairs in _all_versions(service, member)}
    current = {_value(service, member, pairs) for member in members for pairs in member.versions}
    yield ClaimId.SRV_VALUE if service.records == "SRV" else ClaimId.DNS_NAME, Only(frozenset(all_values))
    superseded = frozenset(all_values - current)
    if superseded:
        again = any(service.instances[member.name].times_registered > 1 and member.may_exist for member in members)
        claim = ClaimId.AGAIN_UPDATES if again else ClaimId.DEREGISTERED_FROM_DNS
        yield claim, Absent(superseded, "superseded" if again else "deregistered")
    multivalue = service.routing == "MULTIVALUE"
    fails_open = ClaimId.FAILS_OPEN if multivalue else ClaimId.WEIGHTED_FAILS_OPEN
    if service.custom:
        yield fails_open if multivalue else ClaimId.ONE_AT_RANDOM, Absent(frozenset(current) - permitted, "unhealthy")
    minimum = 1 if any(member.must_exist for member in members) else 0
    if not multivalue:
        yield fails_open if service.custom else ClaimId.ONE_AT_RANDOM, Count(minimum, 1)
    elif len(possible) > _MAX_RECORDS:
        yield ClaimId.AT_MOST_EIGHT, Count(minimum, _MAX_RECORDS)
    else:
        value_sets = ({_value(service, member, pairs) for pairs in member.versions} for member in certain)
        required = (values for values in value_sets if len(values) == 1)
        yield ClaimId.ALL_UP_TO_EIGHT, Present(frozenset[str]().union(*required))


def _eligible(service: ModelService, members: Members) -> tuple[Members, Members]:
    """Return the members whose records an answer may contain, and those that a complete answer must contain."""
    possible = [member for member in members if member.may_exist]
    certain = [member for member in members if member.must_exist]
    if service.custom:
        certainly_healthy = [member for member in certain if member.health == {"HEALTHY"}]
        possibly_healthy = [member for member in possible if "HEALTHY" in member.health or not member.must_exist]
        if certainly_healthy:
            return possibly_healthy, certainly_healthy
        if possibly_healthy:  # the answer contains all members if none of these is in fact healthy
            return possible, []
    return possible, certain


def _all_versions(service: ModelService, member: PossibleMember) -> Iterator[Pairs]:
    """Yield all attributes with which the instance was ever registered."""
    return (write.value for write in service.instances[member.name].attributes.writes if write.value is not None)


def _value(service: ModelService, member: PossibleMember, pairs: Pairs) -> str:
    """Return the record of an instance: its address, or for SRV priority, weight, port and the instance's id."""
    attributes: Mapping[str, str] = dict(pairs)
    if service.records == "SRV":
        return f"1 1 {attributes['AWS_INSTANCE_PORT']} {member.name}"
    return attributes["AWS_INSTANCE_IPV4"]


def _names(members: Iterable[PossibleMember]) -> frozenset[str]:
    return frozenset(member.name for member in members)
