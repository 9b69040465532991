"""Requests written out by hand: for what boto3 would not send, such as another protocol or an unknown operation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from surveyor import bounds
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["HttpAnswer", "Post"]


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, as it was on the wire; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Post(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """`post(path, headers, body)`: sends this to Cloud Map's endpoint, signed, and returns what comes."""


@pytest.fixture
def post(running: RunningTarget, account: str, cloudmap: ServiceDiscoveryClient) -> Post:
    """Posts requests as the test's account."""
    credentials = running.clients.credentials(account)
    signer = SigV4Auth(credentials, "servicediscovery", running.target.region)
    timeout = (bounds.CONNECT, bounds.LOCAL_ANSWER) if running.target.is_local else bounds.REMOTE_ANSWER
    session = URLLib3Session(timeout=timeout)  # type: ignore[arg-type]  # the stubs know whole seconds only
    header = running.target.credentials.header

    def send(path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        given = {**headers, header: account} if header else dict(headers)
        request = AWSRequest("POST", cloudmap.meta.endpoint_url.rstrip("/") + path, given, body)
        signer.add_auth(request)
        started = time.perf_counter()
        came = session.send(request.prepare())
        answer = HttpAnswer(came.status_code, {name.lower(): text for name, text in came.headers.items()}, came.content)
        running.evidence.call(
            "servicediscovery",
            f"POST {path}",
            {"headers": dict(headers), "body": body},
            started,
            status=answer.status,
            response={"headers": dict(answer.headers), "body": answer.body},
        )
        return answer

    return send
