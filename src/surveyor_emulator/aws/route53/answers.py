"""Resolve a DNS question against zone data: which records the answer holds, and which of them are chosen at random.

Routing policies as documented under route53/ResourceRecordSet (MultiValueAnswer, Weight, Failover) and in the Route 53
Developer Guide, "How Amazon Route 53 chooses records when health checking is configured"; names by RFC 1034 and 4592.
This module does not depend on the message format: dns/ encodes its answers, TestDNSAnswer shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from surveyor_emulator.aws.route53.health_checks import is_healthy
from surveyor_emulator.core.world import World

from . import names
from .load_balancers import is_load_balancer, load_balancer_addresses
from .published_zones import PublishedZone, published_zones
from .record_model import RecordSet
from .state import Route53State

__all__ = ["MULTIVALUE_LIMIT", "DnsAnswer", "DnsRecord", "ResolutionScope", "resolve"]

# "Route 53 responds to DNS queries with up to eight healthy records" (route53/ResourceRecordSet.MultiValueAnswer).
MULTIVALUE_LIMIT = 8
_MAX_CHAIN_LENGTH = 8
# RFC 8482, 4.2: the answer of a server that does not answer ANY in full.
_MINIMAL_ANY = '"RFC8482" ""'
_ANY_TTL = 3_600


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One resource record; ``value`` is in presentation form."""

    owner: str
    type: str
    ttl: int
    value: str


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """All possible answers to a question.

    An answer holds all ``fixed`` records in their order, then ``limit`` options of ``shuffled``, picked and ordered at
    random. Or it is exactly one of ``weighted``, each (weight, whole answer); the other fields are empty then. The
    ``additional`` records belong to the answer if it cites their owner.
    """

    rcode: str = "NOERROR"
    fixed: tuple[DnsRecord, ...] = ()
    shuffled: tuple[tuple[DnsRecord, ...], ...] = ()
    limit: int = 0
    weighted: tuple[tuple[int, DnsAnswer], ...] = ()
    authority: tuple[DnsRecord, ...] = ()
    additional: tuple[DnsRecord, ...] = ()
    authoritative: bool = True
    # The name that a rule of the resolver forwards, after the records of `fixed`, which lead to it.
    forwarded: str | None = None


@dataclass(frozen=True, slots=True)
class ResolutionScope:
    """The zones that one server answers for; a private zone takes precedence over a public one.

    ``recursive``: the server follows names from zone to zone, as a resolver does, and resolves AWS's own names.
    ``rules``: domains of the resolver's rules, and whether each forwards, which else a rule for it prevents.
    """

    world: World
    private: Mapping[str, PublishedZone]
    public: Mapping[str, PublishedZone]
    recursive: bool
    rules: Mapping[str, bool] = field(default_factory=dict)

    def is_forwarded(self, name: str) -> bool:
        """Return whether a name is asked elsewhere: of rules and private zones the most specific one decides.

        Of the same domain the rule does (Route 53 Developer Guide, "Considerations when working with a private hosted
        zone", and "Domain names that VPC Resolver creates autodefined system rules for").
        """
        for candidate in (name, *names.ancestors(name), names.ROOT) if self.rules else ():
            if candidate in self.rules:
                return self.rules[candidate]
            if candidate in self.private:
                return False
        return False

    def zone_of(self, name: str) -> PublishedZone | None:
        """Return the zone that answers for a name: the most specific one, for a resolver the one delegated to."""
        candidates = (name, *names.ancestors(name))
        private = [self.private[each] for each in candidates if each in self.private]
        public = [self.public[each] for each in candidates if each in self.public]
        if private or not (public and self.recursive):
            return next(iter(private or public), None)
        return self._delegated(public[-1], candidates)

    def _delegated(self, zone: PublishedZone, candidates: Sequence[str]) -> PublishedZone:
        """Follow NS records from the zone at the top, which counts as delegated, as far as they lead to other zones."""
        for cut in reversed(candidates):
            if cut == zone.zone.name or not names.is_within(cut, zone.zone.name):
                continue
            servers = [
                value for record in zone.records.at(cut).values() if record.type == "NS" for value in record.values
            ]
            if servers:
                child = published_zones(self.world).delegated(cut, servers)
                if child is None:
                    break  # to servers of others
                zone = child
        return zone


def resolve(scope: ResolutionScope, name: str, kind: str) -> DnsAnswer:
    """Return the answer to a question about a canonical name; REFUSED if no zone of the server contains it.

    What a rule forwards is not asked: the answer names it.
    """
    return _resolve(scope, name, kind, frozenset())


