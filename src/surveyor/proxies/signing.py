"""Forward requests to AWS: a request that was signed for a proxy is signed again for the service's endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from surveyor.proxies.exchange import ProxyResponse

__all__ = ["SigningUpstream"]

_REPLACED_HEADERS = {
    "authorization",
    "connection",
    "content-length",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
}
_TIMESTAMP = "%Y%m%dT%H%M%SZ"


class _SkewedSigner(SigV4Auth):
    """Sign with a clock that is ahead by `skew`."""

    def __init__(self, credentials: Credentials, service: str, region: str, skew: timedelta) -> None:
        super().__init__(credentials, service, region)
        self._skew = skew

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        correct = datetime.strptime(request.context["timestamp"], _TIMESTAMP).replace(tzinfo=UTC)
        request.context["timestamp"] = (correct + self._skew).strftime(_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # the stubs leave it out


class SigningUpstream:
    """Forward requests of one service to `endpoint`; `credentials` returns the credentials to sign with.

    `skew`: seconds by which the signing clock is ahead. `timeout` is in wall seconds.
    """

    def __init__(
        self,
        endpoint: str,
        service: str,
        region: str,
        credentials: Callable[[], Credentials],
        timeout: int = 60,
        skew: float = 0.0,
    ) -> None:
        self._endpoint, self._service, self._region = endpoint.rstrip("/"), service, region
        self._credentials, self._skew = credentials, timedelta(seconds=skew)
        self._session = URLLib3Session(timeout=timeout)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ProxyResponse:
        """Return the response. Raises ConnectionError if there is none."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _REPLACED_HEADERS}
        request = AWSRequest(method, self._endpoint + path, {**kept, "Host": urlsplit(self._endpoint).netloc}, body)
        _SkewedSigner(self._credentials(), self._service, self._region, self._skew).add_auth(request)
        try:
            answer = self._session.send(request.prepare())
        except BotoCoreError as error:
            raise ConnectionError(f"{self._endpoint}: {error}") from error
        return ProxyResponse(answer.status_code, dict(answer.headers.items()), answer.content)
