"""What Route 53 holds for a namespace: the control plane's view of records, before any name server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.answers import member

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

__all__ = ["RecordSets"]


class RecordSets(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, namespace: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """`record_sets(namespace, name)`: the ResourceRecordSets of that full name in the namespace's hosted zone."""


@pytest.fixture
def record_sets(route53: Route53Client) -> RecordSets:
    """Lists records; the API shows a change from the moment it was asked for, not from when it is INSYNC."""

    def look(namespace: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        zone = member(namespace, "Properties", "DnsProperties", "HostedZoneId", of="GetNamespace")
        wanted = name.lower().rstrip(".") + "."
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        sets = [dict(one) for page in pages for one in member(page, "ResourceRecordSets", of="ListResourceRecordSets")]
        return [one for one in sets if member(one, "Name", of="ListResourceRecordSets") == wanted]

    return look
