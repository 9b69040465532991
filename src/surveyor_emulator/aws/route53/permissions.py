"""The permissions that requests to Route 53 need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def permission_requests(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the permissions of a call, all of which must be allowed.

    ARNs of zones and health checks have no account and no region (Service Authorization Reference, Amazon Route 53).
    """
    for member, kind in (("HostedZoneId", "hostedzone"), ("Id", "hostedzone"), ("HealthCheckId", "healthcheck")):
        if member in params:
            yield PermissionRequest(f"arn:aws:route53:::{kind}/{str(params[member]).rpartition('/')[2]}", {})
            return
    yield PermissionRequest("*", {})