def _resolve(scope: ResolutionScope, name: str, kind: str, seen: frozenset[str]) -> DnsAnswer:
    if scope.is_forwarded(name):
        return DnsAnswer(authoritative=False, forwarded=name)
    zone = scope.zone_of(name)
    if zone is not None:
        return _in_zone(scope, zone, name, kind, seen | {name})
    if scope.recursive and is_load_balancer(name):
        return _load_balancer(scope, name, kind, name, ())
    return DnsAnswer("REFUSED", authoritative=False)


def _in_zone(scope: ResolutionScope, zone: PublishedZone, name: str, kind: str, seen: frozenset[str]) -> DnsAnswer:
    referral = _referral(scope, zone, name, kind)
    if referral is not None:
        return referral
    negative = _soa(zone)
    records, exists = _records_for(zone, name)
    if not exists and zone.zone.public_fallback and scope.recursive:
        return _in_public_dns(scope, name, kind, seen) or DnsAnswer("NXDOMAIN", authority=negative)
    if not exists:
        return DnsAnswer("NXDOMAIN", authority=negative)
    if kind == "ANY" and records:
        return DnsAnswer(fixed=(DnsRecord(name, "HINFO", _ANY_TTL, _MINIMAL_ANY),))
    group = [record for record in records if record.type == kind]
    if group:
        return _choose(scope, zone, name, group, seen)
    group = [record for record in records if record.type == "CNAME"]
    if group and len(seen) <= _MAX_CHAIN_LENGTH:
        return _follow(scope, zone, _choose(scope, zone, name, group, seen), kind, seen)
    return DnsAnswer(authority=negative)


def _in_public_dns(scope: ResolutionScope, name: str, kind: str, seen: frozenset[str]) -> DnsAnswer | None:
    """Return what public DNS answers, None if no zone of it has the name (UpdateHostedZoneFeatures)."""
    public = replace(scope, private={})
    zone = public.zone_of(name)
    return _in_zone(public, zone, name, kind, seen) if zone is not None else None


def _records_for(zone: PublishedZone, name: str) -> tuple[Sequence[RecordSet], bool]:
    """Return the record sets of a name, from a wildcard if necessary, and whether the name exists (RFC 4592, 3.3)."""
    table = zone.records
    own = table.at(name)
    if own or table.has_below(name):
        return tuple(own.values()), True
    for encloser in names.ancestors(name):
        if table.at(encloser) or table.has_below(encloser) or encloser == zone.zone.name:
            wildcard = table.at(f"{names.WILDCARD}.{encloser}")
            return tuple(wildcard.values()), bool(wildcard)
    return (), False


def _referral(scope: ResolutionScope, zone: PublishedZone, name: str, kind: str) -> DnsAnswer | None:
    """Return a referral for a name at or below an NS record that delegates to other servers (RFC 1034, 4.3.2)."""
    for cut in (name, *names.ancestors(name)):
        if cut == zone.zone.name:
            return None
        servers = [record for record in zone.records.at(cut).values() if record.type == "NS"]
        if servers and not (cut == name and kind == "DS"):
            if scope.recursive:
                # A resolver would query those servers, which cannot be reached from here.
                return DnsAnswer("SERVFAIL", authoritative=False)
            return DnsAnswer(authority=_dns_records(cut, servers[0]), authoritative=False)
    return None


def _choose(
    scope: ResolutionScope, zone: PublishedZone, name: str, group: Sequence[RecordSet], seen: frozenset[str]
) -> DnsAnswer:
    """Return the answer from record sets of one name and type, by their routing policy."""
    if group[0].multivalue:
        healthy = [record for record in group if _is_healthy(scope, zone, record, seen)]
        options = tuple(_dns_records(name, record) for record in healthy or group)
        return DnsAnswer(shuffled=options, limit=MULTIVALUE_LIMIT)
    if group[0].failover is not None:
        return _answer_from(scope, zone, name, _by_failover(scope, zone, group, seen), seen)
    if group[0].weight is not None:
        options_by_weight = [
            (weight, _answer_from(scope, zone, name, record, seen))
            for weight, record in _by_weight(scope, zone, group, seen)
        ]
        return DnsAnswer(weighted=tuple(options_by_weight))
    return _answer_from(scope, zone, name, group[0], seen)


