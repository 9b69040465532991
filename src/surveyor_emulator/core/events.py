"""The event log: what really happened in the embedded target, and when, in service seconds.

Reports draw it, people read it (``GET /_surveyor/events``); suites never do, since no AWS account has one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Event", "EventLog"]

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: ``kind`` is a dotted noun, ``subject`` the resource's id."""

    at: float
    kind: str
    account: str
    region: str
    subject: str
    detail: str = ""


class EventLog:
    """The latest events, oldest first; old ones are dropped, so that a long run keeps its size."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)

    def add(self, event: Event) -> None:
        """Append one event."""
        self._events.append(event)

    def since(self, moment: float = 0.0) -> list[Event]:
        """Events at or after ``moment`` (service seconds)."""
        return [event for event in self._events if event.at >= moment]
