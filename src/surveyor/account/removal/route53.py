"""Hosted zones and health checks that suites make themselves, not those of Cloud Map, which go with what they serve."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone, persist

__all__ = ["find_check", "find_zone", "remove_checks", "remove_zones"]

_NOT_YET = ("HostedZoneNotEmpty", "PriorRequestNotComplete")


def find_zone(account: Account, thing: Thing) -> tuple[str, ...]:
    """The hosted zone of the create call, by its caller's reference, which nobody can use twice."""
    if thing.ids:
        return thing.ids
    route53 = account.client("route53", thing.region)
    pages = route53.get_paginator("list_hosted_zones").paginate()
    return _of_caller((one for page in pages for one in page["HostedZones"]), thing)


def find_check(account: Account, thing: Thing) -> tuple[str, ...]:
    """The health check of the create call, likewise."""
    if thing.ids:
        return thing.ids
    route53 = account.client("route53", thing.region)
    pages = route53.get_paginator("list_health_checks").paginate()
    return _of_caller((one for page in pages for one in page["HealthChecks"]), thing)


def remove_zones(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete zones with their records."""
    route53 = account.client("route53", region)
    problems: dict[str, str] = {}
    for zone in ids:
        try:
            with gone("NoSuchHostedZone"):
                _empty(route53, zone)
                persist(account, partial(route53.delete_hosted_zone, Id=zone), *_NOT_YET)
        except ClientError as error:
            problems[zone] = str(error)
    return problems


def remove_checks(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete health checks."""
    route53 = account.client("route53", region)
    problems: dict[str, str] = {}
    for check in ids:
        try:
            with gone("NoSuchHealthCheck"):
                persist(account, partial(route53.delete_health_check, HealthCheckId=check), "HealthCheckInUse")
        except ClientError as error:
            problems[check] = str(error)
    return problems


def _empty(route53: Any, zone: str) -> None:
    """Delete all records but those two that every zone has at its top."""
    top = route53.get_hosted_zone(Id=zone)["HostedZone"]["Name"]
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    sets = [one for page in pages for one in page["ResourceRecordSets"]]
    ours = [one for one in sets if not (one["Name"] == top and one["Type"] in ("NS", "SOA"))]
    for start in range(0, len(ours), 500):
        changes = [{"Action": "DELETE", "ResourceRecordSet": one} for one in ours[start : start + 500]]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _of_caller(found: Any, thing: Thing) -> tuple[str, ...]:
    reference = thing.asked.get("CallerReference")
    return tuple(one["Id"] for one in found if reference and one.get("CallerReference") == reference)
