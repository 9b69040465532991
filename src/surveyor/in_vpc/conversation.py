"""The messages between a run and its command inside a VPC, on the side of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from surveyor.clock import Clock
from surveyor.errors import CredentialsEnded, TargetUnavailable
from surveyor.vantage.mailbox import Mailbox
from surveyor_agents.remote_command import read_parts
from surveyor_agents.vantage import Forged, seal, unseal

__all__ = ["SILENCE", "Conversation", "MailboxPlace"]

SILENCE = 600.0
"""Service seconds that the run outside may be silent: then the command inside is interrupted, cleans up and ends."""

HEARTBEAT = 15.0
"""Service seconds between two messages to the command, at most: each brings URLs that are valid from then on."""

ACKNOWLEDGED = 0.4
"""Service seconds between two messages that say what was read, at least."""

WINDOW = 16
"""Messages from inside that may be on the way."""

DOUBTED = 10.0
"""Service seconds in which an object that is not the command's may be replaced by one that is."""


class MailboxPlace(Struct, frozen=True):
    """The mailbox of a command: its bucket, the begin of its objects, the key of its messages, what was read of it."""

    bucket: str
    session: str
    key: str
    read: int = 0


class Conversation:
    """Posts messages to the command, and reads those from it, each once and in order.

    `read`: the number of the last one that was read.
    """

    def __init__(self, clock: Clock, mailbox: Mailbox, place: MailboxPlace) -> None:
        self.read = place.read
        self._mailbox, self._clock = mailbox, clock
        self._session, self._key = place.session, bytes.fromhex(place.key)
        self._posted = self._acked = 0
        self._last = clock.now()
        self._doubted: float | None = None

    def post(self, *, signals: Sequence[int] = (), job: dict[str, Any] | None = None) -> None:
        """Put the next message. Raises CredentialsEnded, and TargetUnavailable if that fails for too long."""
        number, first = self._posted + 1, self.read + 1
        content = {
            "number": number,
            "acked": self.read,
            "next": self._mailbox.url("GET", f"{self._session}/command/{number + 1}"),
            "urls": {key: self._answer_url(key) for key in range(first, first + WINDOW)},
            "signals": list(signals),
            **({"job": job} if job else {}),
        }
        self._mailbox.put(f"{self._session}/command/{number}", seal(self._key, "command", content))
        self._posted, self._acked, self._last = number, self.read, self._clock.now()

    def keep_up(self, signals: Sequence[int]) -> bool:
        """Post a message if it is time for one, or if there are signals; return whether it was put.

        Raises as `post` does. An account that cannot be reached for a moment is asked again.
        """
        passed = self._clock.now() - self._last
        if not signals and passed < (ACKNOWLEDGED if self.read > self._acked else HEARTBEAT):
            return False
        try:
            self.post(signals=signals)
        except CredentialsEnded:
            raise
        except TargetUnavailable:
            if self._clock.now() - self._last > SILENCE:
                raise
            return False
        return True

    def receive(self) -> list[dict[str, Any]] | None:
        """Return the parts of the next message; None if there is none yet.

        Raises TargetUnavailable if another one than the command has put it.
        """
        message = self._mailbox.get(f"{self._session}/answer/{self.read + 1}")
        if message is None:
            return None
        try:
            parts = read_parts(unseal(self._key, "answer", self.read + 1, message))
        except (Forged, ValueError, KeyError, TypeError) as error:
            now = self._clock.now()
            self._doubted = self._doubted or now
            if now - self._doubted > DOUBTED:
                raise TargetUnavailable(
                    f"object {self._session}/answer/{self.read + 1} of {self._mailbox.bucket} was changed by others: "
                    f"{' '.join(str(error).split()) or type(error).__name__}"
                ) from None
            return None
        self._doubted = None
        self.read += 1
        return parts

    def _answer_url(self, number: int) -> str:
        return self._mailbox.url("PUT", f"{self._session}/answer/{number}")
