"""A client of Cloud Map for the discovery of instances alone: plain signed calls, without retries or a pool.

It has the methods of a client of boto3, and works under gevent, where a client of boto3 would add connections.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, cast

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from surveyor.errors import UsageError

__all__ = ["DISCOVERY", "RegistryClient", "chain_credentials", "data_endpoint"]

DISCOVERY = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})
"""The operations that are called at the data endpoint (hostPrefix in the API model of Cloud Map)."""

TIMEOUT = 1.0
"""Wall seconds."""

MAX_RESPONSE = 1 << 22
_TARGET = "Route53AutoNaming_v20170314"


def data_endpoint(endpoint: str) -> str:
    """Return the endpoint for the discovery of instances beside an endpoint of Cloud Map in AWS."""
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://data-{host}"


class RegistryClient:
    """Signed calls to `endpoint`, which must accept discovery: in AWS the data endpoint."""

    def __init__(self, endpoint: str, region: str, credentials: Callable[[], Credentials]) -> None:
        self._url, self._region, self._credentials = endpoint.rstrip("/") + "/", region, credentials
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def discover_instances(self, **params: object) -> dict[str, Any]:
        """Call DiscoverInstances. Raises OSError."""
        return self._call("DiscoverInstances", params, "Instances")

    def discover_instances_revision(self, **params: object) -> dict[str, Any]:
        """Call DiscoverInstancesRevision. Raises OSError."""
        return self._call("DiscoverInstancesRevision", params, "InstancesRevision")

    def _call(self, operation: str, params: dict[str, object], member: str) -> dict[str, Any]:
        """Return the response, which must have this member."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_TARGET}.{operation}"}
        request = AWSRequest("POST", self._url, headers, json.dumps(params).encode())
        SigV4Auth(self._credentials(), "servicediscovery", self._region).add_auth(request)
        plain = urllib.request.Request(self._url, request.data, dict(request.headers.items()), method="POST")  # noqa: S310  # the target
        with self._opener.open(plain, timeout=TIMEOUT) as response:
            body = response.read(MAX_RESPONSE)
        try:
            value: Any = json.loads(body)
        except ValueError:
            value = None
        if not isinstance(value, dict) or member not in value:
            raise ConnectionError(f"expected {member} in the response of {operation}; got something else")
        return value


def chain_credentials() -> Callable[[], Credentials]:
    """Return what returns the credentials of this process, as boto3 finds them. Raises UsageError if there are none."""
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise UsageError("no credentials for DiscoverInstances: expected AWS_PROFILE or AWS_ACCESS_KEY_ID; none found")
    return lambda: cast(Credentials, credentials.get_frozen_credentials())
