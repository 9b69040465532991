"""From zone data to an answer: which records stand in it, and what of it is left to chance.

Routing policies as documented under route53/ResourceRecordSet (MultiValueAnswer, Weight, Failover) and in the Route 53
Developer Guide, "How Amazon Route 53 chooses records when health checking is configured"; names by RFC 1034 and 4592.
This knows nothing of messages: dns/ encodes what is found here, TestDNSAnswer shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from surveyor_emulator.aws.route53.health.checks import is_healthy
from surveyor_emulator.core.world import World

from . import names
from .load_balancers import addresses, is_load_balancer
from .published import PublishedZone
from .state import RecordSet, Route53State

__all__ = ["MULTIVALUE_LIMIT", "Answer", "Row", "Scope", "resolve"]

# "Route 53 responds to DNS queries with up to eight healthy records" (route53/ResourceRecordSet.MultiValueAnswer).
MULTIVALUE_LIMIT = 8
_LONGEST_CHAIN = 8
# RFC 8482, 4.2: what a server says that does not answer ANY in full.
_MINIMAL_ANY = '"RFC8482" ""'
_ANY_TTL = 3_600


@dataclass(frozen=True, slots=True)
class Row:
    """One resource record; ``value`` in presentation form."""

    owner: str
    type: str
    ttl: int
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that the answer to a question may be.

    ``rows`` always stand in it, in their order; after them ``limit`` of ``shuffled``, picked and ordered by chance; or
    exactly one of ``weighted``, each (weight, whole answer), which then leaves the rest empty.
    """

    rcode: str = "NOERROR"
    rows: tuple[Row, ...] = ()
    shuffled: tuple[tuple[Row, ...], ...] = ()
    limit: int = 0
    weighted: tuple[tuple[int, Answer], ...] = ()
    authority: tuple[Row, ...] = ()
    authoritative: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """What one server answers for: private zones come first, whatever public ones exist beside them.

    ``recursive``: it follows names from zone to zone, as a resolver does, and knows AWS's own names.
    """

    world: World
    private: Mapping[str, PublishedZone]
    public: Mapping[str, PublishedZone]
    recursive: bool

    def zone_of(self, name: str) -> PublishedZone | None:
        """The most specific zone that holds a name."""
        candidates = (name, *names.ancestors(name))
        for zones in (self.private, self.public):
            for candidate in candidates:
                if candidate in zones:
                    return zones[candidate]
        return None


def resolve(scope: Scope, name: str, kind: str) -> Answer:
    """The answer to a question about a canonical name; REFUSED for what the server does not answer for."""
    return _resolve(scope, name, kind, frozenset())


def _resolve(scope: Scope, name: str, kind: str, seen: frozenset[str]) -> Answer:
    zone = scope.zone_of(name)
    if zone is not None:
        return _in_zone(scope, zone, name, kind, seen | {name})
    if scope.recursive and is_load_balancer(name):
        return _load_balancer(scope, name, kind, name, ())
    return Answer("REFUSED", authoritative=False)


def _in_zone(scope: Scope, zone: PublishedZone, name: str, kind: str, seen: frozenset[str]) -> Answer:
    referral = _referral(scope, zone, name, kind)
    if referral is not None:
        return referral
    negative = _soa(zone)
    records, exists = _records_for(zone, name)
    if not exists:
        return Answer("NXDOMAIN", authority=negative)
    if kind == "ANY" and records:
        return Answer(rows=(Row(name, "HINFO", _ANY_TTL, _MINIMAL_ANY),))
    group = [record for record in records if record.type == kind]
    if group:
        return _choose(scope, zone, name, group, seen)
    group = [record for record in records if record.type == "CNAME"]
    if group and len(seen) <= _LONGEST_CHAIN:
        return _follow(scope, zone, _choose(scope, zone, name, group, seen), kind, seen)
    return Answer(authority=negative)


def _records_for(zone: PublishedZone, name: str) -> tuple[Sequence[RecordSet], bool]:
    """Record sets of a name, from a wildcard if need be, and whether the name exists at all (RFC 4592, 3.3)."""
    table = zone.records
    own = table.at(name)
    if own or table.has_below(name):
        return tuple(own.values()), True
    for encloser in names.ancestors(name):
        if table.at(encloser) or table.has_below(encloser) or encloser == zone.zone.name:
            wild = table.at(f"{names.WILDCARD}.{encloser}")
            return tuple(wild.values()), bool(wild)
    return (), False


def _referral(scope: Scope, zone: PublishedZone, name: str, kind: str) -> Answer | None:
    """Below an NS record that is not the zone's own, other servers have the say (RFC 1034, 4.3.2)."""
    for cut in (name, *names.ancestors(name)):
        if cut == zone.zone.name or not names.is_within(cut, zone.zone.name):
            return None
        servers = [record for record in zone.records.at(cut).values() if record.type == "NS"]
        if servers and not (cut == name and kind == "DS"):
            if scope.recursive:
                # A resolver would ask those servers; from here they cannot be reached.
                return Answer("SERVFAIL", authoritative=False)
            return Answer(authority=_rows(cut, servers[0]), authoritative=False)
    return None


