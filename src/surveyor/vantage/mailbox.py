"""The mailbox: a bucket of the run, and presigned URLs of its objects."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError

from surveyor.account.tags import run_prefix
from surveyor.errors import TargetUnavailable
from surveyor.targets.running import RunningTarget

__all__ = ["Mailbox", "create_bucket"]

_EXPIRES = 6 * 3_600
"""Wall seconds for which a URL is valid, unless the credentials behind it end before. A task lives no longer."""

_TRIES = 6
_FIRST_PAUSE = 0.5  # service seconds


class Mailbox:
    """Puts and gets objects of one bucket; each request is made again if S3 fails or the connection breaks."""

    def __init__(self, running: RunningTarget, bucket: str) -> None:
        self.bucket = bucket
        self._running = running
        self._region = running.target.region
        self._s3 = running.clients.client("s3", running.target.account or "")

    def url(self, method: str, key: str) -> str:
        """Return a URL with which any program may make this request about the object, as long as it is valid."""
        parts = urlsplit(self._s3.meta.endpoint_url)
        base = f"{parts.scheme}://{parts.netloc}/{self.bucket}"
        if not self._running.target.is_local:  # S3 User Guide, "Virtual hosting of buckets"
            base = f"{parts.scheme}://{self.bucket}.{parts.netloc}"
        request = AWSRequest(method, f"{base}/{key}")
        credentials = self._running.clients.credentials(self._running.target.account or "")
        S3SigV4QueryAuth(credentials, "s3", self._region, expires=_EXPIRES).add_auth(request)
        return str(request.url)

    def put(self, key: str, body: bytes) -> None:
        """Put an object. Raises TargetUnavailable if S3 does not take it."""
        status, text = self._request("PUT", key, body)
        if status != 200:
            raise TargetUnavailable(f"expected S3 to take {self.bucket}/{key}, got HTTP {status}: {_why(text)}")

    def get(self, key: str) -> bytes | None:
        """Return an object; None if it does not exist (yet). Raises TargetUnavailable."""
        status, text = self._request("GET", key, None)
        if status == 200:
            return text
        code = _code(text)
        # Without s3:ListBucket an object that does not exist is forbidden (s3/GetObject).
        is_missing = (status == 404 and code == "NoSuchKey") or (status == 403 and code == "AccessDenied")
        if is_missing and not _is_about_time(text):
            return None
        raise TargetUnavailable(f"expected {self.bucket}/{key} from S3, got HTTP {status}: {_why(text)}")

    def _request(self, method: str, key: str, body: bytes | None) -> tuple[int, bytes]:
        pause, why = _FIRST_PAUSE, ""
        for _ in range(_TRIES):
            request = AWSRequest(method, self.url(method, key), data=body).prepare()
            try:
                # The session has the proxies and certificates of the user.
                response = self._s3._endpoint.http_session.send(request)  # noqa: SLF001  # botocore shows no other way
            except (HTTPClientError, BotoCoreError) as error:
                why = str(error)
            else:
                status, content = int(response.status_code), bytes(response.content)
                if status < 500:
                    if status >= 300:
                        self._running.clients.check_refusal("s3", _code(content))
                    return status, content
                why = f"HTTP {status}: {_code(content)}"
            self._running.clock.wait(pause)
            pause *= 2
        raise TargetUnavailable(f"S3 did not answer {method} {self.bucket}/{key}: {' '.join(why.split())}")


def create_bucket(running: RunningTarget, run: str) -> str:
    """Create the bucket of a run's mailbox and return its name, which is unique among all accounts.

    New buckets are encrypted and block public access (S3 User Guide, "Amazon S3 now ... by default").
    """
    region = running.target.region
    suffix = hashlib.sha256(f"{running.target.account} {region} {run}".encode()).hexdigest()[:8]
    name = f"{run_prefix(run)}mailbox-{suffix}"
    s3: Any = running.clients.client("s3", running.target.account or "")
    # us-east-1 is the Region of a bucket without a constraint (s3/CreateBucket).
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    return name


def _is_about_time(body: bytes) -> bool:
    """Return whether S3 refused a URL for its time, though it was made just before."""
    text = body.decode("utf-8", "replace")
    return _code(body) == "RequestTimeTooSkewed" or "is not yet valid" in text or "has expired" in text


def _why(body: bytes) -> str:
    """Return the code of an error of S3, with what to do about it if that is known."""
    return f"{_code(body)}: this machine's clock is wrong" if _is_about_time(body) else _code(body)


def _code(body: bytes) -> str:
    """Return the code in an error of S3, or the beginning of what is none."""
    text = body.decode("utf-8", "replace")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    return code or repr(text[:80])
