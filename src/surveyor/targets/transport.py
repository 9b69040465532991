"""Limits for each answer of a target: on the time until it is complete, and on its size.

A timeout of a socket bounds the time between two bytes only, so that an answer may arrive for ever: one byte at a time,
after endless `100 Continue`, in endless chunks, or as a body without end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import HTTPClientError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["MAX_ANSWER", "AnswerTooLarge", "BoundedResponse", "limit_answers"]

MAX_ANSWER = 8 << 20
"""Bytes of one answer with its headers. The largest of AWS, a thousand instances with all attributes, has 5 million."""


class AnswerTooLarge(HTTPClientError):
    """An answer has more bytes, or more values, than any of AWS."""

    fmt = "an answer of more than {limit}"


class _BoundedSource(io.RawIOBase):
    """The bytes of one answer, which must be complete within the socket's timeout from now on."""

    def __init__(self, source: io.RawIOBase, connection: socket.socket) -> None:
        self._source, self._socket = source, connection
        timeout = connection.gettimeout()
        self._end = None if timeout is None else time.monotonic() + timeout
        self._left = MAX_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer was not complete in time")
            self._socket.settimeout(left)
        count = self._source.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise AnswerTooLarge(limit=f"{MAX_ANSWER} bytes")
        return count

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._source.close()


class BoundedResponse(http.client.HTTPResponse):
    """A response with both limits; the timeout of its socket is that for the whole answer."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_BoundedSource(self.fp.detach(), sock))

    def begin(self) -> None:
        """Read status and headers. A body that is announced as too large is not read: memory is reserved for all."""
        super().begin()
        if self.length is not None and self.length > MAX_ANSWER:
            self.close()
            raise AnswerTooLarge(limit=f"{MAX_ANSWER} bytes")


class _Connection(AWSHTTPConnection):
    response_class = BoundedResponse  # type: ignore[assignment]  # the stubs expect one for `Expect: 100-continue`


class _SecureConnection(AWSHTTPSConnection):
    response_class = BoundedResponse  # type: ignore[assignment]  # the stubs expect one for `Expect: 100-continue`


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def limit_answers(client: Any) -> None:
    """Put both limits on the answers that a client of botocore receives, directly and through proxies."""
    session = client._endpoint.http_session  # noqa: SLF001  # no option of botocore replaces the connections
    session._pool_classes_by_scheme.update(http=_Pool, https=_SecurePool)  # noqa: SLF001  # as above
