"""The authority and additional sections of the answers of name servers.

Route 53 Developer Guide, "DNS constraints and behaviors": a successful answer has the name servers of its zone in the
authority section, and in the additional section the addresses of names that it cites, if they are known.
"""

from __future__ import annotations

from dataclasses import replace

from . import names
from .answers import DnsAnswer, DnsRecord, ResolutionScope
from .published_zones import PublishedZone

__all__ = ["add_sections", "cited_name"]

_CITING = ("MX", "CNAME", "NS", "SRV")


def add_sections(scope: ResolutionScope, name: str, answer: DnsAnswer) -> DnsAnswer:
    """Return the answer to a question about `name` with both sections; a negative answer and a referral as they are."""
    zone = scope.zone_of(name)
    return answer if zone is None else _complete(zone, answer)


def cited_name(record: DnsRecord) -> str | None:
    """Return the canonical name that the value of a record cites; None if it cites none."""
    return names.canonical(record.value.split()[-1]) if record.type in _CITING else None


def _complete(zone: PublishedZone, answer: DnsAnswer) -> DnsAnswer:
    if answer.weighted:
        return replace(answer, weighted=tuple((weight, _complete(zone, option)) for weight, option in answer.weighted))
    records = [*answer.fixed, *(record for option in answer.shuffled for record in option)]
    if not records or answer.authority:
        return answer
    own = [(record.owner, record.type) for record in records]
    servers = () if (zone.zone.name, "NS") in own else _records(zone, zone.zone.name, "NS")
    cited = dict.fromkeys(cited_name(record) for record in records)
    additional = (
        record for target in cited if target for kind in ("A", "AAAA") for record in _records(zone, target, kind)
    )
    return replace(
        answer,
        authority=servers,
        additional=tuple(found for found in additional if (found.owner, found.type) not in own),
    )


def _records(zone: PublishedZone, name: str, kind: str) -> tuple[DnsRecord, ...]:
    """Return the records of a name and type that have neither a routing policy nor an alias target."""
    return tuple(
        DnsRecord(name, kind, record.ttl or 0, value)
        for record in zone.records.at(name).values()
        if record.type == kind and record.set_identifier is None
        for value in record.values
    )
