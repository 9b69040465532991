"""A client of Cloud Map for the discovery of instances alone: plain signed calls, without retries or a pool.

It has the methods of a client of boto3, and works under gevent, where a client of boto3 would add connections.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.errors import UsageError

__all__ = ["CALLER_HEADER", "DISCOVERY", "RegistryClient", "chain_credentials", "data_endpoint"]

DISCOVERY = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})
"""The operations that are called at the data endpoint (hostPrefix in the API model of Cloud Map)."""

CALLER_HEADER = "X-Surveyor-Caller"
"""The header, not signed, by which a proxy of this run knows its callers."""

LOCAL_TIMEOUT, REMOTE_TIMEOUT = 1.0, 5.0
"""Wall seconds for a call to this machine, and to another, where a connection with TLS takes longer."""

MAX_RESPONSE = 1 << 22
_TARGET = "Route53AutoNaming_v20170314"


def data_endpoint(endpoint: str) -> str:
    """Return the endpoint for the discovery of instances beside an endpoint of Cloud Map in AWS."""
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://data-{host}"


class RegistryClient:
    """Signed calls to `endpoint`, which must accept discovery: in AWS the data endpoint.

    A user name in it, as in `http://NAME@127.0.0.1:8080`, is sent as the caller's header.
    """

    def __init__(self, endpoint: str, region: str, credentials: Callable[[], Credentials]) -> None:
        parts = urlsplit(endpoint)
        self._known = {CALLER_HEADER: parts.username} if parts.username else {}
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/") + "/"
        self._region, self._credentials = region, credentials
        local = (parts.hostname or "").startswith("127.")
        self._timeout = LOCAL_TIMEOUT if local else REMOTE_TIMEOUT
        self._opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))

    def discover_instances(self, **params: object) -> dict[str, Any]:
        """Call DiscoverInstances. Raises ClientError if it is refused, OSError if it is not answered."""
        return self._call("DiscoverInstances", params, "Instances")

    def discover_instances_revision(self, **params: object) -> dict[str, Any]:
        """Call DiscoverInstancesRevision. Raises ClientError if it is refused, OSError if it is not answered."""
        return self._call("DiscoverInstancesRevision", params, "InstancesRevision")

    def _call(self, operation: str, params: dict[str, object], member: str) -> dict[str, Any]:
        """Return the response, which must have this member."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_TARGET}.{operation}"}
        request = AWSRequest("POST", self._url, headers, json.dumps(params).encode())
        SigV4Auth(self._credentials(), "servicediscovery", self._region).add_auth(request)
        sent = {**dict(request.headers.items()), **self._known}
        plain = urllib.request.Request(self._url, request.data, sent, method="POST")  # noqa: S310  # the target
        try:
            with self._opener.open(plain, timeout=self._timeout) as response:
                value = _document(response.read(MAX_RESPONSE))
        except urllib.error.HTTPError as error:
            with error:
                document = _document(error.read(MAX_RESPONSE))
            code = str(document.get("__type") or error.code).rpartition("#")[2]
            message = str(document.get("Message") or document.get("message") or "")
            raise ClientError({"Error": {"Code": code, "Message": message}}, operation) from None
        except HTTPException as error:
            raise ConnectionError(f"expected HTTP from {operation}; got {type(error).__name__}") from None
        if member not in value:
            raise ConnectionError(f"expected {member} in the response of {operation}; got something else")
        return value


def _document(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; empty if it is anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def chain_credentials() -> Callable[[], Credentials]:
    """Return what returns the credentials of this process, as boto3 finds them. Raises UsageError if there are none."""
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise UsageError("no credentials for DiscoverInstances: expected AWS_PROFILE or AWS_ACCESS_KEY_ID; none found")
    return lambda: cast(Credentials, credentials.get_frozen_credentials())