def _by_weight(
    scope: ResolutionScope, zone: PublishedZone, group: Sequence[RecordSet], seen: frozenset[str]
) -> list[tuple[int, RecordSet]]:
    """Return the candidates with weights: healthy ones with a weight, else all healthy ones, else all records."""
    healthy = [record for record in group if _is_healthy(scope, zone, record, seen)]
    for candidates in ([record for record in healthy if record.weight], healthy, [r for r in group if r.weight]):
        if candidates:
            return [(record.weight or 1, record) for record in candidates]
    return [(1, record) for record in group]


def _by_failover(
    scope: ResolutionScope, zone: PublishedZone, group: Sequence[RecordSet], seen: frozenset[str]
) -> RecordSet:
    """Return the primary, unless it is unhealthy and the secondary is healthy."""
    primary_first = sorted(group, key=lambda record: record.failover != "PRIMARY")
    return next((record for record in primary_first if _is_healthy(scope, zone, record, seen)), primary_first[0])


def _answer_from(
    scope: ResolutionScope, zone: PublishedZone, name: str, record: RecordSet, seen: frozenset[str]
) -> DnsAnswer:
    """Return the answer from one record set: its values in random order, or the answer of its alias target."""
    if record.alias is None:
        records = _dns_records(name, record)
        return DnsAnswer(shuffled=tuple((value,) for value in records), limit=len(records))
    target = record.alias.name
    if is_load_balancer(target):
        return _load_balancer(scope, target, record.type, name, _soa(zone))
    if not names.is_within(target, zone.zone.name) or target in seen:
        return DnsAnswer(authority=_soa(zone))
    found = _in_zone(scope, zone, target, record.type, seen | {target})
    # An alias without a target leaves a name without data: the name itself exists.
    return _renamed(replace(found, rcode="NOERROR"), name)


def _renamed(answer: DnsAnswer, owner: str) -> DnsAnswer:
    """Return the same data under the alias's name."""
    return replace(
        answer,
        fixed=tuple(replace(record, owner=owner) for record in answer.fixed),
        shuffled=tuple(tuple(replace(record, owner=owner) for record in option) for option in answer.shuffled),
        weighted=tuple((weight, _renamed(option, owner)) for weight, option in answer.weighted),
    )


def _follow(
    scope: ResolutionScope, zone: PublishedZone, answer: DnsAnswer, kind: str, seen: frozenset[str]
) -> DnsAnswer:
    """Append the answer for the target of a CNAME, as far as this server can resolve it."""
    if answer.weighted:
        return replace(
            answer,
            weighted=tuple((weight, _follow(scope, zone, option, kind, seen)) for weight, option in answer.weighted),
        )
    chain = answer.fixed + tuple(record for option in answer.shuffled for record in option)
    alias = replace(answer, fixed=chain, shuffled=(), limit=0)
    if not chain:
        return alias
    target = names.canonical(chain[-1].value.strip())
    inside = names.is_within(target, zone.zone.name)
    if target in seen or not (inside or scope.recursive):
        return alias
    found = _resolve(scope, target, kind, seen)
    return alias if found.rcode == "REFUSED" else _after(chain, found)


def _after(chain: tuple[DnsRecord, ...], answer: DnsAnswer) -> DnsAnswer:
    """Put the CNAME records before an answer."""
    return replace(
        answer,
        fixed=() if answer.weighted else chain + answer.fixed,
        weighted=tuple((weight, _after(chain, option)) for weight, option in answer.weighted),
        authoritative=True,
    )


def _is_healthy(scope: ResolutionScope, zone: PublishedZone, record: RecordSet, seen: frozenset[str]) -> bool:
    """Evaluate custom health, the attached health check, and the target of an alias with EvaluateTargetHealth."""
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


def _load_balancer(
    scope: ResolutionScope, target: str, kind: str, owner: str, negative: tuple[DnsRecord, ...]
) -> DnsAnswer:
    found = load_balancer_addresses(scope.world, target, kind)
    if not found:
        return DnsAnswer(authority=negative)
    options = tuple((DnsRecord(owner, kind, found.ttl, value),) for value in found.values)
    return DnsAnswer(shuffled=options, limit=len(options))


def _dns_records(owner: str, record: RecordSet) -> tuple[DnsRecord, ...]:
    return tuple(DnsRecord(owner, record.type, record.ttl or 0, value) for value in record.values)


def _soa(zone: PublishedZone) -> tuple[DnsRecord, ...]:
    """Return the zone's SOA record for negative answers; its TTL is the time they may be cached (RFC 2308, 3)."""
    for record in zone.records.at(zone.zone.name).values():
        if record.type == "SOA":
            value = record.values[0]
            return (DnsRecord(zone.zone.name, "SOA", min(record.ttl or 0, int(value.split()[-1])), value),)
    return ()
