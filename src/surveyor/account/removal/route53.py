"""Hosted zones and health checks that suites create; those of Cloud Map are deleted by Cloud Map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while

__all__ = ["delete_health_checks", "delete_hosted_zones", "find_health_check", "find_hosted_zone"]

_BUSY = ("HostedZoneNotEmpty", "PriorRequestNotComplete")
_MAX_CHANGES = 500  # changes in one call


def find_hosted_zone(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the hosted zone of the create call, by its caller reference, which cannot be used twice."""
    if resource.ids:
        return resource.ids
    route53 = account.client("route53", resource.region)
    pages = route53.get_paginator("list_hosted_zones").paginate()
    return _with_caller_reference((zone for page in pages for zone in page["HostedZones"]), resource)


def find_health_check(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the health check of the create call, by its caller reference."""
    if resource.ids:
        return resource.ids
    route53 = account.client("route53", resource.region)
    pages = route53.get_paginator("list_health_checks").paginate()
    return _with_caller_reference((check for page in pages for check in page["HealthChecks"]), resource)


def delete_hosted_zones(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete zones with their records."""
    route53 = account.client("route53", region)
    problems: dict[str, str] = {}
    for zone in ids:
        try:
            with ignore_absent("NoSuchHostedZone"):
                _delete_records(route53, zone)
                retry_while(account, partial(route53.delete_hosted_zone, Id=zone), *_BUSY)
        except ClientError as error:
            problems[zone] = str(error)
    return problems


def delete_health_checks(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete health checks."""
    route53 = account.client("route53", region)
    problems: dict[str, str] = {}
    for check in ids:
        try:
            with ignore_absent("NoSuchHealthCheck"):
                retry_while(account, partial(route53.delete_health_check, HealthCheckId=check), "HealthCheckInUse")
        except ClientError as error:
            problems[check] = str(error)
    return problems


def _delete_records(route53: Any, zone: str) -> None:
    """Delete all records except the NS and SOA records that every zone has at its apex."""
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    record_sets = [record_set for page in pages for record_set in page["ResourceRecordSets"]]
    apex = min((record_set["Name"] for record_set in record_sets), key=len, default="")  # it is the end of all names
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": record_set}
        for record_set in record_sets
        if not (record_set["Name"] == apex and record_set["Type"] in ("NS", "SOA"))
    ]
    for start in range(0, len(changes), _MAX_CHANGES):
        batch = {"Changes": changes[start : start + _MAX_CHANGES]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def _with_caller_reference(entries: Iterable[Any], resource: Resource) -> tuple[str, ...]:
    reference = resource.parameters.get("CallerReference")
    return tuple(entry["Id"] for entry in entries if reference and entry.get("CallerReference") == reference)
