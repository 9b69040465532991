"""The way on to AWS itself: a request that was signed for a proxy is signed again for the service's own endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from surveyor.proxies.exchange import Answer

__all__ = ["SigningUpstream"]

_SIGNED_ANEW = {
    "authorization",
    "connection",
    "content-length",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
}


_STAMP = "%Y%m%dT%H%M%SZ"


class _Skewed(SigV4Auth):
    """Signs with a clock that is ahead."""

    def __init__(self, credentials: Credentials, service: str, region: str, skew: timedelta) -> None:
        super().__init__(credentials, service, region)
        self._skew = skew

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        right = datetime.strptime(request.context["timestamp"], _STAMP).replace(tzinfo=UTC)
        request.context["timestamp"] = (right + self._skew).strftime(_STAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # the stubs leave it out


class SigningUpstream:
    """Passes requests of one service on to `endpoint`; `credentials` gives those that are good now.

    `skew`: seconds by which the clock that signs is ahead.
    """

    def __init__(
        self,
        endpoint: str,
        service: str,
        region: str,
        credentials: Callable[[], Credentials],
        within: int = 60,
        skew: float = 0.0,
    ) -> None:
        self._endpoint, self._service, self._region = endpoint.rstrip("/"), service, region
        self._credentials, self._skew = credentials, timedelta(seconds=skew)
        self._session = URLLib3Session(timeout=within)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer. Raises ConnectionError where none comes."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _SIGNED_ANEW}
        request = AWSRequest(method, self._endpoint + path, {**kept, "Host": urlsplit(self._endpoint).netloc}, body)
        _Skewed(self._credentials(), self._service, self._region, self._skew).add_auth(request)
        try:
            answer = self._session.send(request.prepare())
        except BotoCoreError as broken:
            raise ConnectionError(f"{self._endpoint}: {broken}") from broken
        return Answer(answer.status_code, dict(answer.headers.items()), answer.content)
