"""The event log: state changes of the embedded target with their time, in service seconds.

Reports draw it, users read it (``GET /_surveyor/events``); suites do not use it, since an AWS account has none.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Event", "EventLog"]

MAX_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """A state change: ``kind`` is a dotted noun, ``subject`` the resource's id, ``at`` service seconds."""

    at: float
    kind: str
    account: str
    region: str
    subject: str
    detail: str = ""


class EventLog:
    """The latest events, oldest first; older ones are dropped, which bounds the size in long runs."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)

    def add(self, event: Event) -> None:
        """Append an event."""
        self._events.append(event)

    def since(self, moment: float = 0.0) -> list[Event]:
        """Return the events at or after ``moment`` (service seconds)."""
        return [event for event in self._events if event.at >= moment]
