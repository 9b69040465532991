"""The way on to AWS itself: a request that was signed for a proxy is signed again for the service's own endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class SigningUpstream:
    """Passes requests of one service on to `endpoint`; `credentials` gives those that are good now."""

    def __init__(
        self, endpoint: str, service: str, region: str, credentials: Callable[[], Credentials], within: int = 60
    ) -> None:
        self._endpoint, self._service, self._region = endpoint.rstrip("/"), service, region
        self._credentials = credentials
        self._session = URLLib3Session(timeout=within)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer. Raises ConnectionError where none comes."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _SIGNED_ANEW}
        request = AWSRequest(method, self._endpoint + path, {**kept, "Host": urlsplit(self._endpoint).netloc}, body)
        SigV4Auth(self._credentials(), self._service, self._region).add_auth(request)
        try:
            answer = self._session.send(request.prepare())
        except BotoCoreError as broken:
            raise ConnectionError(f"{self._endpoint}: {broken}") from broken
        return Answer(answer.status_code, dict(answer.headers.items()), answer.content)
