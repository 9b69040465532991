"""The permissions that requests to S3 need (Service Authorization Reference, Amazon S3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def _bucket(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    yield NamedResource(f"arn:aws:s3:::{params['Bucket']}")


def _objects(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    listed = params.get("Delete", {}).get("Objects", ())
    for key in (params["Key"],) if "Key" in params else [entry["Key"] for entry in listed]:
        yield NamedResource(f"arn:aws:s3:::{params['Bucket']}/{key}")


permission_requests = ActionTable(
    types=[
        (_bucket, "CreateBucket DeleteBucket GetBucketLocation HeadBucket ListObjectsV2"),
        (_objects, "DeleteObject DeleteObjects GetObject PutObject"),
    ],
    without="ListBuckets",
    actions={
        "DeleteObjects": "s3:DeleteObject",
        "HeadBucket": "s3:ListBucket",
        "ListBuckets": "s3:ListAllMyBuckets",
        "ListObjectsV2": "s3:ListBucket",
    },
).permission_requests
