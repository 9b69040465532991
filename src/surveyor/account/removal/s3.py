"""Buckets of S3: the mailbox between a run and its vantage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while

__all__ = ["delete_buckets", "find_bucket"]

_AT_ONCE = 1_000
"""Keys that one DeleteObjects takes, and one page of ListObjectsV2 has (s3/DeleteObjects)."""


def find_bucket(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the name of the bucket, which is in the parameters of the call."""
    return (resource.parameters.get("Bucket", ""),)


def delete_buckets(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete buckets with their objects; the last answer of a task that was just stopped may still arrive."""
    s3 = account.client("s3", region)
    problems: dict[str, str] = {}
    for bucket in ids:
        try:
            with ignore_absent("NoSuchBucket"):
                retry_while(account, partial(_delete, s3, bucket), "BucketNotEmpty", within=timeouts.OPERATION)
        except ClientError as error:
            problems[bucket] = str(error)
    return problems


def _delete(s3: Any, bucket: str) -> None:
    while keys := [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, MaxKeys=_AT_ONCE).get("Contents") or ()]:
        listed = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        s3.delete_objects(Bucket=bucket, Delete=listed)
    s3.delete_bucket(Bucket=bucket)
