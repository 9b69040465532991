"""What a zone's records must be, each by itself and together: the documented rules of ChangeResourceRecordSets.

Sources: route53/ResourceRecordSet and its members; Route 53 Developer Guide, "Quotas" and "Supported DNS record types".
Every function gives a list of complaints, so that one answer can name all that is wrong with a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from . import names
from .load_balancers import is_load_balancer
from .rdata import encode
from .records import RecordTable
from .state import HostedZone, RecordSet

__all__ = ["check_aliases", "check_name", "check_record"]

GROUP_LIMIT = 100
VALUES_LIMIT = 400
_LONGEST_TTL = 2**31 - 1
_NO_MULTIVALUE = ("CNAME", "DS", "NS", "SOA")
_NO_POLICY = ("DS", "NS", "SOA")
# Where aliases may point outside their own zone.
_AWS_DOMAINS = ("amazonaws.com.", "amazonaws.com.cn.", "awsglobalaccelerator.com.", "cloudfront.net.")


def check_record(zone: HostedZone, record: RecordSet) -> list[str]:
    """What is wrong with one record set that is to be in a zone."""
    what = _spell(record)
    if not names.is_within(record.name, zone.name):
        return [f"RRSet with DNS name {record.name} is not permitted in zone {zone.name}"]
    found = []
    at_apex = record.name == zone.name
    if record.type == "CNAME" and at_apex:
        found.append(f"RRSet of type CNAME with DNS name {record.name} is not permitted at apex in zone {zone.name}")
    if record.type == "SOA" and not at_apex:
        found.append(f"{what}: a zone's only SOA record is the one of its own name")
    if record.type == "NS" and record.name.startswith(names.WILDCARD + "."):
        found.append(f"{what}: the name of an NS record cannot begin with an asterisk")
    found += _check_policy(zone, record, what)
    found += _check_values(record, what)
    return found


def check_name(zone: HostedZone, name: str, records: Sequence[RecordSet]) -> list[str]:
    """What is wrong with all record sets of one name, as they would be."""
    found = []
    kinds = {record.type for record in records}
    if "CNAME" in kinds and len(kinds) > 1:
        found.append(
            f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the"
            f" same DNS name in zone {zone.name}"
        )
    if name == zone.name and not {"NS", "SOA"} <= kinds:
        found.append(f"a hosted zone must contain an SOA record and at least one NS record for {name}")
    for kind in sorted(kinds):
        found += _check_group([record for record in records if record.type == kind])
    return found


def check_aliases(zone: HostedZone, records: Iterable[RecordSet], table: RecordTable, zone_ids: set[str]) -> list[str]:
    """What is wrong with where aliases point; ``table`` as it would be, ``zone_ids`` are the account's zones."""
    found = []
    for record in records:
        target = record.alias
        if target is None:
            continue
        tried = f"Tried to create an alias that targets {target.name}, type {record.type} in zone {target.zone_id}"
        if target.zone_id == zone.id:
            if not names.is_within(target.name, zone.name):
                found.append(f"{tried}, but the alias target name does not lie within the target zone")
            elif not any(other.type == record.type for other in table.at(target.name).values()):
                found.append(f"{tried}, but that target was not found")
        elif target.zone_id in zone_ids or not _is_aws_name(target.name):
            found.append(f"{tried}, but it can target only records of its own zone, or resources of AWS services")
        elif zone.private and target.name.endswith(".cloudfront.net."):
            found.append(f"{tried}, but a private zone can have no alias to a CloudFront distribution")
    return found


def _check_policy(zone: HostedZone, record: RecordSet, what: str) -> list[str]:
    found = []
    routed = record.set_identifier is not None
    if record.multivalue and record.type in _NO_MULTIVALUE:
        found.append(f"{what}: there are no multivalue answer records of type {record.type}")
    elif routed and record.type in _NO_POLICY:
        found.append(f"{what}: records of type {record.type} have simple routing only")
    if record.health_check_id is not None and not routed and zone.private:
        found.append(f"{what}: in a private zone a simple record cannot have a health check")
    if record.failover is not None and record.alias is not None and not record.alias.evaluate_target_health:
        found.append(f"{what}: a failover alias record must evaluate the health of its target")
    return found


def _check_values(record: RecordSet, what: str) -> list[str]:
    found = []
    if record.ttl is not None and not 0 <= record.ttl <= _LONGEST_TTL:
        found.append(f"{what}: a TTL is 0 to {_LONGEST_TTL} seconds, not {record.ttl}")
    if len(record.values) > VALUES_LIMIT:
        found.append(f"{what}: a record has at most {VALUES_LIMIT} values, not {len(record.values)}")
    if len(record.values) > 1 and (record.type in ("CNAME", "SOA") or record.weight is not None):
        found.append(f"{what}: only one ResourceRecord can be specified, not {len(record.values)}")
    found += [f"{what}: Duplicate Resource Record: '{value}'" for value, n in Counter(record.values).items() if n > 1]
    for value in record.values:
        try:
            encode(record.type, value)
        except ValueError as problem:
            found.append(f"Invalid Resource Record of {what}: {problem}")
    return found


def _check_group(group: Sequence[RecordSet]) -> list[str]:
    """Record sets of one name and type: one simple one, or several of one routing policy."""
    what = f"[name='{group[0].name}', type='{group[0].type}']"
    policies = {_policy(record) for record in group}
    if len(policies) > 1:
        return [f"RRSets {what} cannot have different routing policies: {', '.join(sorted(policies))}"]
    found = []
    if len(group) > GROUP_LIMIT:
        found.append(f"RRSets {what} cannot be more than {GROUP_LIMIT}, they would be {len(group)}")
    if policies == {"weighted"} and len({record.ttl for record in group if record.alias is None}) > 1:
        found.append(f"RRSets {what}: all record sets of a weighted group must have the same TTL")
    roles = Counter(record.failover for record in group if record.failover is not None)
    found += [f"RRSets {what}: there can be only one {role} record set" for role, n in roles.items() if n > 1]
    return found


def _policy(record: RecordSet) -> str:
    if record.multivalue:
        return "multivalue answer"
    if record.weight is not None:
        return "weighted"
    return "failover" if record.failover is not None else "simple"


def _is_aws_name(name: str) -> bool:
    return is_load_balancer(name) or any(name.endswith("." + domain) for domain in _AWS_DOMAINS)


def _spell(record: RecordSet) -> str:
    identifier = f", set identifier='{record.set_identifier}'" if record.set_identifier is not None else ""
    return f"[name='{record.name}', type='{record.type}'{identifier}]"
