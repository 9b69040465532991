"""Whether a target still answers, from what its last calls had: without answers a run ends instead of waiting."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from surveyor.errors import WrongAnswer
from surveyor.response import operation_name

__all__ = ["Liveness"]

_SILENT_CALLS = 3
"""After how many calls in a row without an answer that ends a target counts as gone."""

_SLOW_CALLS = 8
"""After how many calls in a row that took more than half of the time for an answer it counts as gone."""

_UNREADABLE_CALLS = 50
"""After how many answers in a row that no API of AWS sends a target counts as gone. Where only one service of a target
answers so, most tests still call another one, which answers as it should."""

_MAX_PAGES = 1_000
"""Pages of one list. The longest lists of an account have some hundred."""

_ENDLESS_LISTS = 3
"""After how many lists without end a target counts as gone."""

_TOKENS = frozenset({"nexttoken", "marker", "token", "startrecordname", "startrecordidentifier", "position"})
"""Parameters, in lower case, that ask for the next page of a list."""


class Liveness:
    """The last calls to one target. `patience`: wall seconds within which an answer must be complete."""

    def __init__(self, target: str, patience: float) -> None:
        self._target, self._patience = target, patience
        self._unanswered = self._slow = self._endless = self._unreadable = 0
        self._why = self._fault = ""
        self._pages: Counter[tuple[str, str]] = Counter()

    def sent(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Count a call before it is sent. Raises WrongAnswer if it asks for yet another page of a list without end."""
        key = service, operation
        if not any(name.lower() in _TOKENS for name in params):
            self._pages.pop(key, None)
            return
        self._pages[key] += 1
        if self._pages[key] > _MAX_PAGES:
            del self._pages[key]
            self._endless += 1
            name = operation_name(service, operation)
            cause = "its pages have no end"
            raise WrongAnswer(f"{name}: page {_MAX_PAGES:,} names a next one", cause, operation=name, cause=cause)

    def answered(self, operation: str, seconds: float) -> None:
        """Note that the answer to a call was complete after wall seconds."""
        self._unanswered = 0
        self._slow = self._slow + 1 if seconds > self._patience / 2 else 0
        if self._slow:
            self._why = f"{operation} took {seconds:.1f} s"

    def unanswered(self, operation: str, why: str) -> None:
        """Note that a call got no answer that ends."""
        self._unanswered += 1
        self._why = f"{operation}: {why}"

    def unreadable(self, fault: str) -> None:
        """Note that an answer was none of an API; `fault` names the call."""
        self._unreadable += 1
        self._fault = fault

    def readable(self) -> None:
        """Note that an answer was one of an API, which may be a refusal."""
        self._unreadable = 0

    def silence(self) -> str | None:
        """Return that the target has stopped answering; None otherwise."""
        if self._unanswered >= _SILENT_CALLS:
            return f"{self._target} answered none of the last {self._unanswered} calls; the last of them, {self._why}"
        if self._unreadable >= _UNREADABLE_CALLS:
            calls = f"none of the last {self._unreadable} calls"
            return f"{self._target} answered {calls} as an API of AWS does; the last of them: {self._fault}"
        if self._endless >= _ENDLESS_LISTS:
            return f"{self._target} answered {self._endless} lists without end, each with {_MAX_PAGES:,} pages"
        if self._slow >= _SLOW_CALLS:
            least = math.floor(self._patience / 2)
            return f"{self._target} took more than {least} s for each of the last {self._slow} answers; {self._why}"
        return None
