"""The documented rules of ChangeResourceRecordSets for a zone's records, singly and together.

Sources: route53/ResourceRecordSet and its members; Route 53 Developer Guide, "Quotas" and "Supported DNS record types".
Every function returns a list of complaints, so that one answer can name all errors of a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from . import names
from .load_balancers import is_load_balancer
from .rdata import encode
from .record_model import RecordSet
from .record_table import RecordTable
from .state import HostedZone

__all__ = ["check_aliases", "check_name", "check_record"]

GROUP_LIMIT = 100
VALUES_LIMIT = 400
_NO_MULTIVALUE = ("CNAME", "DS", "NS", "SOA")
_NO_POLICY = ("DS", "NS", "SOA")
# Where aliases may point outside their own zone.
_AWS_DOMAINS = ("amazonaws.com.", "amazonaws.com.cn.", "awsglobalaccelerator.com.", "cloudfront.net.")


def check_record(zone: HostedZone, record: RecordSet) -> list[str]:
    """Return the rules that one record set of a zone breaks."""
    subject = _spell(record)
    if not names.is_within(record.name, zone.name):
        return [f"RRSet with DNS name {record.name} is not permitted in zone {zone.name}"]
    complaints = []
    at_apex = record.name == zone.name
    if record.type == "CNAME" and at_apex:
        complaints.append(
            f"RRSet of type CNAME with DNS name {record.name} is not permitted at apex in zone {zone.name}"
        )
    if record.type == "SOA" and not at_apex:
        complaints.append(f"{subject}: a zone has an SOA record only at its apex")
    if record.type == "NS" and record.name.startswith(names.WILDCARD + "."):
        complaints.append(f"{subject}: the name of an NS record cannot begin with an asterisk")
    complaints += _check_policy(record, subject)
    complaints += _check_values(record, subject)
    return complaints


def check_name(zone: HostedZone, name: str, records: Sequence[RecordSet]) -> list[str]:
    """Return the rules that all record sets of one name break after the change."""
    complaints = []
    kinds = {record.type for record in records}
    if "CNAME" in kinds and len(kinds) > 1:
        complaints.append(
            f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the"
            f" same DNS name in zone {zone.name}"
        )
    if name == zone.name and not {"NS", "SOA"} <= kinds:
        complaints.append(f"a hosted zone must contain an SOA record and at least one NS record for {name}")
    for kind in sorted(kinds):
        complaints += _check_group([record for record in records if record.type == kind])
    return complaints


def check_aliases(zone: HostedZone, records: Iterable[RecordSet], table: RecordTable, zone_ids: set[str]) -> list[str]:
    """Return the rules that alias targets break; ``table``: after the change, ``zone_ids``: the account's zones."""
    complaints = []
    for record in records:
        target = record.alias
        if target is None:
            continue
        tried = f"Tried to create an alias that targets {target.name}, type {record.type} in zone {target.zone_id}"
        if target.zone_id == zone.id:
            if not names.is_within(target.name, zone.name):
                complaints.append(f"{tried}, but the alias target name does not lie within the target zone")
            elif not any(other.type == record.type for other in table.at(target.name).values()):
                complaints.append(f"{tried}, but that target was not found")
        elif target.zone_id in zone_ids or not _is_aws_name(target.name):
            complaints.append(f"{tried}, but it can target only records of the same zone, or resources of AWS services")
        elif zone.private and target.name.endswith(".cloudfront.net."):
            complaints.append(f"{tried}, but a private zone can have no alias to a CloudFront distribution")
    return complaints


def _check_policy(record: RecordSet, subject: str) -> list[str]:
    complaints = []
    routed = record.set_identifier is not None
    if record.multivalue and record.type in _NO_MULTIVALUE:
        complaints.append(f"{subject}: there are no multivalue answer records of type {record.type}")
    elif routed and record.type in _NO_POLICY:
        complaints.append(f"{subject}: records of type {record.type} have simple routing only")
    if record.failover is not None and record.alias is not None and not record.alias.evaluate_target_health:
        complaints.append(f"{subject}: a failover alias record must evaluate the health of its target")
    return complaints


def _check_values(record: RecordSet, subject: str) -> list[str]:
    complaints = []
    if len(record.values) > VALUES_LIMIT:
        complaints.append(f"{subject}: a record has at most {VALUES_LIMIT} values, not {len(record.values)}")
    if len(record.values) > 1 and (record.type in ("CNAME", "SOA") or record.weight is not None):
        complaints.append(f"{subject}: only one ResourceRecord can be specified, not {len(record.values)}")
    complaints += [
        f"{subject}: Duplicate Resource Record: '{value}'" for value, n in Counter(record.values).items() if n > 1
    ]
    for value in record.values:
        try:
            encode(record.type, value)
        except ValueError as error:
            complaints.append(f"Invalid Resource Record of {subject}: {error}")
    return complaints


def _check_group(group: Sequence[RecordSet]) -> list[str]:
    """Return the rules that record sets of one name and type break: one simple, or several of one routing policy."""
    subject = f"[name='{group[0].name}', type='{group[0].type}']"
    policies = {_policy(record) for record in group}
    if len(policies) > 1:
        return [f"RRSets {subject} cannot have different routing policies: {', '.join(sorted(policies))}"]
    complaints = []
    if len(group) > GROUP_LIMIT:
        complaints.append(f"RRSets {subject} cannot be more than {GROUP_LIMIT}, they would be {len(group)}")
    if policies == {"weighted"} and len({record.ttl for record in group if record.alias is None}) > 1:
        complaints.append(f"RRSets {subject}: all record sets of a weighted group must have the same TTL")
    roles = Counter(record.failover for record in group if record.failover is not None)
    complaints += [f"RRSets {subject}: there can be only one {role} record set" for role, n in roles.items() if n > 1]
    return complaints


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
