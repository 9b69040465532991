"""Name servers as they look from a network that blocks port 53, or answers for them itself."""

from __future__ import annotations

from . import wire
from .responder import NameServer

__all__ = ["BlockedServer", "InterceptedServer"]

_RESPONSE, _AVAILABLE, _NXDOMAIN = 0x80, 0x80, 3


class BlockedServer(NameServer):
    """Answers nothing: packets to port 53 are dropped on the way."""

    def answer(self, data: bytes, *, stream: bool = False) -> bytes | None:
        """Return no reply."""
        return None


class InterceptedServer(NameServer):
    """Answers as the recursive resolver of a network does that it was redirected to, and that knows no such name."""

    def answer(self, data: bytes, *, stream: bool = False) -> bytes | None:
        """Return a reply without authority."""
        try:
            query = wire.parse_query(data)
        except wire.MalformedQuery as malformed:
            return malformed.reply
        flags = bytes([(data[2] & 0x01) | _RESPONSE, _AVAILABLE | _NXDOMAIN])
        return data[:2] + flags + b"\0\1\0\0\0\0\0\0" + query.question
