"""Alarms, log groups and private certificate authorities."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent
from surveyor.account.tags import TAG

__all__ = [
    "delete_alarms",
    "delete_certificate_authorities",
    "delete_log_groups",
    "find_alarm",
    "find_certificate_authority",
    "find_log_group",
]

MIN_RETENTION = 7
"""Minimum number of days that AWS keeps a deleted authority (acm-pca/DeleteCertificateAuthorityRequest)."""


def find_alarm(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the alarm's name, which is in the parameters of the call."""
    return (resource.parameters.get("AlarmName", ""),)


def find_log_group(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the group's name, which is in the parameters of the call."""
    return (resource.parameters.get("logGroupName", ""),)


def find_certificate_authority(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the authority that the call created; without an answer, those with the run's tag."""
    if resource.ids:
        return resource.ids
    pca = account.client("acm-pca", resource.region)
    found = []
    for page in pca.get_paginator("list_certificate_authorities").paginate():
        for authority in page["CertificateAuthorities"]:
            tags = pca.list_tags(CertificateAuthorityArn=authority["Arn"])["Tags"]
            if authority["Status"] != "DELETED" and {"Key": TAG, "Value": account.run} in tags:
                found.append(authority["Arn"])
    return tuple(found)


def delete_alarms(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete alarms one by one: a call with a name that does not exist deletes none (cloudwatch/DeleteAlarms)."""
    cloudwatch = account.client("cloudwatch", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with ignore_absent("ResourceNotFound", "ResourceNotFoundException"):
                cloudwatch.delete_alarms(AlarmNames=[name])
        except ClientError as error:
            problems[name] = str(error)
    return problems


def delete_log_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete groups with their streams."""
    logs = account.client("logs", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with ignore_absent("ResourceNotFoundException"):
                logs.delete_log_group(logGroupName=name)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def delete_certificate_authorities(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Disable and delete authorities; AWS keeps them restorable for a week, and does not bill that week."""
    pca = account.client("acm-pca", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with ignore_absent("ResourceNotFoundException", "InvalidStateException"):
                authority = pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
                if authority["Status"] == "ACTIVE":
                    pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
                pca.delete_certificate_authority(CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=MIN_RETENTION)
        except ClientError as error:
            problems[arn] = str(error)
    return problems