def _choose(scope: Scope, zone: PublishedZone, name: str, group: Sequence[RecordSet], seen: frozenset[str]) -> Answer:
    """One answer out of record sets of one name and type, by their routing policy."""
    if group[0].multivalue:
        well = [record for record in group if _is_healthy(scope, zone, record, seen)]
        options = tuple(_rows(name, record) for record in well or group)
        return Answer(shuffled=options, limit=MULTIVALUE_LIMIT)
    if group[0].failover is not None:
        return _one(scope, zone, name, _by_failover(scope, zone, group, seen), seen)
    if group[0].weight is not None:
        options_by_weight = [
            (weight, _one(scope, zone, name, record, seen)) for weight, record in _by_weight(scope, zone, group, seen)
        ]
        return Answer(weighted=tuple(options_by_weight))
    return _one(scope, zone, name, group[0], seen)


def _by_weight(
    scope: Scope, zone: PublishedZone, group: Sequence[RecordSet], seen: frozenset[str]
) -> list[tuple[int, RecordSet]]:
    """Those that come into question, with weights: the healthy, first of them those with a weight, else all."""
    well = [record for record in group if _is_healthy(scope, zone, record, seen)]
    for candidates in ([record for record in well if record.weight], well, [r for r in group if r.weight]):
        if candidates:
            return [(record.weight or 1, record) for record in candidates]
    return [(1, record) for record in group]


def _by_failover(scope: Scope, zone: PublishedZone, group: Sequence[RecordSet], seen: frozenset[str]) -> RecordSet:
    """The primary, unless it is unhealthy and the secondary is not."""
    primary_first = sorted(group, key=lambda record: record.failover != "PRIMARY")
    return next((record for record in primary_first if _is_healthy(scope, zone, record, seen)), primary_first[0])


def _one(scope: Scope, zone: PublishedZone, name: str, record: RecordSet, seen: frozenset[str]) -> Answer:
    """The answer of one record set: its values in random order, or what its alias leads to."""
    if record.alias is None:
        rows = _rows(name, record)
        return Answer(shuffled=tuple((row,) for row in rows), limit=len(rows))
    target = record.alias.name
    if is_load_balancer(target):
        return _load_balancer(scope, target, record.type, name, _soa(zone))
    if not names.is_within(target, zone.zone.name) or target in seen:
        return Answer(authority=_soa(zone))
    found = _in_zone(scope, zone, target, record.type, seen | {target})
    # An alias whose target is gone leaves a name without data: the name itself does exist.
    return _renamed(replace(found, rcode="NOERROR"), name)


def _renamed(answer: Answer, owner: str) -> Answer:
    """The same data under the alias's name."""
    return replace(
        answer,
        rows=tuple(replace(row, owner=owner) for row in answer.rows),
        shuffled=tuple(tuple(replace(row, owner=owner) for row in option) for option in answer.shuffled),
        weighted=tuple((weight, _renamed(option, owner)) for weight, option in answer.weighted),
    )


def _follow(scope: Scope, zone: PublishedZone, answer: Answer, kind: str, seen: frozenset[str]) -> Answer:
    """Append what the CNAME in an answer leads to, as far as this server can tell."""
    if answer.weighted:
        return replace(
            answer,
            weighted=tuple((weight, _follow(scope, zone, option, kind, seen)) for weight, option in answer.weighted),
        )
    rows = answer.rows + tuple(row for option in answer.shuffled for row in option)
    alias = replace(answer, rows=rows, shuffled=(), limit=0)
    if not rows:
        return alias
    target = names.canonical(rows[-1].value.strip())
    inside = names.is_within(target, zone.zone.name)
    if target in seen or not (inside or scope.recursive):
        return alias
    found = _resolve(scope, target, kind, seen)
    return alias if found.rcode == "REFUSED" else _after(rows, found)


def _after(rows: tuple[Row, ...], answer: Answer) -> Answer:
    return replace(
        answer,
        rows=() if answer.weighted else rows + answer.rows,
        weighted=tuple((weight, _after(rows, option)) for weight, option in answer.weighted),
        authoritative=True,
    )


def _is_healthy(scope: Scope, zone: PublishedZone, record: RecordSet, seen: frozenset[str]) -> bool:
    """Custom health, the attached health check, and the target of an alias that asks for it."""
    if not record.healthy:
        return False
    if record.health_check_id is not None:
        state = scope.world.in_account(Route53State, zone.zone.account)
        if not is_healthy(state, record.health_check_id):
            return False
    alias = record.alias
    if alias is None or not alias.evaluate_target_health or alias.name in seen:
        return True
    targets = [other for other in zone.records.at(alias.name).values() if other.type == record.type]
    return not targets or any(_is_healthy(scope, zone, other, seen | {alias.name}) for other in targets)


def _load_balancer(scope: Scope, target: str, kind: str, owner: str, negative: tuple[Row, ...]) -> Answer:
    found = addresses(scope.world, target, kind)
    if not found:
        return Answer(authority=negative)
    rows = tuple((Row(owner, kind, found.ttl, value),) for value in found.values)
    return Answer(shuffled=rows, limit=len(rows))


def _rows(owner: str, record: RecordSet) -> tuple[Row, ...]:
    return tuple(Row(owner, record.type, record.ttl or 0, value) for value in record.values)


def _soa(zone: PublishedZone) -> tuple[Row, ...]:
    """The zone's SOA as negative answers carry it: its TTL is how long they may be kept (RFC 2308, 3)."""
    for record in zone.records.at(zone.zone.name).values():
        if record.type == "SOA":
            value = record.values[0]
            return (Row(zone.zone.name, "SOA", min(record.ttl or 0, int(value.split()[-1])), value),)
    return ()
