"""Log groups, and private certificate authorities."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone
from surveyor.account.tags import TAG

__all__ = ["find_authority", "find_log_group", "remove_authorities", "remove_log_groups"]

SOONEST = 7
"""Days that AWS keeps a deleted authority at least (acm-pca/DeleteCertificateAuthorityRequest)."""


def find_log_group(account: Account, thing: Thing) -> tuple[str, ...]:
    """The group's name, which it was given."""
    return (thing.asked.get("logGroupName", ""),)


def find_authority(account: Account, thing: Thing) -> tuple[str, ...]:
    """The authority that the call made, or, where no answer came, those with the run's tag."""
    if thing.ids:
        return thing.ids
    pca = account.client("acm-pca", thing.region)
    found = []
    for page in pca.get_paginator("list_certificate_authorities").paginate():
        for one in page["CertificateAuthorities"]:
            tags = pca.list_tags(CertificateAuthorityArn=one["Arn"])["Tags"]
            if one["Status"] != "DELETED" and {"Key": TAG, "Value": account.run} in tags:
                found.append(one["Arn"])
    return tuple(found)


def remove_log_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete groups with their streams."""
    logs = account.client("logs", region)
    problems: dict[str, str] = {}
    for name in ids:
        try:
            with gone("ResourceNotFoundException"):
                logs.delete_log_group(logGroupName=name)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def remove_authorities(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Disable and delete authorities; AWS keeps them restorable for a week, and bills nothing for that."""
    pca = account.client("acm-pca", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone("ResourceNotFoundException", "InvalidStateException"):
                status = pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"][
                    "Status"
                ]
                if status == "ACTIVE":
                    pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
                pca.delete_certificate_authority(CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=SOONEST)
        except ClientError as error:
            problems[arn] = str(error)
    return problems
